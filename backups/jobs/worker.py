"""A worker: RQ's, which also looks after the runs of those that died."""

import contextlib
import logging
import os
import secrets
from typing import Any

from django.db import connections
from rq import Queue, suspension
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import BaseTimeoutException

from backups import jobs
from backups.errors import BackupSystemError
from backups.files import storage
from backups.jobs import queue as queues
from backups.jobs.patience import PatientWorker, insist
from backups.logs import kind_of, way_of

logger = logging.getLogger("backups")
NO_END = -1  # what Redis answers to TTL

# A job's time limit is raised wherever its work is just then, be it in the middle of a storage's call.
storage.LET_THROUGH.append(BaseTimeoutException)


class LookingWorker(PatientWorker):
    """RQ's worker, which looks after the dead twice a minute, at work and at rest.

    RQ calls no ``on_failure`` when a work horse is killed (out of memory, say), but tells the worker.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # By its job, what ended it: kept from the one that handles it to the other.
        self._failures: dict[str, str] = {}

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        # A child that inherits an open connection talks into the middle of its parent's.
        connections.close_all()
        super().fork_work_horse(job, queue)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """RQ's own writes the traceback into the log, with paths of the server and values of rows in it."""
        error = exc_info[1]
        self._failures[job.id] = kind_of(error)
        if isinstance(error, BackupSystemError):
            logger.info("job %s ended by %s", job.id, error.code)  # its run has said more
        else:
            # In the line itself: of what is filled in, ends of lines are written out.
            logger.error("job %s ended by " + "\n".join(way_of(error)), job.id)

    def handle_job_failure(self, job: Job, *args: Any, **kwargs: Any) -> None:
        """And into Redis."""
        if job.id in self._failures:
            kwargs["exc_string"] = self._failures.pop(job.id)
        super().handle_job_failure(job, *args, **kwargs)

    def run_maintenance_tasks(self) -> None:
        super().run_maintenance_tasks()
        jobs.clear_up()

    def check_for_suspension(self, burst: bool) -> None:
        # A pause has an end and holds for us too. A hold has none: it is for what leaves the house,
        # and backups do not.
        if self._insist(self._hold) != NO_END:
            super().check_for_suspension(burst)

    def _hold(self) -> int:
        return int(self.connection.ttl(suspension.WORKERS_SUSPENDED))

    def maintain_heartbeats(self, job: Job, execution: Any) -> None:
        super().maintain_heartbeats(job, execution)
        jobs.clear_up()


def work(*, burst: bool) -> None:
    """Be a worker until told to stop; with ``burst`` until nothing is left to do.

    Raises WorkerFailure where Redis refuses, which without ``burst`` is waited for.
    """
    worker = insist(_made, is_over=lambda: burst)
    worker.waits = not burst
    with contextlib.suppress(StopRequested):  # before its loop began
        worker.work(burst=burst, logging_level="WARNING")
    if worker.failure:
        raise worker.failure


def _made() -> LookingWorker:
    queue = queues.ours()
    return LookingWorker(
        [queue],
        connection=queue.connection,
        serializer=JSONSerializer,
        job_class=Job,
        work_horse_killed_handler=lambda *_: jobs.clear_up(),
        # In a container every process has the same number, and RQ remembers the killed for a while.
        name=f"backups-{os.uname().nodename}-{os.getpid()}-{secrets.token_hex(4)}",
        maintenance_interval=jobs.LOOK_SECONDS,
        job_monitoring_interval=jobs.LOOK_SECONDS,
        worker_ttl=jobs.LOOK_SECONDS + 15,  # RQ waits for a job 15 seconds less than this
    )
