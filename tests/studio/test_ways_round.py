"""Ways round the sign-in: a session that was slipped in before it, links by mail that lead elsewhere or
outlive what they were for, rights that outlive the role."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from django.urls import reverse

from backupsvc.studio.models import User
from tests.studio.conftest import PASSWORD

pytestmark = pytest.mark.django_db
RESET = reverse("admin_password_reset")


def sign_in(browser: Client, user: User) -> int:
    form = {"username": user.email, "password": PASSWORD}
    return browser.post(reverse("admin:login"), form).status_code


def link_of_mail() -> str:
    (found,) = re.findall(r"https?://([^/\s]+)(/reset/\S+)", str(mail.outbox[-1].body))
    return "".join(found)


def works(link: str) -> bool:
    answer = Client().get("/" + link.partition("/")[2], follow=True)
    return "new_password1" in answer.content.decode()


def test_a_session_that_was_slipped_in_is_not_signed_in(account):
    slipped = Client()
    slipped.get(reverse("admin:login"))
    session = slipped.session
    session["mine"] = "x"
    session.save()
    victim = Client()
    victim.cookies["sessionid"] = session.session_key
    assert sign_in(victim, account(User.Role.OWNER)) == 302
    assert victim.session.session_key != session.session_key
    slipped.cookies["sessionid"] = session.session_key
    assert slipped.get(reverse("admin:index")).status_code == 302
    assert not Session.objects.filter(session_key=session.session_key).exists()


@pytest.mark.parametrize(
    "said", [{"HTTP_X_FORWARDED_HOST": "evil.example"}, {"HTTP_FORWARDED": "host=evil.example"}]
)
def test_a_link_by_mail_leads_to_the_address_that_was_asked(account, said):
    Client().post(RESET, {"email": account().email}, **said)
    assert link_of_mail().startswith("testserver/")


def test_an_address_that_is_not_the_studio_s_is_not_served(account):
    assert (
        Client().post(RESET, {"email": account().email}, HTTP_HOST="evil.example").status_code
        == 400
    )
    assert mail.outbox == []


def test_a_link_does_not_outlive_the_address_or_the_password_that_it_was_for(account):
    designer = account()
    for change in ({"email": "moved@studio.example"}, {"password": "another"}):
        Client().post(RESET, {"email": designer.email})
        link = link_of_mail()
        assert works(link)
        for name, value in change.items():
            setattr(designer, name, value)
        designer.save()
        assert not works(link)


def test_nor_does_it_let_somebody_in_whose_approval_was_withdrawn_since(account):
    designer = account()
    Client().post(RESET, {"email": designer.email})
    link = "/" + link_of_mail().partition("/")[2]
    User.objects.filter(pk=designer.pk).update(approval_status=User.ApprovalStatus.REJECTED)
    browser = Client()
    page = browser.get(link, follow=True)
    new = {"new_password1": "a-new-and-long-one-77", "new_password2": "a-new-and-long-one-77"}
    browser.post(page.request["PATH_INFO"], new)
    assert sign_in(Client(), designer) == 200


def test_rights_go_with_the_role_at_the_next_request(account, browser_of):
    owner = account(User.Role.OWNER)
    browser = browser_of(owner)
    assert browser.get(reverse("admin:backups_audit")).status_code == 200
    User.objects.filter(pk=owner.pk).update(role=User.Role.ADMIN)
    assert browser.get(reverse("admin:backups_audit")).status_code == 403
    User.objects.filter(pk=owner.pk).update(approval_status=User.ApprovalStatus.PENDING)
    assert browser.get(reverse("admin:index")).status_code == 302


def test_another_password_ends_other_sessions(account, browser_of):
    owner = account(User.Role.OWNER)
    browser = browser_of(owner)
    owner.set_password("another one and long")
    owner.save()
    assert browser.get(reverse("admin:index")).status_code == 302
