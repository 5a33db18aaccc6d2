"""Counters reach the run's row while the work goes on, and a wish to stop reaches the work."""

import os
import signal
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest

from backups import conf
from backups.database.connection import connected
from backups.errors import CancelledError
from backups.models import BackupRun
from backups.services import runs
from backups.services.progress import Progress
from backups.stages import Stage

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_SECONDS = 20


@pytest.fixture(autouse=True)
def often(settings):
    settings.BACKUPS_PROGRESS_SECONDS = 0.01


@pytest.fixture
def run() -> BackupRun:
    return BackupRun.objects.create(scope="safe")


class Heard:
    """A listener that lets a test wait until something was told."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.last: dict[str, Any] = {}

    def __call__(self, values: dict[str, Any]) -> None:
        with self._changed:
            self.last = values
            self._changed.notify_all()

    def wait_for(self, condition: Callable[[], bool]) -> bool:
        with self._changed:
            return self._changed.wait_for(condition, PATIENCE_SECONDS)


def test_counters_reach_the_row_while_the_work_goes_on(run: BackupRun):
    heard = Heard()

    def is_told() -> bool:
        run.refresh_from_db()
        return (run.stage, run.section, run.rows_done, run.bytes_done) == ("rows", "users", 7, 99)

    with Progress(run, heard) as progress:
        progress.stage(Stage.ROWS, rows_total=10)
        progress.section("users")
        progress.add(rows_done=3, bytes_done=99)
        progress.add(rows_done=4)
        assert heard.wait_for(is_told)
        assert run.rows_total == 10


def test_the_row_is_told_twice_a_second_unless_a_setting_says_otherwise(settings):
    del settings.BACKUPS_PROGRESS_SECONDS
    assert conf.progress_seconds() == 0.5


def test_the_last_values_are_written_at_the_end(run: BackupRun, settings):
    settings.BACKUPS_PROGRESS_SECONDS = 1000
    with Progress(run) as progress:
        progress.stage(Stage.FETCHING)
        progress.add(files_done=5, files_failed=1, files_skipped=2)
    run.refresh_from_db()
    assert (run.stage, run.files_done, run.files_failed, run.files_skipped) == (
        Stage.FETCHING,
        5,
        1,
        2,
    )


def test_a_listener_hears_of_every_stage_at_once(run: BackupRun, settings):
    settings.BACKUPS_PROGRESS_SECONDS = 1000
    stages = []
    with Progress(run, lambda values: stages.append(values["stage"])) as progress:
        progress.stage(Stage.CHECKING)
        progress.stage(Stage.ROWS)
    assert [stage for stage in stages if stage][:2] == [Stage.CHECKING, Stage.ROWS]


def test_a_new_stage_forgets_the_section_and_keeps_the_counters(run: BackupRun):
    with Progress(run) as progress:
        progress.section("users")
        progress.add(rows_done=3)
        progress.stage(Stage.FETCHING)
    run.refresh_from_db()
    assert (run.section, run.rows_done) == ("", 3)


def test_cancelling_stops_the_work_at_its_next_step(run: BackupRun):
    heard = Heard()
    with pytest.raises(CancelledError), Progress(run, heard) as progress:
        runs.cancel(run)
        assert heard.wait_for(lambda: progress.cancelled)
        progress.add(rows_done=1)


def test_a_terminal_that_has_gone_keeps_nobody_from_cancelling(run: BackupRun):
    told = threading.Event()

    def gone(values: dict[str, Any]) -> None:
        told.set()
        raise BrokenPipeError

    with pytest.raises(CancelledError), Progress(run, gone) as progress:
        assert told.wait(PATIENCE_SECONDS)
        runs.cancel(run)
        while True:
            progress.add(rows_done=1)


@pytest.mark.parametrize("step", ["check", "stage", "section"])
def test_every_step_notices_that_it_was_cancelled(run: BackupRun, step: str):
    heard = Heard()
    with pytest.raises(CancelledError), Progress(run, heard) as progress:
        runs.cancel(run)
        heard.wait_for(lambda: progress.cancelled)
        getattr(progress, step)(*([] if step == "check" else ["x"]))


def test_cancelling_cuts_a_silent_statement_off(run: BackupRun):
    with (
        pytest.raises(CancelledError),
        Progress(run) as progress,
        connected(purpose="test") as busy,
        progress.interruptible(busy),
        busy.cursor() as cursor,
    ):
        runs.cancel(run)
        cursor.execute("SELECT pg_sleep(600)")


def test_a_statement_that_is_not_registered_would_go_on(run: BackupRun):
    heard = Heard()
    with (
        Progress(run, heard) as progress,
        connected(purpose="test") as busy,
        busy.cursor() as cursor,
    ):
        runs.cancel(run)
        assert heard.wait_for(lambda: progress.cancelled)
        cursor.execute("SELECT pg_sleep(0.05)")


def test_a_failing_statement_of_a_run_that_goes_on_fails_as_it_is(run: BackupRun):
    with (
        pytest.raises(psycopg2.errors.DivisionByZero),
        Progress(run) as progress,
        connected(purpose="test") as busy,
        progress.interruptible(busy),
        busy.cursor() as cursor,
    ):
        cursor.execute("SELECT 1 / 0")


def test_a_signal_cuts_a_silent_statement_off_so_that_its_handler_runs(run: BackupRun):
    class Told(Exception):
        pass

    def handler(*_: object) -> None:
        raise Told

    former = signal.signal(signal.SIGUSR1, handler)
    timer = threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGUSR1])
    try:
        with (
            pytest.raises(Told),
            Progress(run) as progress,
            connected(purpose="test") as busy,
            progress.interruptible(busy),
            busy.cursor() as cursor,
        ):
            timer.start()
            cursor.execute("SELECT pg_sleep(600)")
    finally:
        signal.signal(signal.SIGUSR1, former)


def test_a_statement_that_begins_behind_a_signal_is_cut_off_too(run: BackupRun, settings):
    """What is cancelled before the server has the statement is cancelled for nothing."""
    settings.BACKUPS_PROGRESS_SECONDS = 0.05
    cancelled: list[float] = []
    statement = SimpleNamespace(cancel=lambda: cancelled.append(time.monotonic()))
    former = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with Progress(run) as progress, progress.interruptible(statement):
            os.kill(os.getpid(), signal.SIGUSR1)
            deadline = time.monotonic() + 10
            while len(cancelled) < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.2)
    finally:
        signal.signal(signal.SIGUSR1, former)
    assert len(cancelled) == 2  # and not for ever: what is tidied up then is let be


def test_the_signals_former_listener_is_back_afterwards(run: BackupRun):
    with Progress(run):
        pass
    assert signal.set_wakeup_fd(-1) == -1
