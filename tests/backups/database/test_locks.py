"""Backups and restores exclude one another; looking takes nothing; the dead hold nothing."""

import pytest

from backups.database import locks
from backups.database.connection import connected
from backups.errors import BusyError, DatabaseFailure

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 0.05


@pytest.fixture
def one():
    with connected(purpose="one") as connection:
        yield connection


@pytest.fixture
def other():
    with connected(purpose="other") as connection:
        yield connection


def test_many_backups_go_on_at_once(one, other):
    locks.hold_for_reading(one, wait_seconds=AT_ONCE)
    locks.hold_for_reading(other, wait_seconds=AT_ONCE)


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (locks.hold_for_reading, locks.hold_for_restoring, "lock.busy"),
        (locks.hold_for_restoring, locks.hold_for_reading, "lock.restoring"),
        (locks.hold_for_restoring, locks.hold_for_restoring, "lock.busy"),
    ],
)
def test_a_restore_is_alone(one, other, first, second, code: str):
    first(one, wait_seconds=AT_ONCE)
    with pytest.raises(BusyError) as refused:
        second(other, wait_seconds=AT_ONCE)
    assert (refused.value.code, refused.value.permanent) == (code, False)
    assert refused.value.hint


def test_a_lock_is_free_when_its_session_has_ended(one):
    with connected(purpose="gone") as gone:
        locks.hold_for_restoring(gone, wait_seconds=AT_ONCE)
    locks.hold_for_reading(one, wait_seconds=5)


def test_who_was_refused_can_wait_again(one, other):
    locks.hold_for_restoring(one, wait_seconds=AT_ONCE)
    for _ in range(2):
        with pytest.raises(BusyError):
            locks.hold_for_reading(other, wait_seconds=AT_ONCE)
    with other.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("50ms",)


def test_maintenance_is_the_restore_s_lock_and_looking_never_takes_it(one, other):
    assert not locks.restore_is_running(other)
    locks.hold_for_restoring(one, wait_seconds=AT_ONCE)
    assert locks.restore_is_running(other)
    assert locks.restore_is_running(one)


def test_a_backup_is_no_maintenance(one, other):
    locks.hold_for_reading(one, wait_seconds=AT_ONCE)
    assert not locks.restore_is_running(other)


def test_a_run_is_held_by_one_session_and_seen_by_all(one, other):
    assert locks.hold_run(one, "a" * 32)
    assert not locks.hold_run(other, "a" * 32)
    assert locks.run_is_held(other, "a" * 32)
    assert not locks.run_is_held(other, "b" * 32)


@pytest.mark.parametrize("run_id", [f"{n:032x}" for n in range(20)])
def test_a_run_with_any_number_is_seen(one, other, run_id: str):
    """Half of all numbers are negative, and the catalogue shows them unsigned."""
    assert locks.hold_run(one, run_id)
    assert locks.run_is_held(other, run_id)


def test_a_lost_connection_is_a_failure_of_the_database(one, other):
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [one.info.backend_pid])
    with pytest.raises(DatabaseFailure) as refused:
        locks.hold_for_reading(one, wait_seconds=AT_ONCE)
    assert refused.value.code == "database.lost"
