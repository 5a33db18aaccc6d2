"""Who does the work: runs are handed to a worker, or carried out in this process.

This package alone names RQ, and loads it only where something goes through the queue: ``queue`` puts in
and takes out, ``worker`` works. The database row says what a run is. A project without a queue still has
every command, which do the work themselves.
"""

import contextlib
import datetime
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection
from django.utils import timezone

from backups import conf
from backups.errors import BackupSystemError, WorkerFailure
from backups.models import AuditEvent, BackupRun, Run, State, error_values
from backups.services import (
    account_states,
    audit_watch,
    auditing,
    creating,
    keeping,
    key_requests,
    runs,
    vault,
)
from backups.services.auditing import Actor
from backups.wording import _

logger = logging.getLogger("backups")

# Failures stay a day for whoever looks at RQ.
FAILURE_SECONDS = 24 * 3600
_VERIFICATION = "verify-"

# What to do at a worker's start and after a work horse was killed. Other apps add their own.
AFTER_A_DEATH: list[Callable[[], object]] = [
    lambda: runs.end_abandoned(BackupRun),
    lambda: end_lost(BackupRun),
    vault.sweep,
    creating.drop_unnamed,
    key_requests.drop_forgotten,
    # It looks at accounts too, and tells their owners; so it comes first.
    audit_watch.Daily(),
    account_states.Daily(),
]

# How often a worker looks whether others died, and how long the pause of other jobs outlives us.
LOOK_SECONDS = 30
PAUSE_SECONDS = 60
# A run without a job is about to begin; while its file is still being copied, somebody holds its lock.
UNCLAIMED_SECONDS = 60


def is_configured() -> bool:
    """Whether the project has a queue for us. Without one, commands do the work and pages cannot."""
    return conf.queue() in conf.queues()


def _queue() -> Any:
    """The module that talks to RQ. Raises WorkerFailure where the project has no queue for us."""
    if not is_configured():
        raise _no_queue()
    from backups.jobs import queue

    return queue


def enqueue_backup(run: BackupRun) -> None:
    """Hand a backup to a worker, when the transaction commits. Raises WorkerFailure."""
    enqueue(run, carry_out_backup)


def carry_out_backup(run_id: str) -> None:
    """RQ's entry: make the backup."""
    carry_out(BackupRun, run_id, creating.carry_out)


def enqueue_verification(run: BackupRun, actor: Actor, *, with_key: bool = False) -> None:
    """Have a worker read a finished backup through again, ``with_key`` by asking for the private key of an
    encrypted one. Idempotent while one is pending.

    Raises WorkerFailure."""
    if verification_is_pending(run):
        return
    how = {"with_key": True} if with_key else {}
    asked = auditing.audit(actor, "backup.verify", "requested", subject=run.pk, **how)
    _queue().put(verify_again, (run.pk, asked.pk), _VERIFICATION + run.pk, keep=0)


def verify_again(run_id: str, event_id: int) -> None:
    """RQ's entry: verify a stored backup again; the run's row and the audit trail have the outcome.

    Who asked stands in the audit trail and not in Redis.
    """
    asked = AuditEvent.objects.get(pk=event_id)
    actor = Actor(asked.person_name, asked.person_email, asked.address)
    run = BackupRun.objects.get(pk=run_id)
    if not asked.details.get("with_key"):
        keeping.verify_again(run, actor)
        return
    try:
        path = vault.path_of(run.artifact)
        with key_requests.asking_for(run.pk), key_requests.unlocked(path, _nobody, _nobody):
            keeping.verify_again(run, actor)
    except BackupSystemError as error:
        # Nobody gave the key: of the file that says nothing.
        auditing.audit(actor, "backup.verify", error.code[:32], subject=run.pk)


def _nobody() -> None:
    """A verification has no row of its own to be cancelled by."""


def verification_is_pending(run: BackupRun) -> bool:
    """Whether a verification waits or is under way. False where nobody can be asked."""
    try:
        return bool(_queue().is_pending(_VERIFICATION + run.pk))
    except WorkerFailure:
        return False


def enqueue(run: Run, function: Callable[[str], None]) -> None:
    """Hand any run to a worker; the job bears the run's id. Raises WorkerFailure."""
    try:
        _queue().put(function, (run.pk,), run.pk, keep=FAILURE_SECONDS)
    except WorkerFailure as error:
        runs.fail(run, error)
        raise
    run.job_id = run.pk
    run.save(update_fields=["job_id"])


def carry_out(model: type[Run], run_id: str, work: Callable[[Any], object]) -> None:
    """Do a run's work in this process, as a worker: what went wrong stands in the run's row."""
    from rq.timeouts import BaseTimeoutException

    run = model._default_manager.get(pk=run_id)
    try:
        _require_same_code()
        with key_requests.asking_for(run.pk):
            work(run)
    except BaseTimeoutException:
        _say_timed_out(run)
        raise
    except BackupSystemError as error:
        # Only where the work did not even begin: else the run has said how it ended, or another
        # process is at work on it.
        runs.fail(run, error, states=(State.QUEUED,))
        raise


def _require_same_code() -> None:
    """Raises WorkerFailure in a worker that runs other code than asked for the work: by declarations of
    before, a Safe file would hold what is left out today."""
    if is_configured() and _queue().is_of_other_code():
        raise WorkerFailure(
            "worker.stale",
            _("The worker runs another version of the code than what asked it. Nothing was done."),
            hint=_("Restart the worker, and the web server with it, then start again."),
        )


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


def workers_listening() -> int:
    """How many workers listen to our queue now. Raises WorkerFailure where nobody can be asked."""
    return int(_queue().workers_listening())


def clear_up() -> None:
    """End the runs of dead workers and lost jobs, and remove what they left behind.

    RQ notices an abandoned worker only when somebody looks: every worker of ours does, twice a minute.
    """
    for look in AFTER_A_DEATH:
        try:
            look()
        except Exception as error:
            # Whatever it is: the other looks, and the worker, go on.
            logger.warning("clearing up failed (%s)", type(error).__name__)
            connection.close()


def end_lost(model: type[Run]) -> list[str]:
    """End the runs that wait for a job which Redis does not have any more or which failed before it began,
    and those for which a process that died asked for none. Returns their ids."""
    long_ago = timezone.now() - datetime.timedelta(seconds=UNCLAIMED_SECONDS)
    ended = []
    for run in model._default_manager.filter(state=State.QUEUED):
        error = _why_lost(run.job_id)
        if error is None:
            continue
        if not run.job_id and (run.requested_at > long_ago or runs.is_alive(run.pk)):
            continue
        run.refresh_from_db()
        if run.state == State.QUEUED:
            runs.fail(run, error)
            ended.append(run.pk)
    return ended


def _why_lost(job_id: str) -> WorkerFailure | None:
    """None while there is a job to wait for."""
    if not (job_id and is_configured() and _queue().holds(job_id)):
        return _job_lost()
    return _job_refused() if _queue().has_failed(job_id) else None


@contextlib.contextmanager
def others_paused(
    *,
    held: Callable[[], bool] = lambda: False,
    not_held: Callable[[WorkerFailure], None] = lambda error: None,
) -> Iterator[None]:
    """Let no worker on this Redis begin another job while the block runs, nor after it if then ``held``.

    ``not_held`` is told where Redis refused that.

    A mark with a short life, renewed while the block lasts, so that it cannot stay behind. Where Redis
    is away, or the project has no queue, there are no workers to pause.
    """
    if not is_configured():
        yield
        return
    queue = _queue()
    over = threading.Event()

    def renew() -> None:
        while not over.is_set():
            with contextlib.suppress(WorkerFailure):
                queue.suspend(seconds=PAUSE_SECONDS)
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
            try:
                _queue().suspend()
            except WorkerFailure as error:
                not_held(error)
        else:
            release_others()


def hold_others() -> None:
    """Let workers of other queues begin nothing until ``release_others``."""
    with contextlib.suppress(WorkerFailure):
        _queue().suspend()


def release_others() -> None:
    with contextlib.suppress(WorkerFailure):
        _queue().resume()


def work(*, burst: bool = False) -> None:
    """Be a worker until told to stop. Raises WorkerFailure where the project has no queue for us."""
    _queue()
    from backups.jobs import worker

    clear_up()
    worker.work(burst=burst)


def _job_lost() -> WorkerFailure:
    return WorkerFailure(
        "worker.job_lost",
        _("The queue (Redis) lost the job before a worker took it."),
        hint=_("Start it again. Redis should keep its data on disk (appendonly yes)."),
        permanent=False,
    )


def _job_refused() -> WorkerFailure:
    return WorkerFailure(
        "worker.job_refused",
        _(
            "The job ended before a worker of ours began it: another kind of worker took it and could not"
            " read it, or the worker was killed."
        ),
        hint=_(
            "Let only `manage.py backup_worker` work on the queue for backups, then start again."
        ),
        permanent=False,
    )


def _no_queue() -> WorkerFailure:
    return WorkerFailure(
        "worker.no_queue",
        _("This project has no queue {queue!r}, so no worker can be told.", queue=conf.queue()),
        hint=_("Add it to RQ_QUEUES and start a worker; or run the command on the server instead."),
    )
