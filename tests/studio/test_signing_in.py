"""Signing in, failing to, signing out and changing one's own password leave their lines in the trail."""

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from backups.models import AuditEvent
from backupsvc.studio.models import User
from tests.studio.conftest import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "a-new-and-long-one-77"


@pytest.fixture
def owner(account):
    return account(User.Role.OWNER)


def sign_in(client, email, password):
    return client.post(reverse("admin:login"), {"username": email, "password": password})


def lines(action):
    found = AuditEvent.objects.filter(action=action).order_by("id")
    return [(event.outcome, event.person_email, event.details.get("account")) for event in found]


def test_signing_in_and_out_is_written_down(client, owner):
    sign_in(client, owner.email, PASSWORD)
    client.post(reverse("admin:logout"))
    assert lines("sign-in") == [("accepted", owner.email, owner.pk)]
    assert lines("sign-out") == [("done", owner.email, owner.pk)]
    assert AuditEvent.objects.filter(address="127.0.0.1").count() == 2


def test_a_wrong_password_is_written_down_without_itself(client, owner):
    sign_in(client, owner.email, "a guess of mine")
    assert lines("sign-in") == [("failed", owner.email, owner.pk)]
    assert "a guess" not in str(AuditEvent.objects.values_list())


def test_who_is_not_known_is_not_named(client, owner):
    """It may be a password, typed into the wrong field."""
    sign_in(client, PASSWORD, PASSWORD)
    assert lines("sign-in") == [("failed", "", "")]
    assert PASSWORD not in str(list(AuditEvent.objects.values_list()))


def test_ones_own_password_needs_the_old_one_and_wrong_ones_are_counted(owner, browser_of):
    browser = browser_of(owner)
    page = reverse("admin:password_change")
    new = {"new_password1": NEW, "new_password2": NEW}
    assert browser.get(page).status_code == 200
    for _ in range(5):
        assert browser.post(page, {"old_password": "a guess", **new}).status_code == 200
    answer = browser.post(page, {"old_password": PASSWORD, **new})
    assert "5 wrong passwords" in answer.content.decode()
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


def test_another_password_of_ones_own_is_written_down(owner, browser_of):
    browser = browser_of(owner)
    new = {"new_password1": NEW, "new_password2": NEW}
    answer = browser.post(reverse("admin:password_change"), {"old_password": PASSWORD, **new})
    assert answer["Location"] == reverse("admin:password_change_done")
    owner.refresh_from_db()
    assert owner.check_password(NEW)
    assert lines("password.own") == [("done", owner.email, None)]


def test_a_password_that_was_reset_by_mail_is_written_down(client, owner):
    name = urlsafe_base64_encode(force_bytes(owner.pk))
    token = default_token_generator.make_token(owner)
    form = client.get(reverse("password_reset_confirm", args=[name, token]), follow=True)
    client.post(form.redirect_chain[-1][0], {"new_password1": NEW, "new_password2": NEW})
    owner.refresh_from_db()
    assert owner.check_password(NEW)
    assert lines("password.reset") == [("done", owner.email, None)]
