"""Guesses that come at the same moment are counted like those that come one after the other."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from unittest.mock import Mock

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY
from django.core import mail
from django.db import connection, connections
from django.test import Client
from django.urls import reverse

from backups import reauthentication, second_factor, signing_in
from backups.database import turns
from backups.models import AuditEvent
from backupsvc.studio import passwords
from backupsvc.studio.models import User
from restore.models import FirstStart
from restore.services.asking import first_start
from restore.services.asking.first_start import Way
from tests.pages.conftest import PASSWORD
from tests.pages_restore.conftest import browser_of, make_account

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 12


@pytest.fixture(autouse=True)
def isolation(request) -> Iterator[None]:
    """A project may have chosen an isolation in which a count is that of an instant before the waiting."""
    options = connection.settings_dict.setdefault("OPTIONS", {})
    connection.close()
    options["options"] = "-c default_transaction_isolation=repeatable\\ read"
    yield
    connection.close()
    del options["options"]


@pytest.fixture
def owner() -> User:
    return make_account(User.Role.OWNER)


@pytest.fixture
def looked_at(monkeypatch) -> list[str]:
    """The passwords and codes that were compared, each of which takes a moment."""
    found: list[str] = []
    monkeypatch.setattr(second_factor, "accepts", lambda user, token: False)
    for holder, name in (
        (User, "check_password"),
        (first_start, "constant_time_compare"),
        (second_factor, "accepts"),
    ):
        original = getattr(holder, name)

        def compare(one, other, original=original) -> bool:
            found.append(str(other))
            time.sleep(0.02)
            return bool(original(one, other))

        monkeypatch.setattr(holder, name, compare)
    return found


def at_once(work: Callable[[int], object]) -> None:
    barrier, raised = threading.Barrier(THREADS), []

    def one(number: int) -> None:
        try:
            barrier.wait()
            work(number)
        except Exception as error:
            raised.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raised == []


def sign_in(owner: User, address: str = "192.0.2.1") -> None:
    form = {"username": owner.email, "password": "a guess"}
    Client().post(reverse("admin:login"), form, REMOTE_ADDR=address)


def guess_at_the_sign_in(owner: User) -> None:
    at_once(lambda number: sign_in(owner))


def guess_many_accounts(owner: User) -> None:
    for number in range(15):
        sign_in(make_account(User.Role.DESIGNER, email=f"{number}@studio.example"))
    at_once(lambda number: sign_in(User.objects.get(email=f"{number}@studio.example")))


def guess_again(owner: User) -> None:
    browsers = [browser_of(owner) for _number in range(THREADS)]
    start = reverse("admin:backups_start_complete")
    at_once(lambda number: browsers[number].post(start, {"password": "a guess"}))


def guess_the_second_factor(owner: User) -> None:
    """By somebody who knows the password."""
    browsers = [browser_of(owner) for _number in range(THREADS)]
    start = reverse("admin:backups_start_complete")
    asked = {"password": PASSWORD, "token": "123456"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(second_factor, "is_asked_of", lambda user: True)
        at_once(lambda number: browsers[number].post(start, asked))


def guess_the_first_start(owner: User) -> None:
    FirstStart.objects.all().delete()
    User.objects.all().delete()
    first_start.code()
    at_once(lambda number: first_start.begin("wrong", "", Way.EMPTY, lambda: None))


# By the door, how guesses come there, how many are looked at, and the outcomes in the trail.
DOORS = {
    "the sign-in": (guess_at_the_sign_in, signing_in.FREE),
    "the sign-in, whatever account": (guess_many_accounts, signing_in.FREE_ELSEWHERE),
    "the password again": (guess_again, reauthentication.ATTEMPTS),
    # A password is looked at before each code.
    "the second factor": (guess_the_second_factor, 2 * reauthentication.ATTEMPTS),
    "the first start": (guess_the_first_start, first_start.ATTEMPTS),
}


@pytest.mark.parametrize("door", DOORS)
def test_no_more_are_looked_at_than_one_after_the_other(owner, looked_at, door):
    guess, most = DOORS[door]
    guess(owner)
    wrong = AuditEvent.objects.filter(outcome__in=("wrong", "failed"))
    assert len(looked_at) == most
    assert wrong.count() == most / (2 if door == "the second factor" else 1)


@pytest.mark.parametrize("door", DOORS)
def test_without_the_line_more_are(owner, looked_at, door, monkeypatch):
    """The twin."""

    monkeypatch.setattr(turns, "turn", lambda *_names: contextlib.nullcontext(True))
    # Who begins the first start waits for the row of another, too.
    monkeypatch.setattr(FirstStart.objects, "create", Mock())
    guess, most = DOORS[door]
    guess(owner)
    assert len(looked_at) > most


def test_without_the_line_more_links_are_sent(owner, monkeypatch):
    """The twin."""
    monkeypatch.setattr(turns, "turn", lambda *_names: contextlib.nullcontext(True))
    form = {"email": owner.email}
    at_once(lambda number: Client().post(reverse("admin_password_reset"), form))
    assert len(mail.outbox) > passwords.MOST_LINKS


def test_owners_are_told_once_and_whoever_is_right_is_let_in(owner, looked_at):
    guess_at_the_sign_in(owner)
    assert [message.to for message in mail.outbox] == [[owner.email]]
    outcomes = Counter(
        AuditEvent.objects.filter(action="sign-in").values_list("outcome", flat=True)
    )
    assert outcomes == {"failed": signing_in.FREE, "limited": THREADS - signing_in.FREE}
    browser = Client()
    other = make_account(User.Role.ADMIN)
    form = {"username": other.email, "password": PASSWORD}
    assert browser.post(reverse("admin:login"), form, REMOTE_ADDR="192.0.2.9").status_code == 302
    assert browser.session[BACKEND_SESSION_KEY] == "backupsvc.studio.accounts.RoleBackend"


def test_links_for_a_new_password_are_as_few(owner):
    form = {"email": owner.email}
    at_once(lambda number: Client().post(reverse("admin_password_reset"), form))
    assert len(mail.outbox) == passwords.MOST_LINKS


def test_who_waits_too_long_in_the_line_is_not_looked_at(owner, looked_at, monkeypatch):
    monkeypatch.setattr(turns, "LONGEST_WAIT_MS", 50)
    standing, over = threading.Event(), threading.Event()

    def stand() -> None:
        with turns.turn(f"sign-in of {owner.pk}"):
            standing.set()
            over.wait(30)
        connections.close_all()

    thread = threading.Thread(target=stand)
    thread.start()
    assert standing.wait(30)
    try:
        sign_in(owner)
        assert looked_at == []
    finally:
        over.set()
        thread.join()
    sign_in(owner)
    assert len(looked_at) == 1


def test_no_two_wait_for_one_another():
    """Turns of two names, in either order."""
    taken = []

    def work(number: int) -> None:
        names = ("one", "other") if number % 2 else ("other", "one")
        with turns.turn(*names) as is_turn:
            time.sleep(0.005)
            taken.append(is_turn)

    at_once(work)
    assert taken == [True] * THREADS
