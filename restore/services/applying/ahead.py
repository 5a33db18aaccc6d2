"""The safety backup made ahead: while people still work, for a restore that will lock them out.

It is made as every backup is, read back and durable, and kept by nobody yet. Under the locks, at an instant
of its own, the database tells which tables are what they were. Where all are, and all else that the file
says, it is what one made now would be, and is kept; else it is made again, and only tables that have changed
are read again. So it is what it would be without all this; people wait less for it.
"""

import contextlib
import logging
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from django.db import connections

from backups import conf
from backups.artifact.manifest import Manifest
from backups.artifact.reader import SectionReader
from backups.artifact.tail import Statistics
from backups.database.introspection import LiveColumn, LiveTable
from backups.database.snapshot import READINGS_A_LOOK, Snapshot
from backups.database.table_reading import TableReading
from backups.errors import ArtifactError, BackupSystemError, CancelledError, StorageFailure
from backups.models import BackupRun
from backups.services import composing, creating, vault
from backups.services.composing import Beginning
from backups.services.creating import Drafted
from backups.services.obstacles import LeavingOut
from backups.services.progress import Cancellable, Progress, cancelled
from backups.stages import Stage
from backups.wording import _
from restore.database.marks import Mark, look_of_values, marks_of

logger = logging.getLogger("backups")

# In fewer rows, of fewer bytes of document, nobody waits long for the safety backup.
ROWS_WORTH_READING_AHEAD = 20_000
BYTES_WORTH_READING_AHEAD = 16 * 1024 * 1024
# What stays free besides room for a safety backup that has to be made again.
_SPARE_BYTES = 64 * 1024 * 1024
_LOOK_SECONDS = 0.1


def is_worth_it(tables: Iterable[LiveTable], of_file: Statistics | None = None) -> bool:
    """Whether anything is done ahead: with few rows, here and in the file, it would only come on top."""
    rows = sum(table.estimated_rows for table in tables)
    if of_file is None:
        return rows >= ROWS_WORTH_READING_AHEAD
    size_bytes = sum(section.bytes for section in of_file.sections.values())
    return (
        max(rows, of_file.rows) >= ROWS_WORTH_READING_AHEAD
        or size_bytes >= BYTES_WORTH_READING_AHEAD
    )


@dataclass(frozen=True)
class _Made:
    """``marks`` by table, of the draft's own instant; ``look`` is of all of them."""

    draft: Drafted
    run: BackupRun
    leaving_out: LeavingOut
    look: str
    marks: Mapping[str, Mark | None]

    def form_of(self, key: str) -> Sequence[object] | None:
        found = [r for r in self.draft.beginning.readings if r.section.key == key]
        return _form(found[0]) if found else None


class Ahead:
    """``begin`` and ``finish``, or ``read``; then ``stands`` and ``keep``, or ``stream_rows`` in place of
    the snapshot's. ``read_again`` names the sections that had changed; ``is_kept``: nothing has. What is
    not kept is gone after the block."""

    def __init__(self) -> None:
        self._open = contextlib.ExitStack()
        self._beside: _Beside | None = None
        self._made: _Made | None = None
        self._leaving_out = LeavingOut()
        self._look = ""
        self._marks: Mapping[str, Mark | None] = {}
        self._look_at: tuple[Snapshot, tuple[str, Mapping[str, Mark | None]]] | None = None
        self._again: _Again | None = None
        self.read_again: list[str] = []
        self.is_kept = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.give_up()

    def give_up(self) -> None:
        """Let go of it, and of what is still being done for it."""
        if self._beside:
            self._beside.stop()
        self._made = None
        self._open.close()

    def begin(self, run: BackupRun, progress: Progress, locators_to: Path | None = None) -> None:
        """``read`` beside what is done until ``finish``, in a thread of its own, as if nothing had to be
        left out: what has, is only known when the file has been read."""

        def read(unseen: _Unseen) -> None:
            self._read(run, LeavingOut(), unseen, locators_to)

        self._beside = _Beside(read, progress)

    def finish(
        self,
        run: BackupRun,
        leaving_out: LeavingOut,
        progress: Progress,
        locators_to: Path | None = None,
    ) -> None:
        """Wait for what was begun. Where something has to be left out, or nothing was begun, ``read``."""
        if self._beside:
            self._beside.wait()
            if leaving_out == LeavingOut():
                return
            self.give_up()
        self.read(run, leaving_out, progress, locators_to)

    def read(
        self,
        run: BackupRun,
        leaving_out: LeavingOut,
        progress: Progress,
        locators_to: Path | None = None,
    ) -> None:
        """Make it; ``run`` stands for the one that will be asked for. ``locators_to``: see
        ``creating.drafted``. Whatever is in the way of it, the safety backup will meet it too, and say so:
        nothing is raised but CancelledError."""
        self._read(run, leaving_out, _Unseen(progress), locators_to)

    def _read(
        self, run: BackupRun, leaving_out: LeavingOut, unseen: "_Unseen", locators_to: Path | None
    ) -> None:
        self._look, self._marks = "", {}
        self._leaving_out = leaving_out
        try:
            draft = self._open.enter_context(
                creating.drafted(
                    run,
                    unseen,
                    leaving_out=leaving_out,
                    stream_rows=self._note_and_stream,
                    locators_to=locators_to,
                )
            )
        except CancelledError:
            raise
        except BackupSystemError as error:
            logger.info("nothing could be read ahead (%s)", error.code)
            return
        self._made = _Made(draft, run, leaving_out, self._look, self._marks)

    def _note_and_stream(
        self, view: Snapshot, reading: TableReading, write: Callable[[bytes], None]
    ) -> None:
        if not self._look:
            self._look = view.ask(look_of_values)
            self._marks = _marks(view, self._looked_into(view))
        view.stream_rows(reading, write)

    def _looked_into(self, view: Snapshot) -> list[LiveTable]:
        """What a backup says of files rests on tables, too, whose rows are in none."""
        names = composing.tables_read() - self._leaving_out.tables
        return [table for name, table in view.tables().items() if name in names]

    def stands(
        self,
        run: BackupRun,
        leaving_out: LeavingOut,
        progress: Progress,
        in_the_way: Callable[[], None],
    ) -> bool:
        """Whether it is what a safety backup made now would be, but for the time that it tells.

        What is in the way of asking will be in the way of making one: nothing is raised but CancelledError.
        """
        made = self._made
        if made is None or made.leaving_out != leaving_out or leaving_out.damages:
            return False
        # Keys may have come or gone meanwhile.
        if (made.run.encryption, made.run.encrypted_to) != (run.encryption, run.encrypted_to):
            return False
        try:
            return creating.beginning(
                run,
                _Unseen(progress),
                leaving_out=leaving_out,
                in_the_way=in_the_way,
                ask=self._is_the_same,
            )
        except CancelledError:
            raise
        except BackupSystemError as error:
            logger.info("what was read ahead could not be compared (%s)", error.code)
            return False

    def _is_the_same(self, view: Snapshot, now: Beginning) -> bool:
        made = self._made
        if made is None:
            return False
        then = made.draft.beginning
        marks = _marks(view, self._looked_into(view))
        same = {
            "what its head says": _timeless(now.manifest) == _timeless(then.manifest),
            "sequences": now.sequences == then.sequences,
            "columns": [_form(one) for one in now.readings]
            == [_form(one) for one in then.readings],
            "how values are printed": made.look == view.ask(look_of_values),
        } | {
            f"rows of {table}": mark is not None and mark == marks.get(table)
            for table, mark in made.marks.items()
        }
        changed = [what for what, is_same in same.items() if not is_same]
        if changed:
            logger.info("what was read ahead has changed: %s", ", ".join(changed))
        return not changed and made.marks.keys() == marks.keys()

    def keep(self, run: BackupRun) -> BackupRun:
        """Let it be the backup that ``run`` asks for: see ``Drafted.keep``. It ``stands``."""
        assert self._made is not None  # noqa: S101 - else it would not stand
        kept = self._made.draft.keep(run)
        self.is_kept = True
        return kept

    def make_room(self) -> None:
        """Let it go where the disk has no room for another, which is to be made."""
        if self._made is None:
            return
        size_bytes = self._made.draft.path.stat().st_size
        if shutil.disk_usage(conf.root()).free < size_bytes + _SPARE_BYTES:
            self.give_up()

    def stream_rows(
        self, view: Snapshot, reading: TableReading, write: Callable[[bytes], None]
    ) -> None:
        """As ``Snapshot.stream_rows``. Raises StorageFailure where what was read ahead has suffered."""
        if self._made is None or not self._is_as_it_was(view, reading):
            self.read_again.append(reading.section.key)
            return view.stream_rows(reading, write)
        if self._again is None or self._again.view is not view:
            try:
                self._again = _Again(view, self._made.draft, self._open)
            except ArtifactError:
                # What this process cannot open, it has no rows of.
                self._made = None
                return self.stream_rows(view, reading, write)
        return self._again.stream(reading.section.key, write)

    def _is_as_it_was(self, view: Snapshot, reading: TableReading) -> bool:
        if self._made is None or self._made.form_of(reading.section.key) != _form(reading):
            return False
        look, marks = self._now(view)
        mark = self._made.marks.get(reading.table.name)
        return self._made.look == look and mark is not None and mark == marks[reading.table.name]

    def _now(self, view: Snapshot) -> tuple[str, Mapping[str, Mark | None]]:
        """Asked once of each instant."""
        if self._look_at is None or self._look_at[0] is not view:
            known = (view.ask(look_of_values), _marks(view, self._looked_into(view)))
            self._look_at = (view, known)
        return self._look_at[1]


class _Again:
    """The sections of a draft, for one backup that is made in the same order."""

    def __init__(self, view: Snapshot, draft: Drafted, stack: contextlib.ExitStack) -> None:
        self.view = view
        self._known = draft.statistics.sections
        self._sections: Iterator[SectionReader] = stack.enter_context(
            vault.reader(draft.path)
        ).sections()

    def stream(self, key: str, write: Callable[[bytes], None]) -> None:
        try:
            section = next(one for one in self._sections if one.head.key == key)
            blocks = section.blocks()
            while block := next(blocks, b""):
                write(block)
        except (ArtifactError, StopIteration):
            raise _damaged() from None
        if section.statistics != self._known[key]:
            raise _damaged()


class _Unseen:
    """Pages show the stages of the restore, not those of a backup that nobody has asked for."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def check(self) -> None:
        self._progress.check()

    def stage(self, stage: Stage, **values: Any) -> None:
        self.check()

    def section(self, key: str) -> None:
        self.check()

    def add(self, **amounts: int) -> None:
        self.check()

    def interruptible(self, statement: Cancellable) -> contextlib.AbstractContextManager[None]:
        return self._progress.interruptible(statement)


class _Beside(_Unseen):
    """Work in a thread of its own. It is told to end, when nobody wants it any more, by what it is handed."""

    def __init__(self, work: Callable[[_Unseen], None], progress: Progress) -> None:
        super().__init__(progress)
        self._work = work
        self._unwanted = threading.Event()
        self._statements: list[Cancellable] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="safety backup ahead", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until the work has ended. Raises what it raised, and CancelledError as soon as the run is."""
        while self._thread.is_alive():
            self._thread.join(_LOOK_SECONDS)
            self._progress.check()
        if self._error:
            raise self._error

    def stop(self) -> None:
        """End it, whatever it is at; what it raises is of no interest then."""
        self._unwanted.set()
        while self._thread.is_alive():
            for statement in list(self._statements):
                with contextlib.suppress(Exception):
                    statement.cancel()
            self._thread.join(_LOOK_SECONDS)

    def check(self) -> None:
        if self._unwanted.is_set():
            raise cancelled()
        super().check()

    @contextlib.contextmanager
    def interruptible(self, statement: Cancellable) -> Iterator[None]:
        self._statements.append(statement)
        try:
            with super().interruptible(statement):
                yield
        except Exception:
            self.check()
            raise
        finally:
            self._statements.remove(statement)

    def _run(self) -> None:
        try:
            self._work(self)
        except BaseException as error:  # raised again by ``wait``
            self._error = error
        finally:
            connections.close_all()


def _marks(view: Snapshot, tables: Sequence[LiveTable]) -> Mapping[str, Mark | None]:
    """Some at a time, and their locks are let go between: see ``Snapshot.look_again``."""
    found: dict[str, Mark | None] = {}
    for start in range(0, len(tables), READINGS_A_LOOK):
        some = tables[start : start + READINGS_A_LOOK]
        found |= view.ask(lambda connection, some=some: marks_of(connection, some))  # type: ignore[misc]
        view.look_again()
    return found


def _timeless(manifest: Manifest) -> Manifest:
    return msgspec.structs.replace(manifest, created_at="")


def _form(reading: TableReading) -> Sequence[object]:
    """Which rows and columns are read, and how. Rows out of damaged tables are read from elsewhere."""
    columns: tuple[LiveColumn, ...] = reading.columns
    table = reading.table
    whole = table.source is None
    return (table.oid, table.schema, table.name, whole, columns, reading.primary_key)


def _damaged() -> StorageFailure:
    return StorageFailure(
        "storage.failed",
        _("What was read ahead for the safety backup was damaged on the disk."),
        hint=_("Look at the disk that holds the backups, then try again."),
    )
