"""Whoever guesses at the sign-in has to wait; nobody can lock an account's owner out where it is at home."""

import datetime

import pytest
from django.core import mail
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from backups import signing_in
from backups.models import AuditEvent
from backupsvc.studio.models import User
from tests import audit_door
from tests.studio.conftest import PASSWORD

pytestmark = pytest.mark.django_db
GUESS = "a guess"
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def owner(account) -> User:
    return account(User.Role.OWNER)


def tries(client, email: str, password: str = GUESS, address: str = HOME) -> bool:
    """Whether it opened the pages."""
    form = {"username": email, "password": password}
    return client.post(reverse("admin:login"), form, REMOTE_ADDR=address).status_code == 302


def guess(client, email: str, times: int, address: str = HOME) -> None:
    for _ in range(times):
        assert not tries(client, email, address=address)


def later(**much: float) -> None:
    """Everything in the trail was so much earlier."""
    with audit_door.opened():
        AuditEvent.objects.update(at=F("at") - datetime.timedelta(**much))


def outcomes() -> list[str]:
    events = AuditEvent.objects.filter(action=signing_in.ACTION).order_by("id")
    return list(events.values_list("outcome", flat=True))


def test_four_wrong_ones_hinder_nobody(client, owner):
    guess(client, owner.email, 4)
    assert tries(client, owner.email, PASSWORD)


def test_after_five_the_right_one_waits_too(client, owner):
    guess(client, owner.email, 5)
    assert not tries(client, owner.email, PASSWORD)
    assert outcomes() == ["failed"] * 5 + ["limited"]
    later(seconds=31)
    assert tries(client, owner.email, PASSWORD)


def test_without_the_backend_it_would_open(client, owner, settings):
    settings.AUTHENTICATION_BACKENDS = settings.AUTHENTICATION_BACKENDS[1:]
    guess(client, owner.email, 9)
    assert tries(client, owner.email, PASSWORD)


def test_each_further_one_waits_longer_and_none_longer_than_five_minutes():
    now = timezone.now()
    waits = [(signing_in._after([now] * (5 + more), 5) - now).total_seconds() for more in range(12)]
    assert waits == [30, 60, 120, 240, *[300] * 8]


def test_what_is_tried_while_waiting_makes_it_no_longer(client, owner):
    guess(client, owner.email, 30)
    assert outcomes().count("failed") == 5
    later(seconds=31)
    assert tries(client, owner.email, PASSWORD)


def test_guesses_from_elsewhere_do_not_lock_out_whoever_is_at_home(client, owner):
    assert tries(client, owner.email, PASSWORD)
    for number in range(30):
        tries(client, owner.email, address=f"198.51.100.{number}")
    assert not tries(client, owner.email, PASSWORD, address=ELSEWHERE)
    assert tries(client, owner.email, PASSWORD)


def test_many_accounts_from_one_address_wait(client, owner):
    for number in range(20):
        tries(client, f"nobody{number}@studio.example", address=ELSEWHERE)
    assert not tries(client, owner.email, PASSWORD, address=ELSEWHERE)
    assert tries(client, owner.email, PASSWORD, address="203.0.113.9")


def test_addresses_of_one_network_are_one_place(client, owner):
    """Who has one of IPv6 has as many as there are seconds since the beginning of the world."""
    for number in range(20):
        tries(client, f"nobody{number}@studio.example", address=f"2001:db8:0:7:{number:x}::1")
    assert not tries(client, owner.email, PASSWORD, address="2001:db8:0:7:ffff::9")
    assert tries(client, owner.email, PASSWORD, address="2001:db8:0:8::1")


def test_whoever_tries_on_while_waiting_does_not_fill_the_trail(client, owner):
    guess(client, owner.email, 5)
    before = AuditEvent.objects.count()
    guess(client, owner.email, signing_in.MOST_LIMITED + 5)
    assert AuditEvent.objects.count() - before == signing_in.MOST_LIMITED


def test_the_account_s_owner_is_told_once(client, owner):
    guess(client, owner.email, 30)
    (told,) = mail.outbox
    assert told.to == [owner.email]
    assert "5 wrong passwords" in told.body
    assert GUESS not in told.body


def test_whoever_is_not_known_is_not_told_anything(client, owner):
    guess(client, "nobody@studio.example", 6)
    assert mail.outbox == []


def test_programs_do_not_wait(client, owner):
    guess(client, owner.email, 6)
    assert client.login(username=owner.email, password=PASSWORD)
