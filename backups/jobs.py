"""The only file that names RQ. It carries runs out; the database row says what they are."""

import logging
import os
from collections.abc import Callable
from typing import Any

import django_rq
from redis.exceptions import RedisError
from rq import Worker
from rq.serializers import JSONSerializer
from rq.timeouts import BaseTimeoutException

from backups import conf
from backups.errors import WorkerFailure
from backups.models import BackupRun, Run
from backups.services import creating, runs, vault

logger = logging.getLogger("backups")

# Results are not read: the run's row has everything. Failures stay a day for whoever looks at RQ.
RESULT_SECONDS = 0
FAILURE_SECONDS = 24 * 3600

# What to do at a worker's start and after a work horse was killed. Other apps add their own.
AFTER_A_DEATH: list[Callable[[], object]] = [
    lambda: runs.end_abandoned(BackupRun),
    vault.sweep,
]


def enqueue_backup(run: BackupRun) -> None:
    """Hand a backup to a worker, when the transaction commits. Raises WorkerFailure."""
    enqueue(run, carry_out_backup)


def carry_out_backup(run_id: str) -> None:
    """RQ's entry: make the backup."""
    carry_out(BackupRun, run_id, creating.carry_out)


def enqueue(run: Run, function: Callable[[str], None]) -> None:
    """Hand any run to a worker; the job bears the run's id. Raises WorkerFailure."""
    try:
        django_rq.get_queue(conf.queue()).enqueue_call(
            function,
            args=(run.pk,),
            job_id=run.pk,
            timeout=conf.job_seconds(),
            result_ttl=RESULT_SECONDS,
            failure_ttl=FAILURE_SECONDS,
        )
    except RedisError as error:
        away = _redis_away()
        runs.fail(run, away)
        raise away from error
    run.job_id = run.pk
    run.save(update_fields=["job_id"])


def carry_out(model: type[Run], run_id: str, work: Callable[[Any], object]) -> None:
    """Do a run's work in this process, as a worker: what went wrong stands in the run's row."""
    run = model._default_manager.get(pk=run_id)
    try:
        work(run)
    except BaseTimeoutException:
        _say_timed_out(run)
        raise


def _say_timed_out(run: Run) -> None:
    error = WorkerFailure(
        "worker.timeout",
        "The run took longer than a job may.",
        hint="Raise BACKUPS_JOB_SECONDS, or find out why it was so slow.",
        permanent=False,
    )
    type(run)._default_manager.filter(pk=run.pk).update(
        error_code=error.code, error_message=error.message, error_hint=error.hint
    )


def workers_listening() -> int:
    """How many workers listen to our queue now. Raises WorkerFailure where Redis is away."""
    try:
        queue = django_rq.get_queue(conf.queue())
        return len(Worker.all(queue=queue))
    except RedisError as error:
        raise _redis_away() from error


def clear_up() -> None:
    """End the runs of dead workers and remove what they left behind."""
    for look in AFTER_A_DEATH:
        look()


def work(*, burst: bool = False) -> None:
    """Be a worker until told to stop.

    RQ calls no ``on_failure`` when a work horse is killed (out of memory, say), but it tells the
    worker, which then clears up.
    """
    clear_up()
    queue = django_rq.get_queue(conf.queue())
    worker = Worker(
        [queue],
        connection=queue.connection,
        serializer=JSONSerializer,
        work_horse_killed_handler=lambda *_: clear_up(),
        name=f"backups-{os.uname().nodename}-{os.getpid()}",
    )
    worker.work(burst=burst, logging_level="WARNING")


def _redis_away() -> WorkerFailure:
    return WorkerFailure(
        "worker.redis_away",
        "The queue (Redis) cannot be reached, so no worker can be told.",
        hint="Start Redis, or check REDIS_URL, then try again.",
        permanent=False,
    )
