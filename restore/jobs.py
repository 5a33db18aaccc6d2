"""How a worker carries out a restore; ``backups.jobs`` knows RQ."""

from pathlib import Path

from backups import jobs
from restore.models import RestoreRun
from restore.services import applying, requests


def enqueue_restore(run: RestoreRun) -> None:
    """Hand a restore to a worker. Raises WorkerFailure."""
    jobs.enqueue(run, carry_out_restore)


def carry_out_restore(run_id: str) -> None:
    """RQ's entry: restore the stored copy of the file."""
    jobs.carry_out(RestoreRun, run_id, _work)


def _work(run: RestoreRun) -> None:
    path: Path = requests.stored_copy(run)
    try:
        applying.carry_out(run, path)
    finally:
        requests.drop_copy(run)
