"""Carrying out a restore: everything that was there comes back, or nothing was changed.

docs/design.md, Restoring, gives the order and the reasons.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import transaction

from backups import conf
from backups.database import locks
from backups.database.connection import Connection, connected, database_errors
from backups.errors import RestoreError
from backups.models import BackupRun, Purpose
from backups.registry import COMPLETE, registry
from backups.services import creating, runs, vault
from backups.services.auditing import Actor
from backups.services.progress import Listener, Progress
from backups.stages import Stage
from backups.wording import _, ngettext
from restore.database import draining
from restore.database.transaction import RestoreTransaction, restore_transaction
from restore.files import FilesBack
from restore.journal import Journal, undo_journal
from restore.models import RestoreRun
from restore.plan import Choices, FilesPlan, Plan, losses
from restore.services.applying import superseded
from restore.services.applying.aftermath import follow_up
from restore.services.applying.writing import Writer
from restore.services.asking import requests
from restore.services.planning.counting import make_plan, require_same_schema
from restore.services.planning.files import plan_files
from restore.services.planning.following import tables_held, tables_read
from restore.services.planning.locating import places
from restore.services.planning.opening import opened
from restore.services.planning.staging import Prepared, prepare
from restore.services.planning.watching import end_reading

logger = logging.getLogger("backups")
DRAIN_LOOK_SECONDS = 0.2


def carry_out(run: RestoreRun, path: Path, *, listener: Listener | None = None) -> RestoreRun:
    """Restore the file at ``path`` in this process. Returns the run as it ended.

    Where the run holds a confirmed plan, its losses and blocking findings must still be true.

    Raises:
        BackupSystemError: the run is then ``failed`` or ``cancelled``; the database and the file
            storage are as they were.
    """
    with runs.carried_out(run), vault.disk_errors(), Progress(run, listener) as progress:
        report: dict[str, Any] = {}
        try:
            with opened(path, Choices.of(run.choices), progress) as readable:
                report = _Restore(run, readable, progress).apply()
            runs.once_more_if_lost(lambda: _succeed(run, report))
        except BaseException as error:
            if not requests.is_committed(run.pk):
                raise
            # What went wrong afterwards must not make it look undone.
            problem = {"aftermath": {"problems": [runs.explain(error).message]}}
            runs.once_more_if_lost(lambda: _succeed(run, report | problem))
            raise
    return run


def _succeed(run: RestoreRun, report: dict[str, Any]) -> None:
    run.refresh_from_db(fields=["report"])
    runs.succeed(run, report=run.report | report)


class _Restore:
    def __init__(self, run: RestoreRun, path: Path, progress: Progress) -> None:
        self._run = run
        self._path = path
        self._progress = progress
        self._choices = Choices.of(run.choices)

    def apply(self) -> dict[str, Any]:
        with connected(purpose="restore") as connection, self._progress.interruptible(connection):
            connection.autocommit = True
            with database_errors():
                prepared, files = self._prepare(connection)
            with self._maintenance(connection, prepared):
                report = self._replace(connection, prepared, files)
                after = follow_up(connection, tables_held(prepared))
        return report | {"aftermath": after}

    def _replace(
        self, connection: Connection, prepared: Prepared, files: FilesPlan
    ) -> dict[str, Any]:
        """The transaction, and the files that go with it."""
        with self._files_undone_on_failure() as journal, places(self._path, registry):
            with restore_transaction(connection) as work:
                plan = self._plan(work, prepared, files)
                safety = self._safety_backup(lambda: self._turn_away(connection, prepared))
                # Until now others could read, and some may be idle since in a transaction.
                self._drain(connection, prepared)
                writer = Writer(work, prepared, plan, self._path, self._progress)
                with vault.spool(self._run.pk) as spool:
                    superseded.list_files(connection, spool.path("before"))
                    back = FilesBack(
                        journal, spool, self._progress.check, host=self._choices.host_files
                    )
                    report = writer.write(back, self._run.pk)
                    superseded.list_files(connection, spool.path("after"))
                    left = superseded.note(self._run.pk, spool.path("before"), spool.path("after"))
            # Committed: from here on the restore has succeeded whatever happens.
            journal.forget()
        return report | {"safety_backup": safety.pk, "files_left_for_undo": left}

    def _prepare(self, connection: Connection) -> tuple[Prepared, FilesPlan]:
        """Read and stage the file, before anybody has to wait."""
        prepared = prepare(self._path, connection, registry, self._progress)
        files = plan_files(self._path, self._progress, host=self._choices.host_files)
        self._run.scope = prepared.manifest.type
        self._run.digest = prepared.tail.integrity.digest
        self._run.save(update_fields=["scope", "digest"])
        return prepared, files

    @contextmanager
    def _maintenance(self, connection: Connection, prepared: Prepared) -> Iterator[None]:
        """While the block lasts others are turned away; it begins when what was under way has drained."""
        end_reading(Stage.WAITING, self._progress)
        locks.hold_for_restoring(connection, wait_seconds=conf.lock_wait_seconds())
        try:
            with database_errors():
                self._drain(connection, prepared)
            yield
        finally:
            locks.let_go(connection)

    def _drain(self, connection: Connection, prepared: Prepared) -> None:
        """Let others end what they do with the tables, and cut off who does not."""
        tables = tables_held(prepared)
        deadline = time.monotonic() + conf.drain_seconds()
        while busy := draining.at_work(connection, tables):
            self._progress.check()
            if time.monotonic() > deadline:
                logger.warning("%d sessions were cut off for a restore", len(busy))
                draining.cut_off(connection, busy)
                return  # who comes anew waits behind our lock; in heavy traffic somebody always does
            time.sleep(DRAIN_LOOK_SECONDS)

    def _turn_away(self, connection: Connection, prepared: Prepared) -> None:
        """Who waits for our tables to have them alone keeps the safety backup from reading them, and
        so would wait for ever."""
        with database_errors():
            if late := draining.waiting(connection, tables_read(prepared)):
                logger.warning("%d sessions were turned away for a restore", len(late))
                draining.turn_away(connection, late)

    def _plan(self, work: RestoreTransaction, prepared: Prepared, files: FilesPlan) -> Plan:
        """The plan that is applied: counted while nobody can write, from before the safety backup to
        the commit."""
        self._progress.stage(Stage.PLANNING)
        held = tables_held(prepared)
        names = {table.name for table in held}
        work.hold(
            held,
            read=[table for table in tables_read(prepared) if table.name not in names],
            wait_seconds=conf.lock_wait_seconds(),
            check=self._progress.check,
        )
        require_same_schema(work.connection, prepared)
        with work.only_looking():
            plan = make_plan(work.connection, prepared, self._choices, files)
        self._require_confirmed(plan)
        return plan

    def _require_confirmed(self, plan: Plan) -> None:
        if plan.blocking:
            first = plan.blocking[0]
            message = ngettext(
                "{finding} Nothing was changed.",
                "{finding} {n} findings block it. Nothing was changed.",
                len(plan.blocking),
                finding=first.message,
            )
            raise RestoreError(first.code, message, hint=first.hint)
        confirmed, now = self._run.plan, plan.as_dict()
        if confirmed and losses(confirmed) != losses(now):
            raise RestoreError(
                "restore.plan_changed",
                _(
                    "The data changed since the plan was confirmed, and so would the losses."
                    " Nothing was changed."
                ),
                hint=_("Look at the new plan and confirm it."),
            )
        self._run.plan = now
        self._run.save(update_fields=["plan"])

    def _safety_backup(self, in_the_way: Callable[[], None]) -> BackupRun:
        """All data as it is now, while nobody can write. Files stay where they are and need no copy."""
        self._progress.stage(Stage.SAFETY_BACKUP)
        actor = Actor(self._run.requested_by_name, self._run.requested_by_email)
        with transaction.atomic():
            safety = creating.request(COMPLETE, actor, purpose=Purpose.SAFETY)
            self._run.safety_backup = safety.pk
            self._run.save(update_fields=["safety_backup"])

        def pass_on_cancel(_: dict[str, Any]) -> None:
            if self._progress.cancelled:
                runs.cancel(safety)

        creating.carry_out(
            safety, listener=pass_on_cancel, under_restore_lock=True, in_the_way=in_the_way
        )
        self._progress.check()
        return safety

    @contextmanager
    def _files_undone_on_failure(self) -> Iterator[Journal]:
        journal = Journal(self._run.pk)
        try:
            yield journal
        except BaseException:
            journal.close()
            if requests.is_committed(self._run.pk):
                journal.forget()
            else:
                undo_journal(self._run.pk)
                superseded.forget(self._run.pk)
            raise
