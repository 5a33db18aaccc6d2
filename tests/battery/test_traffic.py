"""Others are at work while backups and restores run: they wait, or are cut off; nothing is torn or lost."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import psycopg2
import pytest
from django.db import connection as django_connection

from backups.database import holding, locks, snapshot
from backups.database.connection import connect, connected
from backups.errors import BackupSystemError, BusyError
from backups.models import BackupRun
from restore.database.transaction import RestoreTransaction
from restore.models import RestoreRun
from restore.services.applying import applying
from tests.battery.state import sessions, unfinished_runs
from tests.databases import superuser
from tests.roundtrip.dump import differences, dump_data
from tests.roundtrip.engine import back_up, parsed, restore, writing

ACCOUNTS, EACH = 8, 1000


@pytest.fixture(autouse=True)
def as_shipped(settings) -> None:
    settings.BACKUPS_LEAVE_EQUAL_TABLES = True


class Worker(threading.Thread):
    """Does ``step`` over and over on a connection of its own; a connection that is cut off is made
    anew."""

    def __init__(self, step: Callable, stop: threading.Event, number: int) -> None:
        super().__init__(daemon=True)
        self._step, self._halt, self._number = step, stop, number
        self.acknowledged: list[str] = []
        self.cut_off = 0

    def run(self) -> None:
        turn = 0
        while not self._halt.is_set():
            with suppress(psycopg2.Error), closing(connect(purpose="traffic")) as link:
                with suppress(psycopg2.Error):
                    while not self._halt.is_set():
                        turn += 1
                        self._step(self, link, self._number, turn)
                self.cut_off += 1


@contextmanager
def traffic(step: Callable, amount: int) -> Iterator[list[Worker]]:
    stop = threading.Event()
    workers = [Worker(step, stop, number) for number in range(amount)]
    for worker in workers:
        worker.start()
    try:
        yield workers
    finally:
        stop.set()
        for worker in workers:
            worker.join(20)
        assert not any(worker.is_alive() for worker in workers)


# Torn snapshots


@pytest.fixture
def accounts(studio) -> None:
    """Two tables hold amounts whose sum never changes."""
    with writing() as cursor:
        for number in range(ACCOUNTS):
            cursor.execute(
                "INSERT INTO zoo_boat (id, name, oars) VALUES (%s, 'account', %s)",
                [1000 + number, EACH],
            )
            cursor.execute(
                "INSERT INTO zoo_feeding (animal_id, day, grams) VALUES (3, DATE '2020-01-01' + %s, %s)",
                [number, EACH],
            )


def move(worker: Worker, link, number: int, turn: int) -> None:
    """Amounts move from one table to the other; a keeper comes with an animal, and goes with it."""
    one, other = (number + turn) % ACCOUNTS, (number * 3 + turn * 5) % ACCOUNTS
    with link.cursor() as cursor:
        cursor.execute("UPDATE zoo_boat SET oars = oars - %s WHERE id = %s", [turn % 7, 1000 + one])
        cursor.execute(
            "UPDATE zoo_feeding SET grams = grams + %s"
            " WHERE animal_id = 3 AND day = DATE '2020-01-01' + %s",
            [turn % 7, other],
        )
        keeper = 10_000 + number
        if turn % 2:
            cursor.execute("INSERT INTO zoo_keeper (id, name) VALUES (%s, 'x')", [keeper])
            cursor.execute(
                "INSERT INTO zoo_animal_keepers (animal_id, keeper_id) VALUES (3, %s)", [keeper]
            )
        else:
            cursor.execute("DELETE FROM zoo_animal_keepers WHERE keeper_id = %s", [keeper])
            cursor.execute("DELETE FROM zoo_keeper WHERE id = %s", [keeper])
    link.commit()
    worker.acknowledged.append("")


def torn(run: BackupRun) -> list[str]:
    data = parsed(run)["data"]
    amounts = [row["oars"] for row in data["zoo.Boat"] if row["id"] >= 1000]
    amounts += [
        row["grams"]
        for row in data["zoo.Feeding"]
        if row["animal_id"] == 3 and row["day"].startswith("2020-01")
    ]
    assert len(amounts) == 2 * ACCOUNTS
    keepers = {row["id"] for row in data["zoo.Keeper"]}
    lost = {row["keeper_id"] for row in data["zoo.Animal_keepers"]} - keepers
    wrong = [f"{len(lost)} references lead nowhere"] if lost else []
    if sum(amounts) != 2 * ACCOUNTS * EACH:
        wrong.append(f"the sum is {sum(amounts)}")
    return wrong


def back_up_amid(writers: int, backups: int) -> list[str]:
    wrong = []
    with traffic(move, writers) as workers:
        for _ in range(backups):
            before = sum(len(worker.acknowledged) for worker in workers)
            wrong += torn(back_up())
            assert sum(len(worker.acknowledged) for worker in workers) > before
    return wrong


def test_a_backup_amid_writers_is_one_instant(accounts) -> None:
    assert back_up_amid(3, 3) == []


@pytest.mark.battery
def test_a_hundred_backups_amid_eight_writers_are_each_one_instant(accounts) -> None:
    assert back_up_amid(8, 100) == []


def test_a_snapshot_of_each_statement_is_seen_to_be_torn(accounts, monkeypatch) -> None:
    each = psycopg2.extensions.ISOLATION_LEVEL_READ_COMMITTED
    monkeypatch.setattr(snapshot, "ISOLATION_LEVEL_REPEATABLE_READ", each)
    assert any(back_up_amid(4, 1) for _ in range(5))


# One at a time


def test_a_restore_waits_for_a_backup_and_gives_up_in_words(studio, settings) -> None:
    settings.BACKUPS_LOCK_WAIT_SECONDS = 0.3
    with connected(purpose="test") as other:
        locks.hold_for_reading(other, wait_seconds=1)
        with pytest.raises(BusyError) as refused:
            restore(studio.complete)
    assert refused.value.code == "lock.busy" and refused.value.hint
    assert differences(studio.today, dump_data()) == []


def test_a_backup_waits_for_a_restore_and_gives_up_in_words(studio, settings) -> None:
    settings.BACKUPS_LOCK_WAIT_SECONDS = 0.3
    with connected(purpose="test") as other:
        locks.hold_for_restoring(other, wait_seconds=1)
        with pytest.raises(BusyError) as refused:
            back_up()
    assert refused.value.code == "lock.restoring" and refused.value.hint


def at_once(*works: Callable[[], object]) -> list[BaseException]:
    errors: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            django_connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
        assert not thread.is_alive()
    return errors


def test_two_restores_and_a_backup_at_once_come_one_after_the_other(studio) -> None:
    runs: list[BackupRun] = []
    errors = at_once(
        lambda: restore(studio.complete),
        lambda: restore(studio.complete),
        lambda: runs.append(back_up()),
    )
    assert errors == []
    assert differences(studio.then, dump_data()) == []
    assert sessions() == [] and unfinished_runs() == []
    counts = {len(parsed(run)["data"]["zoo.Pointer"]) for run in runs}
    assert counts <= {0, 3}, "before or after, and nothing between"


# Traffic during a restore


def note(worker: Worker, link, number: int, turn: int) -> None:
    mark = f"{number}/{turn}"
    with link.cursor() as cursor:
        cursor.execute("INSERT INTO zoo_serial (note) VALUES (%s)", [mark])
    link.commit()
    worker.acknowledged.append(mark)
    time.sleep(0.005)


def read(worker: Worker, link, number: int, turn: int) -> None:
    with link.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM zoo_serial, zoo_keeper")
    link.commit()


def restore_amid(studio) -> list[str]:
    """Restore while others write and read. Returns the acknowledged writes that are lost: neither
    in the safety backup nor in the database."""
    with traffic(note, 3) as writers, traffic(read, 2):
        time.sleep(0.3)
        run: RestoreRun = restore(studio.complete)
        time.sleep(0.3)
    acknowledged = {mark for writer in writers for mark in writer.acknowledged}
    safety = parsed(BackupRun.objects.get(pk=run.safety_backup))
    kept = {row["note"] for row in safety["data"]["zoo.Serial"]}
    with connected(purpose="test") as link, link.cursor() as cursor:
        cursor.execute("SELECT note FROM zoo_serial")
        there = {mark for (mark,) in cursor.fetchall()}
    assert acknowledged & kept and acknowledged & there
    return sorted(acknowledged - kept - there)


@pytest.fixture
def short_drain(settings) -> None:
    settings.BACKUPS_DRAIN_SECONDS = 0.5


def test_no_acknowledged_write_is_lost_around_a_restore(studio, short_drain) -> None:
    assert restore_amid(studio) == []


@pytest.mark.battery
def test_writes_that_are_not_held_are_seen_to_be_lost(studio, short_drain, monkeypatch) -> None:
    monkeypatch.setattr(RestoreTransaction, "hold", lambda *_, **__: None)
    parachute = applying._Restore._parachute

    def slowly(self, *args):
        made = parachute(self, *args)
        time.sleep(0.5)
        return made

    monkeypatch.setattr(applying._Restore, "_parachute", slowly)
    with suppress(BackupSystemError):
        assert restore_amid(studio)


def test_who_idles_in_a_transaction_is_cut_off_in_time(studio, short_drain) -> None:
    with closing(connect(purpose="idle")) as idle:
        with idle.cursor() as cursor:
            cursor.execute("UPDATE zoo_keeper SET name = 'never'")
        began = time.monotonic()
        restore(studio.complete)
        assert time.monotonic() - began < 60
        with pytest.raises(psycopg2.OperationalError):
            idle.commit()
    assert differences(studio.then, dump_data()) == []


def test_who_may_not_be_cut_off_ends_the_restore_instead(studio, short_drain) -> None:
    with closing(superuser()) as mightier:
        with mightier.cursor() as cursor:
            cursor.execute("UPDATE zoo_keeper SET name = 'first'")
        with pytest.raises(BusyError) as raised:
            restore(studio.complete)
        assert raised.value.code == "restore.tables_busy"
        mightier.rollback()
    assert differences(studio.today, dump_data()) == []
    assert sessions() == [] and unfinished_runs() == []


@pytest.mark.battery
def test_who_ends_in_time_is_not_cut_off(studio, settings) -> None:
    settings.BACKUPS_DRAIN_SECONDS = 30
    with closing(connect(purpose="slow")) as slow:
        with slow.cursor() as cursor:
            cursor.execute("UPDATE zoo_keeper SET name = 'in time'")
        later = threading.Timer(2, slow.commit)
        later.start()
        run = restore(studio.complete)
        later.join()
        assert not slow.closed
    safety = parsed(BackupRun.objects.get(pk=run.safety_backup))
    assert {row["name"] for row in safety["data"]["zoo.Keeper"]} == {"in time"}


@pytest.mark.battery
def test_who_reads_and_idles_after_the_safety_backup_is_cut_off_too(
    studio, short_drain, settings, monkeypatch
) -> None:
    settings.BACKUPS_LOCK_WAIT_SECONDS = 2
    parachute = applying._Restore._parachute
    with closing(connect(purpose="idle")) as idle:

        def read_and_idle(self, *args):
            made = parachute(self, *args)
            with idle.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM zoo_keeper")
            return made

        monkeypatch.setattr(applying._Restore, "_parachute", read_and_idle)
        restore(studio.complete)
        with pytest.raises(psycopg2.OperationalError):
            idle.commit()


def meet_crosswise(studio) -> None:
    """A session reads one table, then another; the restore has the other and waits for the one."""
    go = threading.Event()
    attempt = holding._attempt

    def tell(connection, statements, *, last: bool) -> bool:
        if any("ACCESS EXCLUSIVE" in s.as_string(connection) for s in statements):
            go.set()
        return attempt(connection, statements, last=last)

    with pytest.MonkeyPatch.context() as patch, closing(connect(purpose="crosswise")) as other:
        safety_backup = applying._Restore._drain

        def read_first(self, connection, prepared) -> None:
            safety_backup(self, connection, prepared)
            if self._run.safety_backup:
                with other.cursor() as cursor:
                    cursor.execute("SELECT count(*) FROM zoo_serial")

        patch.setattr(applying._Restore, "_drain", read_first)
        patch.setattr(holding, "_attempt", tell)

        def read_on() -> None:
            go.wait(60)
            time.sleep(0.3)
            with other.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM studio_asset")
            other.commit()

        assert at_once(lambda: restore(studio.complete), read_on) == []


def test_a_deadlock_is_avoided_by_waiting_in_short_attempts(studio) -> None:
    meet_crosswise(studio)
    assert differences(studio.then, dump_data()) == []


@pytest.mark.battery
def test_one_long_attempt_is_seen_to_meet_a_deadlock(studio, monkeypatch) -> None:
    attempt = holding._attempt
    once = lambda link, statements, last: attempt(link, statements, last=True)  # noqa: E731
    monkeypatch.setattr(holding, "ATTEMPT_SECONDS", 60)
    monkeypatch.setattr(holding, "_attempt", once)
    with pytest.raises(AssertionError):
        meet_crosswise(studio)
