"""Backups and restores exclude one another, and each is cancelled at once even where it waits."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections

from backups.database import locks
from backups.database.connection import connected
from backups.errors import BusyError, CancelledError
from backups.models import BackupRun, Run, State
from backups.registry import COMPLETE
from backups.services import auditing, creating, runs
from restore.models import RestoreRun
from restore.plan import Choices
from restore.services.applying import applying
from restore.services.asking import requests
from tests.faults.workers import wait_until
from tests.roundtrip.dump import differences, dump_data
from tests.roundtrip.engine import back_up, restore, stored, writing
from tests.zoo import rows

SOON_SECONDS = 5


@pytest.fixture
def backup(surroundings: None, settings: Any) -> BackupRun:
    settings.BACKUPS_LOCK_WAIT_SECONDS = 0.2
    settings.BACKUPS_PROGRESS_SECONDS = 0.05
    settings.BACKUPS_DRAIN_SECONDS = 60
    with writing() as cursor:
        rows.fill(cursor)
    return back_up()


def test_no_backup_is_made_while_a_restore_runs(backup: BackupRun) -> None:
    with _held(locks.hold_for_restoring), pytest.raises(BusyError) as refusal:
        back_up()
    assert (refusal.value.code, refusal.value.permanent) == ("lock.restoring", False)
    assert "restore" in refusal.value.message
    assert BackupRun.objects.latest("requested_at").state == State.FAILED
    assert back_up().state == State.SUCCEEDED


def test_no_restore_begins_while_a_backup_runs(backup: BackupRun) -> None:
    before = dump_data()
    with _held(locks.hold_for_reading), pytest.raises(BusyError) as refusal:
        restore(stored(backup))
    assert (refusal.value.code, refusal.value.permanent) == ("lock.busy", False)
    assert RestoreRun.objects.latest("requested_at").state == State.FAILED
    assert differences(before, dump_data()) == []
    restore(stored(backup))


def test_no_restore_begins_while_another_runs(backup: BackupRun) -> None:
    with _held(locks.hold_for_restoring), pytest.raises(BusyError):
        restore(stored(backup))


def test_several_backups_are_made_at_once(backup: BackupRun) -> None:
    with _held(locks.hold_for_reading):
        assert back_up().state == State.SUCCEEDED


def test_without_the_lock_a_backup_would_run_into_a_restore(
    backup: BackupRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _held(locks.hold_for_restoring):
        monkeypatch.setattr(locks, "hold_for_reading", lambda *_, **__: None)
        assert back_up().state == State.SUCCEEDED


def test_a_backup_that_waits_for_a_table_is_cancelled_at_once(backup: BackupRun) -> None:
    run = creating.request(COMPLETE, auditing.COMMAND_LINE)
    with _held_table("zoo_feeding", "ACCESS EXCLUSIVE"):
        _cancelled_at_once(run, lambda: creating.carry_out(run), stage="turn")
    assert {b.artifact for b in BackupRun.objects.all()} == {backup.artifact, ""}


def test_a_restore_that_waits_for_others_is_cancelled_at_once(backup: BackupRun) -> None:
    before = dump_data()
    run = requests.request(stored(backup), auditing.COMMAND_LINE, Choices())
    with _held_table("zoo_feeding", "ROW EXCLUSIVE"):
        _cancelled_at_once(run, lambda: applying.carry_out(run, stored(backup)), stage="waiting")
    assert differences(before, dump_data()) == []
    restore(stored(backup))


def _cancelled_at_once(run: Run, work: Callable[[], Run], **where: str) -> None:
    """Cancel from another thread when the run has come to the place."""
    cancelled: list[float] = []

    def cancel() -> None:
        at_work = type(run)._default_manager.filter(pk=run.pk, **where)
        wait_until(at_work.exists)
        runs.cancel(run)
        cancelled.append(time.monotonic())
        connections.close_all()

    other = threading.Thread(target=cancel)
    other.start()
    with pytest.raises(CancelledError):
        work()
    other.join()
    assert time.monotonic() - cancelled[0] < SOON_SECONDS
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.CANCELLED, "run.cancelled")


@contextmanager
def _held(lock: Callable[..., None]) -> Iterator[None]:
    with connected(purpose="test") as other:
        lock(other, wait_seconds=5)
        yield


@contextmanager
def _held_table(table: str, mode: str) -> Iterator[None]:
    with connected(purpose="test") as other, other.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN {mode} MODE")
        yield
