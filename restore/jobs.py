"""How a worker carries out a restore; ``backups.jobs`` knows RQ."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from django.db import Error as DatabaseError

from backups import jobs
from backups.models import State
from backups.services import runs
from backups.services.progress import Listener
from backups.services.recovery_kit import RecoveryKit
from backups.wording import Sentence, _
from restore.models import PlanRun, Rehearsal, RestoreRun
from restore.services.applying import applying, problems, rehearsing
from restore.services.asking import outgoing, requests
from restore.services.planning import plan_runs


def enqueue_restore(run: RestoreRun) -> None:
    """Hand a restore to a worker. Raises WorkerFailure."""
    jobs.enqueue(run, carry_out_restore)


def carry_out_restore(run_id: str) -> None:
    """RQ's entry: restore the stored copy of the file."""
    jobs.carry_out(RestoreRun, run_id, _work)


def _work(run: RestoreRun) -> None:
    try:
        carry_out_here(run, requests.stored_file(run), kit=requests.kit_of(run))
    finally:
        _drop_copy(run)


def _drop_copy(run: RestoreRun) -> None:
    try:
        requests.drop_copy(run)
    except Exception as error:
        if run.state != State.SUCCEEDED:
            raise
        problems.add(
            run, _("The copy that was made of the file could not be removed; it goes later."), error
        )


def carry_out_here(
    run: RestoreRun,
    path: Path,
    *,
    listener: Listener | None = None,
    kit: RecoveryKit | None = None,
) -> None:
    """Restore the file in this process, while other jobs wait.

    Raises BackupSystemError where nothing was changed. What fails after the commit is in the report.
    """
    with others_paused(lambda error: problems.add(run, _not_held(error), error)):
        applying.carry_out(run, path, listener=listener, kit=kit)


def _not_held(error: BaseException) -> Sentence:
    return _(
        "Jobs of other queues could not be held, and may write to people before that is made up for:"
        " {reason}",
        reason=runs.explain(error).message,
    )


def others_paused(
    not_held: Callable[[Exception], None] = lambda error: None,
) -> AbstractContextManager[None]:
    """Let other jobs wait for a restore, and for good where it puts a hold on what leaves.

    ``not_held`` is told where that cannot be done now; workers make up for it.
    """

    def held() -> bool:
        try:
            return runs.once_more_if_lost(outgoing.is_held)
        except DatabaseError as error:
            not_held(error)
            return False

    return jobs.others_paused(held=held, not_held=not_held)


def hold_if_asked() -> None:
    """Hold other jobs again where the worker died that would have done so, or Redis forgot it."""
    if outgoing.is_held():
        jobs.hold_others()
        if not outgoing.is_held():  # released at that very moment
            jobs.release_others()


def enqueue_rehearsal(run: Rehearsal) -> None:
    """Hand a test restore to a worker. Raises WorkerFailure."""
    jobs.enqueue(run, carry_out_rehearsal)


def carry_out_rehearsal(run_id: str) -> None:
    """RQ's entry: try the restore in a throwaway database."""
    jobs.carry_out(Rehearsal, run_id, rehearsing.carry_out)


def enqueue_plan(run: PlanRun) -> None:
    """Let a worker plan the restore of an upload. Raises WorkerFailure."""
    jobs.enqueue(run, carry_out_plan)


def carry_out_plan(run_id: str) -> None:
    """RQ's entry: make the plan."""
    jobs.carry_out(PlanRun, run_id, plan_runs.carry_out)
