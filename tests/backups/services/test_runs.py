"""A run from request to end: every state it may take, who may work on it, what the dead leave."""

import pickle
import subprocess
import sys
import threading

import psycopg2
import pytest
from django.db import OperationalError, ProgrammingError, connection
from django.db.models import QuerySet

from backups.database import locks
from backups.database.connection import connected
from backups.errors import (
    BackupSystemError,
    BusyError,
    CancelledError,
    DatabaseFailure,
    StorageFailure,
)
from backups.models import AuditEvent, BackupRun, Run, State
from backups.services import auditing, runs
from backups.services.auditing import COMMAND_LINE, Actor
from backups.services.progress import cancelled
from backups.wording import _
from restore.models import RestoreRun

pytestmark = pytest.mark.django_db(transaction=True)
LOST = StorageFailure("storage.full", _("The disk is full."), hint=_("Free space."))


@pytest.fixture
def run() -> BackupRun:
    return BackupRun.objects.create(scope="safe")


def state_of(run: BackupRun) -> tuple[str, str]:
    run.refresh_from_db()
    return run.state, run.error_code


def throw(error: BaseException) -> None:
    raise error


def ended_by(run: BackupRun, error: BaseException) -> tuple[str, str]:
    with pytest.raises(type(error)), runs.carried_out(run):
        throw(error)
    assert run.finished_at
    return state_of(run)


def test_a_run_is_running_while_the_block_lasts(run: BackupRun):
    assert state_of(run) == ("queued", "")
    with runs.carried_out(run):
        assert state_of(run) == ("running", "")
        assert run.started_at
        run.state = State.SUCCEEDED
        run.save()
    assert state_of(run) == ("succeeded", "")


def test_the_account_s_limit_for_idle_sessions_does_not_end_it_meanwhile(run: BackupRun):
    """Django's connection may say nothing for hours before it has to tell how the run ended."""

    def limit() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW idle_session_timeout")
            return str(cursor.fetchone()[0])

    with connection.cursor() as cursor:
        cursor.execute("SET idle_session_timeout = '1h'")
    assert limit() == "1h"
    with runs.carried_out(run):
        assert limit() == "0"


def test_an_error_of_ours_is_written_down_with_its_code(run: BackupRun):
    assert ended_by(run, LOST) == ("failed", "storage.full")
    assert (run.error_message, run.error_hint) == (LOST.message, LOST.hint)


def test_who_cancels_ends_a_run_as_cancelled(run: BackupRun):
    assert ended_by(run, cancelled()) == ("cancelled", "run.cancelled")


def test_ctrl_c_ends_a_run_as_cancelled(run: BackupRun):
    assert ended_by(run, KeyboardInterrupt()) == ("cancelled", "run.interrupted")


def test_being_told_to_exit_ends_a_run_as_failed(run: BackupRun):
    assert ended_by(run, SystemExit()) == ("failed", "run.interrupted")


def test_an_unexpected_error_tells_no_detail(run: BackupRun, caplog: pytest.LogCaptureFixture):
    assert ended_by(run, RuntimeError("s3cret")) == ("failed", "internal.error")
    assert "RuntimeError" in run.error_message
    assert "s3cret" not in run.error_message + run.error_hint + caplog.text


@pytest.mark.parametrize(
    ("wrapped", "cause", "code"),
    [
        (OperationalError, psycopg2.OperationalError(), "database.lost"),
        (ProgrammingError, psycopg2.errors.UndefinedTable(), "schema.unmigrated"),
        (ProgrammingError, psycopg2.errors.UndefinedColumn(), "schema.unmigrated"),
    ],
)
def test_what_django_s_own_connection_says_is_explained_too(wrapped, cause, code):
    error = wrapped("the words of the driver")
    error.__cause__ = _Coded(cause)
    explained = runs.explain(error)
    assert explained.code == code
    assert explained.hint
    assert "driver" not in explained.message


class _Coded(Exception):
    """psycopg2 sets ``pgcode`` on errors of a server only, so it is lent to one that is made here."""

    def __init__(self, like: psycopg2.Error) -> None:
        super().__init__()
        codes = {"UndefinedTable": "42P01", "UndefinedColumn": "42703"}
        self.pgcode = codes.get(type(like).__name__)


def test_a_table_that_is_not_there_is_a_migration_that_was_not_made():
    with pytest.raises(ProgrammingError) as raised, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM nowhere")
    assert runs.explain(raised.value).code == "schema.unmigrated"


def test_nobody_takes_a_run_that_has_begun_or_ended(run: BackupRun):
    with runs.carried_out(run):
        with pytest.raises(BusyError) as refused, runs.carried_out(run):
            pass
        run.state = State.SUCCEEDED
        run.save()
    assert refused.value.code == "run.taken"
    with pytest.raises(BusyError), runs.carried_out(run):
        pass
    assert state_of(run) == ("succeeded", "")


def test_of_two_workers_that_want_a_run_one_gets_it(run: BackupRun):
    taken = []

    def take() -> None:
        try:
            with runs.carried_out(BackupRun.objects.get(pk=run.pk)):
                taken.append(1)
                barrier.wait()
        except BusyError:
            barrier.wait()
        finally:
            connection.close()

    barrier = threading.Barrier(2)
    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == [1]


def test_a_waiting_run_is_cancelled_at_once(run: BackupRun):
    runs.cancel(run)
    assert state_of(run) == ("cancelled", "run.cancelled")
    assert run.error_message
    assert run.error_hint
    assert run.finished_at


def test_a_running_run_is_asked_to_stop(run: BackupRun):
    with pytest.raises(CancelledError), runs.carried_out(run):
        runs.cancel(run)
        assert state_of(run) == ("running", "")
        assert run.cancel_requested
        throw(cancelled())
    assert state_of(run) == ("cancelled", "run.cancelled")


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.INCOMPLETE, State.FAILED])
def test_what_has_ended_cannot_be_cancelled_nor_fail(run: BackupRun, state: State):
    BackupRun.objects.filter(pk=run.pk).update(state=state)
    runs.cancel(run)
    runs.fail(BackupRun.objects.get(pk=run.pk), LOST)
    assert state_of(run) == (state, "")
    assert not run.cancel_requested


def test_a_run_whose_lock_nobody_holds_has_lost_its_worker(run: BackupRun):
    BackupRun.objects.filter(pk=run.pk).update(state=State.RUNNING)
    assert not runs.is_alive(run.pk)
    assert runs.end_abandoned(BackupRun) == [run.pk]
    assert state_of(run) == ("failed", "worker.lost")
    assert runs.end_abandoned(BackupRun) == []


def test_a_run_at_work_is_not_taken_for_dead(run: BackupRun):
    with runs.carried_out(run):
        assert runs.is_alive(run.pk)
        assert runs.end_abandoned(BackupRun) == []
        run.state = State.SUCCEEDED
        run.save()


def test_without_its_lock_a_living_run_would_be_ended(
    run: BackupRun, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(locks, "hold_run", lambda *_: True)
    with runs.carried_out(run):
        assert runs.end_abandoned(BackupRun) == [run.pk]


def test_a_waiting_run_is_nobody_s_to_end(run: BackupRun):
    assert runs.end_abandoned(BackupRun) == []


def test_a_killed_process_leaves_a_run_that_the_next_look_ends(run: BackupRun):
    program = (
        "import django, sys; django.setup()\n"
        "from backups.models import BackupRun\n"
        "from backups.services import runs\n"
        "with runs.carried_out(BackupRun.objects.get()):\n"
        "    print('at work', flush=True); sys.stdin.read()"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert worker.stdout
    assert worker.stdout.readline() == b"at work\n"
    assert runs.end_abandoned(BackupRun) == []
    worker.kill()
    worker.wait()
    _until_the_server_has_noticed(run.pk)
    assert runs.end_abandoned(BackupRun) == [run.pk]
    assert state_of(run) == ("failed", "worker.lost")


def _until_the_server_has_noticed(run_id: str) -> None:
    with connected(purpose="test") as waiting:
        # Waits for the lock of the dead session, and takes it for the length of the block only.
        while not locks.hold_run(waiting, run_id):
            pass


def test_a_lost_database_ends_the_work_without_hiding_why(
    run: BackupRun, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def away(*_: object, **__: object) -> None:
        raise OperationalError

    monkeypatch.setattr(QuerySet, "update", away)
    runs.fail(run, LOST)
    assert "could not be told" in caplog.text
    assert (run.state, run.error_code) == ("failed", "storage.full")


def test_two_runs_never_share_a_lock(run: BackupRun):
    other = BackupRun.objects.create(scope="safe")
    with connected(purpose="one") as one, connected(purpose="other") as two:
        assert locks.hold_run(one, run.pk)
        assert locks.hold_run(two, other.pk)
        assert not locks.hold_run(two, run.pk)


def test_every_action_leaves_a_line_in_the_audit_trail():
    actor = Actor("Noa", "noa@studio.example", "127.0.0.1")
    auditing.audit(actor, "backup.safe", "refused", subject="abc", why="not allowed")
    event = AuditEvent.objects.get()
    assert (event.person_name, event.person_email, event.address) == (
        *("Noa", "noa@studio.example", "127.0.0.1"),
    )
    assert (event.action, event.outcome, event.subject) == ("backup.safe", "refused", "abc")
    assert event.details == {"why": "not allowed"}
    assert COMMAND_LINE.name == "command line"


def test_run_numbers_are_128_random_bits():
    numbers = {BackupRun(scope="safe").pk for _ in range(1000)}
    assert len(numbers) == 1000
    assert {len(number) for number in numbers} == {32}


def test_the_runs_point_at_no_other_table():
    assert not [f for f in BackupRun._meta.get_fields() if f.is_relation]
    assert not [f for f in AuditEvent._meta.get_fields() if f.is_relation]


def test_an_error_of_the_tree_can_be_handed_between_processes():
    error = DatabaseFailure("database.lost", _("Lost."), hint=_("Look."), permanent=False)
    again: BackupSystemError = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(again), again.code, again.hint, again.permanent) == (
        *(DatabaseFailure, "database.lost", "Look.", False),
    )
    assert str(again) == "Lost."


def break_down(run: Run) -> None:
    with runs.carried_out(run):
        raise ValueError


def ends_of(run: BackupRun) -> list[tuple[str, str, str | None]]:
    found = AuditEvent.objects.filter(subject=run.pk).order_by("id")
    return [(event.action, event.outcome, event.details.get("code")) for event in found]


def test_how_a_run_ended_stands_in_the_audit_trail_once(run: BackupRun):
    with pytest.raises(ValueError):
        break_down(run)
    runs.fail(run, runs.worker_lost())
    assert ends_of(run) == [("backup.safe", "failed", "internal.error")]


def test_a_run_that_is_cancelled_before_it_began_is_written_down(run: BackupRun):
    runs.cancel(run)
    runs.cancel(run)
    assert ends_of(run) == [("backup.safe", "cancelled", cancelled().code)]


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.INCOMPLETE])
def test_a_good_end_is_written_down(run: BackupRun, state: State):
    runs.succeed(run, state=state)
    assert ends_of(run) == [("backup.safe", state.value, None)]


def test_a_failed_restore_is_written_down():
    failing = RestoreRun.objects.create(requested_by_email="noa@studio.example")
    with pytest.raises(ValueError):
        break_down(failing)
    event = AuditEvent.objects.get(subject=failing.pk)
    assert (event.action, event.outcome) == ("restore", "failed")
    assert event.person_email == "noa@studio.example"
