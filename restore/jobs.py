"""How a worker carries out a restore; ``backups.jobs`` knows RQ."""

from contextlib import AbstractContextManager

from backups import jobs
from restore.models import PlanRun, Rehearsal, RestoreRun
from restore.services.applying import applying, rehearsing
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
        with others_paused():
            applying.carry_out(run, requests.stored_file(run))
    finally:
        requests.drop_copy(run)


def others_paused() -> AbstractContextManager[None]:
    """Let other jobs wait for a restore, and for good where it puts a hold on what leaves."""
    return jobs.others_paused(held=outgoing.is_held)


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
