"""Runs from request to end: who asked, who works on it, how it ended, what was left by the dead."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from django.db import Error as DjangoDatabaseError
from django.db import connection, transaction
from django.utils import timezone

from backups.database import locks
from backups.database.complaints import database_failure
from backups.database.connection import (
    connected,
    database_errors,
    let_django_wait,
)
from backups.errors import (
    BackupSystemError,
    BusyError,
    CancelledError,
    ConfigurationError,
    WorkerFailure,
)
from backups.models import ACTIVE_STATES, Run, State, error_values, once_alone
from backups.services import auditing
from backups.services.auditing import Actor
from backups.services.progress import cancelled
from backups.stages import Stage
from backups.wording import _

logger = logging.getLogger("backups")
AnyRun = TypeVar("AnyRun", bound=Run)
Answer = TypeVar("Answer")

# SQLSTATEs of a table and of a column that is not there.
_SCHEMA_BEHIND = ("42P01", "42703")


@contextlib.contextmanager
def carried_out(run: AnyRun) -> Iterator[None]:
    """Hold the run's own lock around the work and write down how it ended.

    The block sets the run's final state itself where it succeeds. Any exception is written down and
    raised again. Raises BusyError where the run is already being worked on or has ended.
    """
    with contextlib.ExitStack() as stack:
        if not _taken_up(run, stack):
            raise BusyError(
                "run.taken",
                _("The run is already being worked on, or has ended."),
                hint=_("Look at the run's page."),
            )
        try:
            yield
        except BaseException as error:
            by_wish = isinstance(error, CancelledError | KeyboardInterrupt)
            fail(run, explain(error), by_wish=by_wish)
            raise


@contextlib.contextmanager
def prepared(run: Run) -> Iterator[None]:
    """Hold the run's own lock while its job is made ready, so that nobody takes it for forgotten."""
    with database_errors(), connected(purpose="run") as alive:
        locks.hold_run(alive, run.pk)
        yield


@contextlib.contextmanager
def asking() -> Iterator[list[Run]]:
    """The transaction in which runs are asked for; put each into the list. Whoever is interrupted behind
    its commit, where the head of the audit trail is noted, leaves none that nobody will begin."""
    asked: list[Run] = []
    try:
        with transaction.atomic():
            yield asked
    except BaseException as error:
        by_wish = isinstance(error, KeyboardInterrupt)
        for run in asked:
            fail(run, explain(error), by_wish=by_wish, states=(State.QUEUED,))
        raise


def _taken_up(run: Run, stack: contextlib.ExitStack) -> bool:
    """Whether the run's lock is ours and the run has begun. A run that could not even be tried would
    wait for ever, so it fails."""
    held = False
    try:
        with database_errors():
            alive = stack.enter_context(connected(purpose="run"))
            held = locks.hold_run(alive, run.pk)
            let_django_wait()
            return held and _begin(run)
    except BaseException as error:
        by_wish = isinstance(error, KeyboardInterrupt)
        states = ACTIVE_STATES if held else (State.QUEUED,)
        fail(run, explain(error), by_wish=by_wish, states=states)
        raise


def _begin(run: Run) -> bool:
    changed = (
        type(run)
        ._default_manager.filter(pk=run.pk, state=State.QUEUED)
        .update(state=State.RUNNING, started_at=timezone.now())
    )
    run.refresh_from_db()
    return changed == 1


def explain(error: BaseException) -> BackupSystemError:
    """Any exception in the words of the error tree; what is not ours tells no detail."""
    if isinstance(error, BackupSystemError):
        return error
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return WorkerFailure(
            "run.interrupted",
            _("The process was told to stop."),
            hint=_("Start the run again."),
            permanent=False,
        )
    if isinstance(error, DjangoDatabaseError):
        return _explain_database(error)
    logger.error("unexpected %s", type(error).__name__)
    return BackupSystemError(
        "internal.error",
        _("An unexpected error ended the run ({type}).", type=type(error).__name__),
        hint=_("Try again; if it happens again, report it with the code and the run's number."),
    )


def _explain_database(error: DjangoDatabaseError) -> BackupSystemError:
    """Django's own wrapping of what the database driver said."""
    cause = error.__cause__ or error
    if getattr(cause, "pgcode", "") in _SCHEMA_BEHIND:
        return ConfigurationError(
            "schema.unmigrated",
            _("The database lacks a table or a column of the application."),
            hint=_("Run `manage.py migrate`, then try again."),
        )
    return database_failure(cause)  # type: ignore[arg-type]


def fail(
    run: Run,
    error: BackupSystemError,
    *,
    by_wish: bool = False,
    states: Sequence[State] = ACTIVE_STATES,
) -> None:
    """Write down that a run failed. Silent where the database is gone; the next look finds it then."""
    values = {
        "state": State.CANCELLED if by_wish else State.FAILED,
        "finished_at": timezone.now(),
        **error_values(error),
    }
    active = type(run)._default_manager.filter(pk=run.pk, state__in=states)
    try:
        # Of one that had ended already nothing new is to be said.
        if once_more_if_lost(lambda: active.update(**values)):
            _audit_end(run, values["state"], code=error.code)
            _say_end(run, values["state"], error.code)
    except DjangoDatabaseError:
        logger.error("run %s failed and the database could not be told", run.pk)
    for name, value in values.items():
        setattr(run, name, value)


def succeed(
    run: Run, *, state: State = State.SUCCEEDED, audited: bool = False, **values: object
) -> None:
    """Write down that a run came to its good end, with ``values`` for its other columns.

    Of a run that somebody had taken for dead what was said of it is taken back. ``audited``: the audit
    trail has been told already; else the two are told together or neither is.
    """
    run.refresh_from_db()
    ended = {"state": state, "stage": Stage.DONE, "section": "", "finished_at": timezone.now()}
    for name, value in (ended | error_values(None) | values).items():
        setattr(run, name, value)
    once_alone(lambda: _write_end(run, state, audited=audited))
    _say_end(run, state)


def _write_end(run: Run, state: State, *, audited: bool) -> None:
    with transaction.atomic():
        run.save()
        if not audited:
            _audit_end(run, state)


def _audit_end(run: Run, state: object, **details: object) -> None:
    """In the name of who asked for it; where from is known of the asking alone."""
    if run.deed:
        actor = Actor(run.requested_by_name, run.requested_by_email)
        auditing.audit(actor, run.deed, str(state), subject=run.pk, **details)


def _say_end(run: Run, state: object, code: str = "") -> None:
    """A line in the log."""
    level = logging.WARNING if state == State.FAILED else logging.INFO
    what = run.deed or run._meta.verbose_name
    said = f"{state} ({code})" if code else str(state)
    logger.log(level, "run %s, %s: %s", run.pk, what, said)


def once_more_if_lost(work: Callable[[], Answer]) -> Answer:
    """Do it again on a new connection where Django's own had died, as it may in hours without use."""
    try:
        return work()
    except DjangoDatabaseError:
        connection.close()
        return work()


def cancel(run: Run) -> None:
    """Ask a run to stop. One that waits ends at once, one that runs within seconds."""
    manager = type(run)._default_manager
    manager.filter(pk=run.pk, state__in=ACTIVE_STATES).update(cancel_requested=True)
    waited = manager.filter(pk=run.pk, state=State.QUEUED).update(
        state=State.CANCELLED,
        finished_at=timezone.now(),
        **error_values(cancelled()),
    )
    if waited:
        _audit_end(run, State.CANCELLED, code=cancelled().code)
        _say_end(run, State.CANCELLED, cancelled().code)


def end_abandoned(model: type[Run]) -> list[str]:
    """End the runs whose worker died: nobody holds their lock. Returns their ids.

    Safe to call at any time and by several at once.
    """
    running = list(model._default_manager.filter(state=State.RUNNING))
    ended = []
    for run in running:
        if is_alive(run.pk):
            continue
        run.refresh_from_db()
        if run.state == State.RUNNING:
            fail(run, worker_lost())
            ended.append(run.pk)
    return ended


def is_alive(run_id: str) -> bool:
    """Whether some process is at work on the run."""
    with connected(purpose="look") as look:
        return locks.run_is_held(look, run_id)


def worker_lost() -> WorkerFailure:
    return WorkerFailure(
        "worker.lost",
        _("The process that did the work died before the end. Nothing half-done was kept."),
        hint=_("Check the server's memory and the worker's log, then start again."),
        permanent=False,
    )
