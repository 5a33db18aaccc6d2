"""The only file that names RQ. It carries runs out; the database row says what they are."""

import contextlib
import datetime
import logging
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from typing import Any

import django_rq
from django.db import connection, connections
from django.utils import timezone
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue, Worker, suspension
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import BaseTimeoutException

from backups import conf
from backups.errors import BackupSystemError, WorkerFailure
from backups.files import storage
from backups.models import AuditEvent, BackupRun, Run, State, error_values
from backups.services import creating, keeping, runs, vault
from backups.services.runs import Actor
from backups.wording import _

logger = logging.getLogger("backups")

# A job's time limit is raised wherever its work is just then, be it in the middle of a storage's call.
storage.LET_THROUGH.append(BaseTimeoutException)

# Results are not read: the run's row has everything. Failures stay a day for whoever looks at RQ.
RESULT_SECONDS = 0
FAILURE_SECONDS = 24 * 3600
_VERIFICATION = "verify-"
CONNECT_SECONDS = 2

# What to do at a worker's start and after a work horse was killed. Other apps add their own.
AFTER_A_DEATH: list[Callable[[], object]] = [
    lambda: runs.end_abandoned(BackupRun),
    lambda: end_lost(BackupRun),
    vault.sweep,
    creating.drop_unnamed,
]

# How often a worker looks whether others died, and how long the pause of other jobs outlives us.
LOOK_SECONDS = 30
PAUSE_SECONDS = 60
# A run without a job is about to begin; while its file is still being copied, somebody holds its lock.
UNCLAIMED_SECONDS = 60
NO_END = -1  # what Redis answers to TTL


def enqueue_backup(run: BackupRun) -> None:
    """Hand a backup to a worker, when the transaction commits. Raises WorkerFailure."""
    enqueue(run, carry_out_backup)


def carry_out_backup(run_id: str) -> None:
    """RQ's entry: make the backup."""
    carry_out(BackupRun, run_id, creating.carry_out)


def enqueue_verification(run: BackupRun, actor: Actor) -> None:
    """Have a worker read a finished backup through again. Idempotent while one is pending.

    Raises WorkerFailure."""
    if verification_is_pending(run):
        return
    asked = runs.audit(actor, "backup.verify", "requested", subject=run.pk)
    try:
        _queue_at_once().enqueue_call(
            verify_again,
            args=(run.pk, asked.pk),
            job_id=_VERIFICATION + run.pk,
            timeout=conf.job_seconds(),
            result_ttl=RESULT_SECONDS,
            failure_ttl=RESULT_SECONDS,
        )
    except RedisError as error:
        raise _redis_away() from error


def verify_again(run_id: str, event_id: int) -> None:
    """RQ's entry: verify a stored backup again; the run's row and the audit trail have the outcome.

    Who asked stands in the audit trail and not in Redis.
    """
    asked = AuditEvent.objects.get(pk=event_id)
    actor = Actor(asked.person_name, asked.person_email, asked.address)
    keeping.verify_again(BackupRun.objects.get(pk=run_id), actor)


def verification_is_pending(run: BackupRun) -> bool:
    """Whether a verification waits or is under way. False where Redis is away."""
    try:
        connection = _queue_at_once().connection
        job = Job.fetch(_VERIFICATION + run.pk, connection=connection, serializer=JSONSerializer)
        return job.get_status() in ("queued", "started", "deferred", "scheduled")
    except (NoSuchJobError, RedisError):
        return False


def enqueue(run: Run, function: Callable[[str], None]) -> None:
    """Hand any run to a worker; the job bears the run's id. Raises WorkerFailure."""
    try:
        _queue_at_once().enqueue_call(
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
    except BackupSystemError as error:
        # Only where the work did not even begin: else the run has said how it ended, or another
        # process is at work on it.
        runs.fail(run, error, states=(State.QUEUED,))
        raise


def _say_timed_out(run: Run) -> None:
    error = WorkerFailure(
        "worker.timeout",
        _("The run took longer than a job may."),
        hint=_("Raise BACKUPS_JOB_SECONDS, or find out why it was so slow."),
        permanent=False,
    )
    type(run)._default_manager.filter(pk=run.pk).exclude(state=State.SUCCEEDED).update(
        **error_values(error)
    )


def _queue_at_once() -> Queue:
    """The queue for somebody who waits at a page: an absent Redis is found out at once.

    By itself the client tries again for three seconds, and on a silent network for minutes.
    """
    queue: Queue = django_rq.get_queue(conf.queue())
    queue.connection.connection_pool.connection_kwargs["socket_connect_timeout"] = CONNECT_SECONDS
    queue.connection.set_retry(Retry(NoBackoff(), 0))
    return queue


def workers_listening() -> int:
    """How many workers listen to our queue now. Raises WorkerFailure where Redis is away."""
    try:
        queue = _queue_at_once()
        return len(Worker.all(queue=queue))
    except RedisError as error:
        raise _redis_away() from error


def clear_up() -> None:
    """End the runs of dead workers and lost jobs, and remove what they left behind.

    RQ notices an abandoned worker only when somebody looks: every worker of ours does, twice a minute.
    """
    for look in AFTER_A_DEATH:
        try:
            look()
        except Exception as error:
            # Whatever it is, a worker that ended for it would end for it at each start.
            logger.warning("clearing up failed (%s)", type(error).__name__)
            connection.close()


def end_lost(model: type[Run]) -> list[str]:
    """End the runs that wait for a job which Redis does not have any more, and those for which a
    process that died asked for none. Returns their ids."""
    redis = django_rq.get_queue(conf.queue()).connection
    long_ago = timezone.now() - datetime.timedelta(seconds=UNCLAIMED_SECONDS)
    ended = []
    for run in model._default_manager.filter(state=State.QUEUED):
        if run.job_id and Job.exists(run.job_id, connection=redis):
            continue
        if not run.job_id and (run.requested_at > long_ago or runs.is_alive(run.pk)):
            continue
        run.refresh_from_db()
        if run.state == State.QUEUED:
            runs.fail(run, _job_lost())
            ended.append(run.pk)
    return ended


@contextlib.contextmanager
def others_paused(*, held: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Let no worker on this Redis begin another job while the block runs, nor after it if then ``held``.

    A mark with a short life, renewed while the block lasts, so that it cannot stay behind. Where Redis
    is away there are no workers to pause.
    """
    redis = django_rq.get_queue(conf.queue()).connection
    over = threading.Event()

    def renew() -> None:
        while not over.is_set():
            with contextlib.suppress(RedisError):
                suspension.suspend(redis, ttl=PAUSE_SECONDS)
            over.wait(PAUSE_SECONDS / 3)

    thread = threading.Thread(target=renew, name="pause", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        # Not first resumed and then held: a worker would take a job in between.
        if held():
            hold_others()
        else:
            release_others()


def hold_others() -> None:
    """Let workers of other queues begin nothing until ``release_others``."""
    with contextlib.suppress(RedisError):
        suspension.suspend(django_rq.get_queue(conf.queue()).connection)


def release_others() -> None:
    with contextlib.suppress(RedisError):
        suspension.resume(django_rq.get_queue(conf.queue()).connection)


class _Worker(Worker):
    """RQ's worker, which looks after the dead twice a minute, at work and at rest.

    RQ calls no ``on_failure`` when a work horse is killed (out of memory, say), but tells the worker.
    """

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        # A child that inherits an open connection talks into the middle of its parent's.
        connections.close_all()
        super().fork_work_horse(job, queue)

    def run_maintenance_tasks(self) -> None:
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        clear_up()

    def check_for_suspension(self, burst: bool) -> None:
        # A pause has an end and holds for us too. A hold has none: it is for what leaves the house,
        # and backups do not.
        if self.connection.ttl(suspension.WORKERS_SUSPENDED) != NO_END:
            super().check_for_suspension(burst)

    def maintain_heartbeats(self, job: Job, execution: Any) -> None:
        super().maintain_heartbeats(job, execution)
        clear_up()


def work(*, burst: bool = False) -> None:
    """Be a worker until told to stop."""
    clear_up()
    queue = django_rq.get_queue(conf.queue())
    worker = _Worker(
        [queue],
        connection=queue.connection,
        serializer=JSONSerializer,
        work_horse_killed_handler=lambda *_: clear_up(),
        # In a container every process has the same number, and RQ remembers the killed for a while.
        name=f"backups-{os.uname().nodename}-{os.getpid()}-{secrets.token_hex(4)}",
        maintenance_interval=LOOK_SECONDS,
        job_monitoring_interval=LOOK_SECONDS,
        worker_ttl=LOOK_SECONDS + 15,  # RQ waits for a job 15 seconds less than this
    )
    worker.work(burst=burst, logging_level="WARNING")


def _job_lost() -> WorkerFailure:
    return WorkerFailure(
        "worker.job_lost",
        _("The queue (Redis) lost the job before a worker took it."),
        hint=_("Start it again. Redis should keep its data on disk (appendonly yes)."),
        permanent=False,
    )


def _redis_away() -> WorkerFailure:
    return WorkerFailure(
        "worker.redis_away",
        _("The queue (Redis) cannot be reached, so no worker can be told."),
        hint=_("Start Redis, or check REDIS_URL, then try again."),
        permanent=False,
    )
