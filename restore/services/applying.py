"""Carrying out a restore: everything that was there comes back, or nothing was changed.

docs/design.md, Restoring, gives the order and the reasons.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.cache import caches
from django.utils import timezone

from backups import conf
from backups.artifact.reader import ArtifactReader, Tail
from backups.database import introspection, locks
from backups.database.connection import connected
from backups.database.introspection import LiveTable
from backups.errors import ArtifactError, RestoreError
from backups.models import BackupRun, Purpose, State
from backups.registry import COMPLETE, registry
from backups.registry.references import references
from backups.services import creating, runs, vault
from backups.services.progress import Listener, Progress
from backups.services.runs import Actor
from restore.database import catalogue
from restore.database.catalogue import ForeignKey
from restore.database.failures import RowRefused
from restore.database.transaction import RestoreTransaction, restore_transaction
from restore.files import FilesBack, Journal, undo_journal
from restore.inspection import Inspection, inspect
from restore.locate import with_place
from restore.models import Receipt, RestoreRun
from restore.services.matching import Match, match

logger = logging.getLogger("backups")


def carry_out(run: RestoreRun, path: Path, *, listener: Listener | None = None) -> RestoreRun:
    """Restore the file at ``path`` in this process. Returns the run as it ended.

    Raises:
        BackupSystemError: the run is then ``failed`` or ``cancelled``; the database and the file
            storage are as they were.
    """
    with runs.carried_out(run), vault.disk_errors(), Progress(run, listener) as progress:
        report = _Restore(run, path, progress).apply()
        _succeed(run, report)
    return run


def _succeed(run: RestoreRun, report: dict[str, Any]) -> None:
    run.refresh_from_db()
    run.state = State.SUCCEEDED
    run.stage = "done"
    run.section = ""
    run.report = report
    run.finished_at = timezone.now()
    run.save()
    _clear_caches()
    actor = Actor(run.requested_by_name, run.requested_by_email)
    runs.audit(actor, "restore", "succeeded", subject=run.pk)


def _clear_caches() -> None:
    """What was cached was true of the data before. A cache that is away holds nothing stale for long
    and must not make a committed restore look failed."""
    for cache in caches.all(initialized_only=False):
        try:
            cache.clear()
        except Exception as error:
            logger.warning("a cache could not be cleared (%s)", type(error).__name__)


class _Restore:
    def __init__(self, run: RestoreRun, path: Path, progress: Progress) -> None:
        self._run = run
        self._path = path
        self._progress = progress

    def apply(self) -> dict[str, Any]:
        self._progress.stage("inspecting")
        inspection = inspect(self._path, self._progress.check)
        self._require_acceptable(inspection)
        self._note(inspection)
        with connected(purpose="restore") as connection, self._progress.interruptible(connection):
            self._progress.stage("waiting")
            locks.hold_for_restoring(connection, wait_seconds=conf.lock_wait_seconds())
            matched = match(inspection.manifest, registry, introspection.live_tables(connection))
            matched.require()
            safety = self._safety_backup()
            with self._files_undone_on_failure() as journal, self._placed():
                with restore_transaction(connection) as work:
                    report = self._write(work, connection, matched, inspection, journal)
                # Committed: from here on the restore has succeeded whatever happens.
                journal.forget()
        return report | {"safety_backup": safety.pk}

    def _require_acceptable(self, inspection: Inspection) -> None:
        if inspection.manifest.type != "complete":
            raise RestoreError(
                "restore.safe_not_yet",
                "This is a Safe backup; restoring one is not possible yet.",
                hint="Use a Complete backup.",
            )
        if not inspection.authentic and not self._run.choices.get("accept_foreign"):
            raise RestoreError(
                "restore.foreign",
                "The file was not made by this installation, or not signed with its key.",
                hint="If you trust where it comes from, say so: --accept-foreign.",
            )

    def _note(self, inspection: Inspection) -> None:
        self._run.scope = inspection.manifest.type
        self._run.digest = inspection.tail.integrity.digest
        self._run.save(update_fields=["scope", "digest"])

    def _safety_backup(self) -> BackupRun:
        """All data as it is now, under this very lock. Files stay where they are and need no copy."""
        self._progress.stage("safety backup")
        actor = Actor(self._run.requested_by_name, self._run.requested_by_email)
        safety = creating.request(COMPLETE, actor, purpose=Purpose.SAFETY)
        creating.carry_out(safety, under_restore_lock=True)
        self._run.safety_backup = safety.pk
        self._run.save(update_fields=["safety_backup"])
        return safety

    @contextmanager
    def _files_undone_on_failure(self) -> Iterator[Journal]:
        journal = Journal(self._run.pk)
        try:
            yield journal
        except BaseException:
            journal.close()
            if not Receipt.objects.filter(pk=self._run.pk).exists():
                undo_journal(self._run.pk)
            raise

    @contextmanager
    def _placed(self) -> Iterator[None]:
        """Add section, row and key to what the database objected to."""
        try:
            yield
        except RowRefused as error:
            raise with_place(error, self._path, registry) from error

    def _write(
        self,
        work: RestoreTransaction,
        connection: Any,
        matched: Match,
        inspection: Inspection,
        journal: Journal,
    ) -> dict[str, Any]:
        keys = catalogue.foreign_keys(connection)
        touched, followers = _reach(matched.written, keys)
        tables = introspection.live_tables(connection)
        held = [*matched.written, *(tables[name] for name in followers if name in tables)]
        self._progress.stage("emptying", sections_total=len(matched.targets))
        work.lock(held, wait_seconds=conf.lock_wait_seconds())
        work.detach(touched, held)
        work.empty(matched.written)
        with vault.reader(self._path) as reader, vault.spool(self._run.pk) as spool:
            self._load(work, matched, reader, inspection.tail.statistics.rows)
            followed = self._follow(work, touched, {t.name for t in matched.written})
            self._progress.stage("references")
            work.attach()
            self._progress.stage("files")
            files = FilesBack(journal, spool, self._progress.check)
            for file in reader.files():
                files.put(file)
                self._progress.add(files_done=1)
            tail = reader.tail()
        self._require_same_file(tail, inspection)
        self._set_sequences(work, connection, tail)
        self._verify(work, matched, tail)
        self._point_to_new_names(work, matched, files)
        sessions = self._end_sessions(work, tables)
        work.write_receipt(tables[Receipt._meta.db_table], self._run.pk)
        self._progress.stage("committing")
        return _report(matched, tail, files, followed, sessions)

    def _load(
        self, work: RestoreTransaction, matched: Match, reader: ArtifactReader, rows: int
    ) -> None:
        self._progress.stage("loading", rows_total=rows)
        targets = {target.head.key: target for target in matched.targets}
        for section in reader.sections():
            self._progress.section(section.head.key)
            work.load(targets[section.head.key], self._counted(section.blocks()))
            self._progress.add(sections_done=1)

    def _counted(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self._progress.add(rows_done=block.count(b"\n"), bytes_done=len(block))
            yield block

    def _follow(
        self, work: RestoreTransaction, keys: list[ForeignKey], written: set[str]
    ) -> dict[str, int]:
        """Rows of tables outside the file follow their delete rule, until nothing changes any more."""
        rules = _delete_rules()
        counts: dict[str, int] = {}
        pending = [key for key in keys if key.table not in written]
        while pending:
            removed = False
            for key in pending:
                rule = rules.get((key.table, key.columns[0]), "restrict")
                changed = work.follow_delete_rule(key, set_null=rule == "set null")
                if changed:
                    counts[key.table] = counts.get(key.table, 0) + changed
                    removed = removed or rule != "set null"
            if not removed:
                break
        return counts

    def _require_same_file(self, tail: Tail, inspection: Inspection) -> None:
        if tail.integrity != inspection.tail.integrity:
            raise ArtifactError(
                "artifact.changed",
                "The file was exchanged while it was being restored. Nothing was changed.",
                hint="Leave the file alone during a restore, and start again.",
            )

    def _set_sequences(self, work: RestoreTransaction, connection: Any, tail: Tail) -> None:
        live = {sequence.name: sequence for sequence in introspection.live_sequences(connection)}
        for state in tail.sequences:
            if state.name in live:
                work.set_sequence(live[state.name], state)

    def _verify(self, work: RestoreTransaction, matched: Match, tail: Tail) -> None:
        """Read every row back as a backup would, and compare with the file."""
        self._progress.stage("verifying")
        for target in matched.targets:
            self._progress.section(target.head.key)
            expected = tail.statistics.sections[target.head.key]
            found = work.digest(target)
            if (found.rows, found.sha256) != (expected.rows, expected.sha256):
                raise RestoreError(
                    "restore.differs",
                    f"What was written differs from the file in section {target.head.key}."
                    " Nothing was changed.",
                    hint="A trigger, rule or type of the database changed the rows; see docs/errors.md.",
                )

    def _point_to_new_names(
        self, work: RestoreTransaction, matched: Match, files: FilesBack
    ) -> None:
        tables = {target.head.key: target.table for target in matched.targets}
        for locator, name in files.renamed:
            for use in locator.uses:
                work.replace_locator(tables[use.section], use.column, locator.value, name)

    def _end_sessions(self, work: RestoreTransaction, tables: dict[str, LiveTable]) -> int:
        if not apps.is_installed("django.contrib.sessions"):
            return 0
        table = tables.get(apps.get_model("sessions.Session")._meta.db_table)
        return work.empty_sessions(table) if table else 0


def _reach(
    written: tuple[LiveTable, ...], keys: list[ForeignKey]
) -> tuple[list[ForeignKey], list[str]]:
    """The foreign keys to detach and the other tables whose rows may change: those that point at a
    written table, and, as their rows may be removed, those that point at them."""
    names = {table.name for table in written}
    followers: list[str] = []
    grown = True
    while grown:
        grown = False
        for key in keys:
            if key.target_table in names and key.table not in names:
                names.add(key.table)
                followers.append(key.table)
                grown = True
    return [k for k in keys if k.table in names or k.target_table in names], followers


def _delete_rules() -> dict[tuple[str, str], str]:
    """What the models say becomes of a row when its target goes, by table and column."""
    return {
        (model._meta.db_table, reference.column): reference.rule
        for model in apps.get_models(include_auto_created=True)
        for reference in references(model)
    }


def _report(
    matched: Match, tail: Tail, files: FilesBack, followed: dict[str, int], sessions: int
) -> dict[str, Any]:
    statistics = tail.statistics
    return {
        "rows": statistics.rows,
        "sections": {key: value.rows for key, value in statistics.sections.items()},
        "emptied": [table.name for table in matched.emptied],
        "followed_delete_rule": followed,
        "files": {
            "added": files.added,
            "kept": files.kept,
            "renamed": len(files.renamed),
            "elsewhere": files.elsewhere,
            "gaps": statistics.files.gaps,
            "skipped": statistics.files.skipped,
        },
        "sessions_ended": sessions,
    }
