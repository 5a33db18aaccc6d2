"""Carrying out a restore: everything that was there comes back, or nothing was changed.

docs/design.md, Restoring, gives the order and the reasons.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import transaction

from backups import conf
from backups.database import locks
from backups.database.connection import Connection, connected, database_errors
from backups.database.introspection import LiveTable, live_tables
from backups.errors import BackupSystemError, CancelledError, RestoreError
from backups.files.spool import Spool
from backups.findings import Finding
from backups.models import BackupRun
from backups.registry import registry
from backups.services import account_states, auditing, key_requests, runs, vault
from backups.services.auditing import Actor
from backups.services.obstacles import LeavingOut
from backups.services.progress import Listener, Progress
from backups.services.recovery_kit import RecoveryKit
from backups.stages import Stage
from backups.wording import Sentence, _, ngettext
from restore.database import around_damage, draining
from restore.database.transaction import RestoreTransaction, restore_transaction
from restore.database.waiting_tables import one_instant
from restore.files import FilesBack
from restore.journal import Journal, undo_journal
from restore.models import RestoreRun
from restore.plan import Choices, FilesPlan, Plan, losses
from restore.services.applying import parachute, problems, superseded
from restore.services.applying.aftermath import follow_up
from restore.services.applying.ahead import Ahead, is_worth_it
from restore.services.applying.problems import Problems
from restore.services.applying.writing import Writer
from restore.services.asking import requests
from restore.services.planning.counting import make_plan, require_same_schema
from restore.services.planning.files import plan_files
from restore.services.planning.following import tables_held, tables_read
from restore.services.planning.foreseeing import Foresight, foresee
from restore.services.planning.locating import places
from restore.services.planning.opening import opened
from restore.services.planning.proving import prove
from restore.services.planning.remembering import Answers
from restore.services.planning.staging import Prepared, prepare
from restore.services.planning.watching import end_reading

logger = logging.getLogger("backups")
DRAIN_LOOK_SECONDS = 0.2


def carry_out(
    run: RestoreRun,
    path: Path,
    *,
    listener: Listener | None = None,
    kit: RecoveryKit | None = None,
) -> RestoreRun:
    """Restore the file at ``path`` in this process. Returns the run as it ended.

    ``kit``: the recovery kit of the installation that made the file.

    Where the run holds a confirmed plan, its losses and blocking findings must still be true.

    Raises:
        BackupSystemError: the run is then ``failed`` or ``cancelled``; the database and the file
            storage are as they were.
    """
    done = False
    try:
        with runs.carried_out(run), vault.disk_errors(), Progress(run, listener) as progress:
            _carry_out(run, path, progress, kit)
            done = True
    except BaseException as error:
        # What was held while the work went on could not be let go: nothing is undone by that.
        if not done:
            raise
        problems.add(run, _cut_short(error), error)
    return run


def _carry_out(run: RestoreRun, path: Path, progress: Progress, kit: RecoveryKit | None) -> None:
    """Raises only where nothing was committed."""
    work = _Restore(run, progress, kit)
    try:
        with (
            key_requests.unlocked(path, progress.check, lambda: progress.stage(Stage.KEY)),
            opened(path, Choices.of(run.choices), progress) as readable,
        ):
            work.apply(readable)
    except BaseException as error:
        if not requests.is_committed(run.pk):
            raise
        # What went wrong afterwards must not make it look undone.
        work.problems.note(_cut_short(error), error)
    _succeed(run, work)


def _cut_short(error: BaseException) -> Sentence:
    return _(
        "Everything was put back; what follows was cut short: {reason}",
        reason=runs.explain(error).message,
    )


def _succeed(run: RestoreRun, work: "_Restore") -> None:
    """Write down how it ended, whatever of that fails. The receipt speaks for a row that cannot be told."""
    actor = Actor(run.requested_by_name, run.requested_by_email)

    def audit() -> None:
        with transaction.atomic():
            auditing.audit(actor, "restore", "succeeded", subject=run.pk)

    def succeed() -> None:
        run.refresh_from_db(fields=["report"])
        aftermath = work.problems.added_to(work.report.get("aftermath", {}))
        runs.succeed(run, audited=True, report=run.report | work.report | {"aftermath": aftermath})

    try:
        runs.once_more_if_lost(audit)
    except BaseException as error:
        work.problems.note(_("The audit trail does not tell that the restore succeeded."), error)
    try:
        account_states.compare()
    except BaseException as error:
        work.problems.note(_("The accounts were not compared with the audit trail."), error)
    try:
        runs.once_more_if_lost(succeed)
    except BaseException as error:
        # A signal, or whatever else: the row is told of that, and that it succeeded.
        work.problems.note(_cut_short(error), error)
        _succeed_after_all(run, succeed)


def _succeed_after_all(run: RestoreRun, succeed: Callable[[], None]) -> None:
    try:
        succeed()
    except BaseException as error:
        logger.error("restore %s is final, and its row could not be told", run.pk)
        problems.add(run, _cut_short(error), error)


class _Restore:
    """``report`` is what was done, once it is committed, and ``problems`` what failed after that."""

    def __init__(self, run: RestoreRun, progress: Progress, kit: RecoveryKit | None) -> None:
        self._run = run
        self._kit = kit
        self._path = Path()
        self._progress = progress
        self._choices = Choices.of(run.choices)
        self._changed: list[LiveTable] = []
        self.report: dict[str, Any] = {}
        self.problems = Problems()

    def apply(self, path: Path) -> None:
        """Restore the file at ``path``. What it raises after the commit undoes nothing."""
        self._path = path
        with connected(purpose="restore") as connection, self._progress.interruptible(connection):
            connection.autocommit = True
            with vault.spool(self._run.pk) as spool, Ahead() as ahead:
                with database_errors():
                    self._begin_ahead(connection, spool, ahead)
                    prepared, files = self._prepare(connection)
                early = self._look_ahead(connection, prepared, files, spool, ahead)
                with self._maintenance(connection, prepared):
                    self._replace(connection, prepared, files, spool, ahead, early)
                    after = follow_up(connection, prepared, self._changed, self.problems)
                    self.report["aftermath"] = after

    def _begin_ahead(self, connection: Connection, spool: Spool, ahead: Ahead) -> None:
        """The safety backup is read while the file is, as neither knows of the other."""
        if not self._must_read() and is_worth_it(live_tables(connection).values()):
            ahead.begin(parachute.wanted(self._run), self._progress, spool.path("before"))

    def _look_ahead(
        self,
        connection: Connection,
        prepared: Prepared,
        files: FilesPlan,
        spool: Spool,
        ahead: Ahead,
    ) -> Answers:
        """What the plan will ask and the safety backup want, while people still work. Whatever is in the way
        of it will be met again under the locks, and said then."""
        answers = Answers()
        leaving_out = None
        if (
            not _blocking(prepared.findings)
            and not self._must_read()
            and is_worth_it(prepared.tables.values(), prepared.tail.statistics)
        ):
            end_reading(Stage.AHEAD, self._progress)
            try:
                leaving_out = self._ask_ahead(connection, prepared, files, answers)
            except CancelledError:
                raise
            except BackupSystemError as error:
                if connection.closed:
                    raise
                logger.info("nothing could be asked ahead (%s)", error.code)
                answers = Answers()
        if leaving_out is None:
            ahead.give_up()
        else:
            run, before = parachute.wanted(self._run), spool.path("before")
            ahead.finish(run, leaving_out, self._progress, before)
        return answers

    def _ask_ahead(
        self, connection: Connection, prepared: Prepared, files: FilesPlan, answers: Answers
    ) -> LeavingOut:
        """Let ``answers`` be what the plan will ask. Returns what a safety backup would do without."""
        with database_errors(), self._at_an_instant(connection, prepared):
            answers.note(connection, prepared.matched.written)
            foresight = foresee(connection, prepared, self._choices, read=False)
            make_plan(connection, prepared, self._choices, files, foresight, answers)
        return foresight.leaving_out

    def _at_an_instant(
        self, connection: Connection, prepared: Prepared
    ) -> contextlib.AbstractContextManager[None]:
        return one_instant(
            connection,
            tables_read(prepared),
            wait_seconds=conf.lock_wait_seconds(),
            check=self._progress.check,
        )

    def _replace(
        self,
        connection: Connection,
        prepared: Prepared,
        files: FilesPlan,
        spool: Spool,
        ahead: Ahead,
        early: Answers,
    ) -> None:
        """The transaction, and the files that go with it."""
        with self._files_undone_on_failure() as journal, places(self._path, registry):
            with restore_transaction(connection) as work:
                plan, foresight = self._plan(work, prepared, files, early)
                safety, foresight = self._parachute(work, prepared, foresight, ahead)
                # Until now others could read, and some may be idle since in a transaction.
                self._drain(connection, prepared)
                around_damage.avoid_indexes(connection, foresight.damages.values())
                readable = foresight.readable(prepared)
                writer = Writer(work, prepared, plan, self._path, self._progress, readable)
                left_out = foresight.leaving_out
                if not ahead.is_kept:
                    superseded.list_files(
                        connection, spool.path("before"), left_out, prepared.tables
                    )
                back = FilesBack(
                    journal, spool, self._progress.check, host=self._choices.host_files
                )
                self._changed = writer.tables_changed
                report = writer.write(back, self._run.pk)
                before, after = spool.path("before"), spool.path("after")
                # A file's new name is written into whatever table had the old one.
                alone = frozenset() if back.renamed else writer.left_alone
                superseded.list_files(
                    connection, after, foresight.afterwards, prepared.tables, but=alone
                )
                left = superseded.note(self._run.pk, before, after, alone)
                undo = parachute.as_reported(self._run, safety, foresight)
                noted = {"safety_backup": undo["backup"], "files_left_for_undo": left}
                self.report = report | {"undo": undo} | noted
            # Committed: from here on the restore has succeeded whatever happens.
            self._forget(journal)

    def _forget(self, journal: Journal) -> None:
        try:
            journal.forget()
        except OSError as error:
            self.problems.note(
                _("The list of the files that were put back could not be removed; it goes later."),
                error,
            )

    def _prepare(self, connection: Connection) -> tuple[Prepared, FilesPlan]:
        """Read and stage the file, before anybody has to wait."""
        prepared = prepare(
            self._path,
            connection,
            registry,
            self._progress,
            kit=self._kit,
            let_in=self._choices.let_in,
        )
        files = plan_files(self._path, prepared, self._progress, host=self._choices.host_files)
        self._run.scope = prepared.manifest.type
        self._run.digest = prepared.tail.integrity.digest
        self._run.save(update_fields=["scope", "digest"])
        return prove(connection, prepared, self._progress), files

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

    def _plan(
        self, work: RestoreTransaction, prepared: Prepared, files: FilesPlan, early: Answers
    ) -> tuple[Plan, Foresight]:
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
        found = None
        if not self._must_read():
            found = work.looked(lambda: self._look(work, prepared, files, early))
        if found is None:
            with work.only_looking():
                found = self._look(work, prepared, files)
        plan, foresight = found
        self._require_confirmed(plan)
        return plan, foresight

    def _must_read(self) -> bool:
        """Reading every value takes long, and under the locks it is only done where damage is known of;
        the safety backup reads them all, and what it stumbles over is looked for then."""
        known = {finding["code"] for finding in self._run.plan.get("findings", [])}
        chosen = self._choices.partial_undo or self._choices.without_undo
        return chosen or bool(known & parachute.OF_DAMAGE)

    def _look(
        self,
        work: RestoreTransaction,
        prepared: Prepared,
        files: FilesPlan,
        early: Answers | None = None,
    ) -> tuple[Plan, Foresight]:
        """``early``: what is known; without it every value is read."""
        connection = work.connection
        foresight = foresee(connection, prepared, self._choices, read=early is None)
        answers = early and early.that_stand(connection, prepared.matched.written)
        plan = make_plan(connection, prepared, self._choices, files, foresight, answers)
        return plan, foresight

    def _require_confirmed(self, plan: Plan) -> None:
        _require_none_blocking(plan.findings)
        confirmed, now = self._run.plan, plan.as_dict()
        if confirmed and losses(confirmed) != losses(now):
            raise RestoreError(
                "restore.plan_changed",
                _(
                    "The data or the file changed since the plan was confirmed, and so would what is lost."
                    " Nothing was changed."
                ),
                hint=_("Look at the new plan and confirm it."),
            )
        self._run.plan = now
        self._run.save(update_fields=["plan"])

    def _parachute(
        self, work: RestoreTransaction, prepared: Prepared, foresight: Foresight, ahead: Ahead
    ) -> tuple[BackupRun | None, Foresight]:
        """The safety backup, None where the person goes on without one; and what is known by then."""
        if self._choices.without_undo:
            return None, foresight
        self._progress.stage(Stage.SAFETY_BACKUP)

        def in_the_way() -> None:
            self._turn_away(work.connection, prepared)

        try:
            made = parachute.make(self._run, foresight, self._progress, ahead, in_the_way)
            return made, foresight
        except BackupSystemError as error:
            if foresight.was_read or not parachute.may_be_damage(error):
                raise
            with work.only_looking():
                again = foresee(work.connection, prepared, self._choices, read=True)
            if not again.leaving_out.listed and not again.damages:
                raise
        _require_none_blocking(again.findings)
        return parachute.make(self._run, again, self._progress, ahead, in_the_way), again

    @contextmanager
    def _files_undone_on_failure(self) -> Iterator[Journal]:
        journal = Journal(self._run.pk)
        try:
            yield journal
        except BaseException:
            journal.close()
            if requests.is_committed(self._run.pk):
                self._forget(journal)
            else:
                undo_journal(self._run.pk)
                superseded.forget(self._run.pk)
            raise


def _require_none_blocking(findings: Sequence[Finding]) -> None:
    """Raises RestoreError."""
    blocking = _blocking(findings)
    if blocking:
        first = blocking[0]
        message = ngettext(
            "{finding} Nothing was changed.",
            "{finding} {n} findings block it. Nothing was changed.",
            len(blocking),
            finding=first.message,
        )
        raise RestoreError(first.code, message, hint=first.hint)


def _blocking(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.blocking]
