"""Rows read ahead: while people still work, for a safety backup that is made when nobody can.

They are printed as the safety backup will print them, into the run's private folder. Under the locks, at the
safety backup's own instant, the database tells which tables are what they were, and only the others are read
again. So it is what it would be without all this; people wait less for it.
"""

import contextlib
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import zstandard

from backups import conf
from backups.artifact.age import Identity
from backups.database.introspection import LiveColumn, LiveTable
from backups.database.snapshot import Snapshot, snapshot
from backups.database.table_reading import TableReading
from backups.errors import ArtifactError, BackupSystemError, CancelledError, StorageFailure
from backups.files import spool
from backups.files.spool import Spool
from backups.registry import COMPLETE
from backups.services import creating, vault
from backups.services.obstacles import LeavingOut
from backups.services.progress import Progress
from backups.wording import _
from restore.database.marks import Mark, look_of_values, mark_of

logger = logging.getLogger("backups")

# In fewer rows nobody waits long for the safety backup.
ROWS_WORTH_READING_AHEAD = 20_000
_LEVEL = 1
# What stays free besides room for the safety backup, which takes as much again.
_SPARE_BYTES = 64 * 1024 * 1024
_READ_BYTES = 256 * 1024


@dataclass(frozen=True)
class _Kept:
    """``form``: how the rows were read. They lie in ``path``."""

    form: Sequence[object]
    mark: Mark
    path: Path


class Ahead:
    """``read``, at most once; ``stream_rows`` in place of the snapshot's. ``read_again`` names the sections
    that had changed. With ``key``, which nobody else has, the rows lie in the spool encrypted."""

    def __init__(self, spool: Spool, key: Identity | None = None) -> None:
        self._spool = spool
        self._key = key
        self._kept: dict[str, _Kept] = {}
        self._look = ""
        self._look_at: tuple[Snapshot, str] | None = None
        self.read_again: list[str] = []

    def read(self, known: Iterable[LiveTable], progress: Progress) -> None:
        """Read all, where the tables that are ``known`` have rows enough. Whatever is in the way of it, the
        safety backup will meet it too, and say so: nothing is raised but CancelledError."""
        if sum(table.estimated_rows for table in known) < ROWS_WORTH_READING_AHEAD:
            return
        try:
            with vault.disk_errors(), snapshot() as view, progress.interruptible(view.connection):
                self._read(view, progress.check)
        except CancelledError:
            raise
        except BackupSystemError as error:
            logger.info("nothing could be read ahead (%s)", error.code)
            self._forget_all()

    def _forget_all(self) -> None:
        """The room is needed for the safety backup itself."""
        self._kept.clear()
        with contextlib.suppress(OSError):
            for path in self._spool.path("").glob("ahead-*"):
                path.unlink(missing_ok=True)

    def _read(self, view: Snapshot, check: Callable[[], None]) -> None:
        wanted = creating.tables_read()
        tables = view.hold(wanted, wait_seconds=conf.lock_wait_seconds(), check=check)
        self._look, size_bytes = view.ask(look_of_values), 0
        for number, reading in enumerate(LeavingOut().readings(COMPLETE, tables)):
            mark = _mark(view, reading)
            if mark is not None:
                path = self._spool.path(f"ahead-{number}")
                _write(path, view, reading, check, self._key)
                self._kept[reading.section.key] = _Kept(_form(reading), mark, path)
                size_bytes += path.stat().st_size
                if shutil.disk_usage(path.parent).free < 2 * size_bytes + _SPARE_BYTES:
                    self._forget_all()
                    return

    def stream_rows(
        self, view: Snapshot, reading: TableReading, write: Callable[[bytes], None]
    ) -> None:
        """As ``Snapshot.stream_rows``. Raises StorageFailure where what was read ahead has suffered."""
        kept = self._kept.pop(reading.section.key, None)
        if kept is None or not self._is_as_it_was(kept, view, reading):
            self.read_again.append(reading.section.key)
            view.stream_rows(reading, write)
            return
        for block in _blocks(kept.path, self._key):
            write(block)
        kept.path.unlink()

    def _is_as_it_was(self, kept: _Kept, view: Snapshot, reading: TableReading) -> bool:
        return (
            kept.form == _form(reading)
            and self._look == self._look_in(view)
            and kept.mark == _mark(view, reading)
        )

    def _look_in(self, view: Snapshot) -> str:
        """Asked once of each instant."""
        if self._look_at is None or self._look_at[0] is not view:
            self._look_at = (view, view.ask(look_of_values))
        return self._look_at[1]


def _mark(view: Snapshot, reading: TableReading) -> Mark | None:
    return view.ask(lambda connection: mark_of(connection, reading.table))


def _form(reading: TableReading) -> Sequence[object]:
    """Which rows and columns are read, and how. Rows out of damaged tables are read from elsewhere."""
    columns: tuple[LiveColumn, ...] = reading.columns
    table = reading.table
    whole = table.source is None
    return (table.oid, table.schema, table.name, whole, columns, reading.primary_key)


def _write(
    path: Path,
    view: Snapshot,
    reading: TableReading,
    check: Callable[[], None],
    key: Identity | None,
) -> None:
    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    with (
        path.open("xb") as out,
        spool.writing(out, key) as sink,
        compressor.stream_writer(sink, closefd=False) as compressed,  # type: ignore[arg-type]
    ):

        def take(block: bytes) -> None:
            check()
            compressed.write(block)

        view.stream_rows(reading, take)


def _blocks(path: Path, key: Identity | None) -> Iterator[bytes]:
    """Blocks of whole lines, as they were written."""
    rest = b""
    try:
        with (
            path.open("rb") as stored,
            spool.reading(stored, key) as source,
            zstandard.ZstdDecompressor().stream_reader(source, closefd=False) as plain,  # type: ignore[arg-type]
        ):
            while block := plain.read(_READ_BYTES):
                whole, end, tail = (rest + block).rpartition(b"\n")
                rest = tail
                if end:
                    yield whole + end
    except (zstandard.ZstdError, ArtifactError) as error:
        raise StorageFailure(
            "storage.failed",
            _("What was read ahead for the safety backup was damaged on the disk."),
            hint=_("Look at the disk that holds the backups, then try again."),
        ) from error
