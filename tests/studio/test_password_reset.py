"""Resetting a password by mail: for approved accounts, with or without a password so far."""

import re

import pytest
from django.contrib.auth import authenticate
from django.test import Client
from django.urls import reverse

from backups.models import AuditEvent
from backupsvc.studio import passwords
from backupsvc.studio.models import User
from backupsvc.studio.passwords import ApprovedAccountsResetForm

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.studio.urls")]
NEW_PASSWORD = "a-new-and-long-one-77"


def ask_for_mail(address):
    answer = Client().post(reverse("admin_password_reset"), {"email": address})
    assert answer.status_code == 302
    assert answer.headers["Location"] == reverse("password_reset_done")


def follow_link(message):
    """Open the mailed link as a browser does, and set the new password."""
    browser = Client()
    (link,) = re.findall(r"https?://[^/\s]+(/reset/\S+)", message.body)
    page = browser.get(link, follow=True)
    return browser.post(
        page.request["PATH_INFO"],
        {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD},
        follow=True,
    )


@pytest.mark.parametrize("password", [None, "!unusable", "the old password"])
def test_an_approved_account_sets_a_password_by_mail(account, mailoutbox, password):
    designer = account(password=None)
    if password == "!unusable":
        designer.set_unusable_password()
    elif password:
        designer.set_password(password)
    designer.save()
    ask_for_mail(designer.email)
    (message,) = mailoutbox
    assert message.to == [designer.email]
    assert follow_link(message).status_code == 200
    assert authenticate(username=designer.email, password=NEW_PASSWORD) == designer


def test_a_link_works_once(account, mailoutbox):
    designer = account(password=None)
    ask_for_mail(designer.email)
    follow_link(mailoutbox[0])
    designer.refresh_from_db()
    first = designer.password
    follow_link(mailoutbox[0])
    designer.refresh_from_db()
    assert designer.password == first


@pytest.mark.parametrize("status", [User.ApprovalStatus.PENDING, User.ApprovalStatus.REJECTED])
def test_an_account_that_is_not_approved_gets_no_mail(account, mailoutbox, status):
    ask_for_mail(account(approval_status=status).email)
    assert mailoutbox == []


def test_a_stranger_gets_no_mail_and_the_same_answer(account, mailoutbox):
    account()
    ask_for_mail("stranger@studio.example")
    assert mailoutbox == []


def test_the_mail_goes_to_the_address_on_record(account, mailoutbox):
    account(email="noa@studio.example")
    ask_for_mail("NOA@studio.example")
    assert mailoutbox[0].to == ["noa@studio.example"]


def test_letters_that_only_the_database_folds_are_different_addresses(account, monkeypatch):
    mike = account(email="mike@studio.example")
    # As a database does whose collation takes the dotless i for an i.
    monkeypatch.setattr(User.objects, "filter", lambda **conditions: [mike])
    form = ApprovedAccountsResetForm()
    assert list(form.get_users("Mike@studio.example")) == [mike]
    assert list(form.get_users("m\u0131ke@studio.example")) == []


def test_the_sign_in_page_leads_here():
    page = Client().get(reverse("admin:login")).content.decode()
    assert reverse("admin_password_reset") in page


def told() -> list[str]:
    events = AuditEvent.objects.filter(action="password.reset").order_by("id")
    return list(events.values_list("outcome", flat=True))


def test_that_somebody_asked_is_written_down_and_no_mailbox_is_filled(account, mailoutbox):
    designer = account()
    for _ in range(passwords.MOST_LINKS + 3):
        ask_for_mail(designer.email)
    ask_for_mail("nobody@studio.example")
    assert len(mailoutbox) == passwords.MOST_LINKS
    assert told() == ["requested"] * passwords.MOST_LINKS + ["limited"]
    event = AuditEvent.objects.filter(action="password.reset").first()
    assert (event.subject, event.address) == (designer.pk, "127.0.0.1")


def test_without_the_counting_it_would_be(account, mailoutbox, monkeypatch):
    """A twin."""
    monkeypatch.setattr(passwords, "_note_asked", lambda *_: True)
    designer = account()
    for _ in range(passwords.MOST_LINKS + 3):
        ask_for_mail(designer.email)
    assert len(mailoutbox) == passwords.MOST_LINKS + 3
