"""The queue itself: RQ on Redis. Loaded at first need only, as most commands put nothing into it.

Who puts a job in and who takes it out agree on its form whatever the project's settings say: ids as JSON,
RQ's own class of jobs, handed over when the transaction commits. Every failure of Redis is a WorkerFailure.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import django_rq
from redis.backoff import NoBackoff
from redis.connection import SSLConnection
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue, Worker, get_current_job, suspension
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

from backups import conf
from backups.jobs import tls
from backups.jobs.refusals import failure_of, needs_tls
from backups.services import loaded_code

# Results are not read: the run's row has everything.
RESULT_SECONDS = 0
CONNECT_SECONDS = 2
_CODE = "code"
_ENDED_BADLY = ("failed", "stopped", "canceled")
_PENDING = ("queued", "started", "deferred", "scheduled")


def ours() -> Queue:
    """The project's queue for backups."""
    queue: Queue = django_rq.get_queue(
        conf.queue(), serializer=JSONSerializer, job_class=Job, commit_mode="on_db_commit"
    )
    return queue


def at_once() -> Queue:
    """The queue for somebody who waits at a page: an absent Redis is found out at once.

    By itself the client tries again for three seconds, and on a silent network for minutes.
    """
    queue = ours()
    queue.connection.connection_pool.connection_kwargs["socket_connect_timeout"] = CONNECT_SECONDS
    queue.connection.set_retry(Retry(NoBackoff(), 0))
    return queue


def put(function: Callable[..., None], args: tuple[Any, ...], job_id: str, *, keep: int) -> None:
    """Hand a call to a worker; a failed job stays ``keep`` seconds for whoever looks at RQ.

    Beside the call stands which code asks."""
    with _redis():
        at_once().enqueue_call(
            function,
            args=args,
            job_id=job_id,
            timeout=conf.job_seconds(),
            result_ttl=RESULT_SECONDS,
            failure_ttl=keep,
            meta={_CODE: loaded_code.digest()},
        )


def is_of_other_code() -> bool:
    """Whether the job at work in this process was asked for by other code than is loaded here.

    A job that does not say is of a version that did not say it, which is other code too.
    """
    job = get_current_job()
    return job is not None and job.meta.get(_CODE) != loaded_code.digest()


def is_pending(job_id: str) -> bool:
    """Whether the job waits or is under way."""
    with _redis():
        try:
            connection = at_once().connection
            job = Job.fetch(job_id, connection=connection, serializer=JSONSerializer)
            return job.get_status() in _PENDING
        except NoSuchJobError:
            return False


def holds(job_id: str) -> bool:
    """Whether Redis still has the job, in whatever state."""
    with _redis():
        return bool(Job.exists(job_id, connection=ours().connection))


def has_failed(job_id: str) -> bool:
    """Whether the job ended without having been done; whoever took it need not have been a worker of ours."""
    with _redis():
        with contextlib.suppress(NoSuchJobError):
            status = Job(job_id, connection=ours().connection, serializer=JSONSerializer)
            return status.get_status(refresh=True) in _ENDED_BADLY
        return False


def workers_listening() -> int:
    with _redis():
        return len(Worker.all(queue=at_once()))


def suspend(*, seconds: int | None = None) -> None:
    """Let no worker on this Redis begin another job, for so long or until ``resume``."""
    with _redis():
        suspension.suspend(ours().connection, ttl=seconds)


def resume() -> None:
    with _redis():
        suspension.resume(ours().connection)


@contextlib.contextmanager
def _redis() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        failure = failure_of(error)
        if failure.code == "worker.redis_away" and _speaks_only_tls():
            failure = needs_tls()
        raise failure from error


def _speaks_only_tls() -> bool:
    pool = ours().connection.connection_pool
    speaks = issubclass(pool.connection_class, SSLConnection)
    return not speaks and tls.is_wanted(pool.connection_kwargs)
