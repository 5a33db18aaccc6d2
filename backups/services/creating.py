"""Making a backup: its document streamed into a private draft, verified, then kept.

Writes nothing to the database but the run's own row; the snapshot's transaction could not.
"""

import contextlib
import datetime
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec
from django.utils import timezone

from backups import conf
from backups.artifact.tail import Statistics
from backups.database import introspection, locks
from backups.database.connection import connected
from backups.database.snapshot import Snapshot, snapshot
from backups.models import BackupRun, Purpose, State
from backups.registry import SAFE, Scope, registry
from backups.services import account_states, auditing, encrypting, runs, vault
from backups.services.auditing import Actor
from backups.services.composing import Beginning, Composition, StreamRows, Watch
from backups.services.obstacles import LeavingOut
from backups.services.progress import Listener, Progress
from backups.services.reading_back import ReadingBack
from backups.services.sweeping import passed_over
from backups.stages import Stage

logger = logging.getLogger("backups")

Answer = TypeVar("Answer")


def request(
    scope: Scope,
    actor: Actor,
    *,
    purpose: Purpose = Purpose.ORDINARY,
    note: str = "",
    encrypt: bool | None = None,
    by_passphrase: bool = False,
    mask_credentials: bool = False,
) -> BackupRun:
    """Write down that a backup is wanted, ``note`` being its name. Somebody must then ``carry_out`` it.

    ``mask_credentials``: a Safe file shows markers for what looks like a credential, as it does wherever the
    setting says so. ``encrypt`` and ``by_passphrase``: as ``encrypting.columns_for`` takes them, whose errors
    are raised.
    """
    runs.end_abandoned(BackupRun)
    if purpose == Purpose.ORDINARY:
        account_states.compare()
    encryption = encrypting.columns_for(scope, purpose, encrypt, by_passphrase=by_passphrase)
    with runs.asking() as asked:
        run = BackupRun.objects.create(
            scope=scope.value,
            purpose=purpose,
            note=note,
            mask_credentials=mask_credentials and scope is SAFE,
            requested_by_name=actor.name,
            requested_by_email=actor.email,
            **encryption,
        )
        asked.append(run)
        encrypted = {"encrypted": str(run.encryption)} if run.encryption else {}
        auditing.audit(actor, f"backup.{scope.value}", "requested", subject=run.pk, **encrypted)
    return run


def carry_out(
    run: BackupRun,
    *,
    listener: Listener | None = None,
    under_restore_lock: bool = False,
    in_the_way: Callable[[], None] = lambda: None,
    leaving_out: LeavingOut | None = None,
    stream_rows: StreamRows | None = None,
) -> BackupRun:
    """Make the backup that ``run`` asks for, in this process. Returns the run as it ended.

    ``under_restore_lock``: the caller holds the data lock alone already, as a restore does.
    ``in_the_way`` is called again and again while somebody keeps a table from the backup.
    ``leaving_out``: what it does without; None asks that everything is covered and can be read.
    ``stream_rows``: hands the rows of a table on as they are at the snapshot's instant.

    Raises:
        BackupSystemError: the run is then ``failed`` or ``cancelled``, and nothing was kept.
    """
    with runs.carried_out(run), vault.disk_errors():
        vault.sweep()
        drop_unnamed()
        sealing = encrypting.Sealing(run)
        with (
            Progress(run, listener) as progress,
            sealing.readable(progress.check, lambda: progress.stage(Stage.KEY)),
            vault.draft(run.pk) as draft,
        ):
            work = Composition(
                run, progress, in_the_way, leaving_out, stream_rows or Snapshot.stream_rows
            )
            with ReadingBack(draft, work.verify, progress.check) as reading_back:
                with connected(purpose="backup lock") as lock:
                    progress.stage(Stage.TURN)
                    if not under_restore_lock:
                        with progress.interruptible(lock):
                            locks.hold_for_reading(lock, wait_seconds=conf.lock_wait_seconds())
                    with sealing.writing(reading_back.sink) as sink:
                        statistics = work.write(sink)
                progress.stage(Stage.READING_BACK)

                def proven(stored: BinaryIO) -> None:
                    reading_back.finish(stored)
                    work.prove_the_rest(stored)

                artifact = vault.keep(draft, proven, run_id=run.pk, suffix=sealing.suffix)
                if sealing.is_on:
                    work.stored_sha256 = reading_back.following.sha256
        with _dropped_unless_written_down(run, artifact, for_itself=not under_restore_lock):
            runs.once_more_if_lost(lambda: _succeed(run, work, statistics, artifact))
    return run


@dataclass(frozen=True)
class Drafted:
    """A backup that is whole, durable and read back, and that nobody has asked for yet."""

    beginning: Beginning
    path: Path
    statistics: Statistics
    _work: Composition
    _draft: vault.Draft
    _suffix: str
    _proven: Callable[[BinaryIO], object]
    _open: contextlib.ExitStack

    def keep(self, run: BackupRun) -> BackupRun:
        """Let it be the backup that ``run`` asks for, once its bytes were hashed again. Returns the run as it
        ended. Raises BackupSystemError: the run has failed, and nothing was kept."""
        with runs.carried_out(run), vault.disk_errors():
            artifact = vault.keep(self._draft, self._proven, run_id=run.pk, suffix=self._suffix)
            with _dropped_unless_written_down(run, artifact):
                self._open.close()
                runs.once_more_if_lost(lambda: _succeed(run, self._work, self.statistics, artifact))
        return run


@contextlib.contextmanager
def drafted(
    run: BackupRun,
    watch: Watch,
    *,
    leaving_out: LeavingOut,
    stream_rows: StreamRows,
    locators_to: Path | None = None,
) -> Iterator[Drafted]:
    """Make a backup before it is known whether it is wanted; what the block does not ``keep`` is gone after
    it. ``run`` stands for one that is in no table yet. Asks for no turn: see ``carry_out``. ``locators_to``:
    where what its rows point to is listed too, one locator a line, sorted.

    Raises BackupSystemError.
    """
    with contextlib.ExitStack() as stack:
        sealing = encrypting.Sealing(run)
        draft = stack.enter_context(vault.draft(run.pk))
        work = Composition(run, watch, watch.check, leaving_out, stream_rows, locators_to)
        # Whoever keeps the draft may be another thread than made it: no key is held for longer than that.
        with (
            sealing.readable(watch.check, lambda: None),
            vault.disk_errors(),
            ReadingBack(draft, work.verify, watch.check) as reading_back,
        ):
            with sealing.writing(reading_back.sink) as sink:
                statistics = work.write(sink)
            vault.make_durable(draft)
            reading_back.finish(draft.stream)
            if sealing.is_on:
                work.stored_sha256 = reading_back.following.sha256

        def still(stored: BinaryIO) -> None:
            reading_back.require_still(stored, watch.check)

        assert work.begun is not None  # noqa: S101 - written
        yield Drafted(work.begun, draft.path, statistics, work, draft, sealing.suffix, still, stack)


def beginning(
    run: BackupRun,
    watch: Watch,
    *,
    leaving_out: LeavingOut,
    in_the_way: Callable[[], None],
    ask: Callable[[Snapshot, Beginning], Answer],
) -> Answer:
    """How such a backup would begin now; ``ask`` is called while the instant lasts."""
    with snapshot() as view, watch.interruptible(view.connection):
        work = Composition(run, watch, in_the_way, leaving_out, Snapshot.stream_rows)
        return ask(view, work.begin(view))


@contextlib.contextmanager
def _dropped_unless_written_down(
    run: BackupRun, artifact: str, *, for_itself: bool = False
) -> Iterator[None]:
    """A file that no run names could never be found, downloaded or deleted. What cuts the writing down short
    behind its commit comes too late for a backup ``for_itself``; a restore that wants one hears of it."""
    try:
        yield
    except BaseException as error:
        written_down = BackupRun.objects.filter(pk=run.pk, artifact=artifact).exists
        is_kept = runs.once_more_if_lost(written_down)
        if not is_kept:
            vault.delete(artifact)
        vault.settle(run.pk)
        if not (is_kept and for_itself):
            raise
        reason = runs.explain(error).code
        logger.warning("backup %s is kept; what follows was cut short (%s)", run.pk, reason)
        return
    vault.settle(run.pk)


def drop_unnamed() -> None:
    """Delete the finished files of workers that died before the run's row had the name.

    Call it when the runs of the dead have been ended: then no row can still get one.
    """
    for run_id, artifact in vault.unsettled().items():
        with passed_over("dropping its unnamed file", run_id):
            if runs.is_alive(run_id):
                continue
            # An empty note is of one who died before there was a file of that name.
            if artifact and not BackupRun.objects.filter(pk=run_id, artifact=artifact).exists():
                vault.delete(artifact)
            vault.settle(run_id)


def _succeed(run: BackupRun, work: Composition, statistics: Statistics, artifact: str) -> None:
    now = timezone.now()
    is_safety = run.purpose == Purpose.SAFETY
    runs.succeed(
        run,
        state=State.INCOMPLETE if statistics.files.gaps or work.lacks_rows else State.SUCCEEDED,
        artifact=artifact,
        stored_bytes=vault.path_of(artifact).stat().st_size,
        plain_bytes=work.plain_bytes,
        digest=work.digest,
        stored_sha256=work.stored_sha256,
        encryption=work.run.encryption,
        encrypted_to=work.run.encrypted_to,
        statistics=_as_json(statistics)
        | {"not_embedded": work.not_embedded, "left_out": work.left_out}
        | {"unchanged_files": work.unchanged, "counted_files": work.counted_files}
        | work.rules,
        verified_at=now,
        keep_until=now + datetime.timedelta(days=conf.safety_backup_days()) if is_safety else None,
    )


def _as_json(statistics: Statistics) -> dict[str, Any]:

    built: dict[str, Any] = msgspec.to_builtins(statistics)
    return built


def estimate(scope: Scope) -> dict[str, int]:
    """Exact rows of the sections that the next backup of this scope would hold, by table."""
    with connected(purpose="estimate") as connection:
        tables = introspection.live_tables(connection)
        wanted = [tables[s.table] for s in registry.in_scope(scope) if s.table in tables]
        return introspection.count_rows(connection, wanted)
