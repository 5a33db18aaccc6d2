"""The document of one backup, written while its rows are read: from one read-only snapshot, past the
search for secrets, its files behind it. Asking for a backup, keeping and naming it are ``creating``'s.
"""

import contextlib
import datetime
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

import django
from django.utils import timezone

from backups import conf
from backups.artifact import age_keys, codecs
from backups.artifact.behind import Behind, Handing
from backups.artifact.manifest import (
    FORMAT,
    Application,
    Manifest,
    Person,
    Schema,
    SectionHead,
)
from backups.artifact.tail import FileHead, FileStatistics, Sequence, Statistics
from backups.artifact.writer import ArtifactWriter, Sink
from backups.database import introspection, locators
from backups.database.snapshot import Snapshot, snapshot
from backups.database.table_reading import TableReading, fingerprint
from backups.database.unreadable import require_text
from backups.files.collect import Collector, Places, count_only, wanted_files
from backups.files.fetched import Fetched, Used
from backups.files.spool import Spool
from backups.hunting.proving import Said
from backups.models import BackupRun, Purpose
from backups.registry import COMPLETE, SAFE, Scope, registry
from backups.services import broken_rules, coverage, installation, outside, vault, withholding
from backups.services.obstacles import LeavingOut
from backups.services.progress import Cancellable
from backups.services.verifying import Look, verify_stream
from backups.services.withholding import Hunt
from backups.stages import Stage
from backups.wording import EMPTY, Sentence

StreamRows = Callable[[Snapshot, TableReading, Callable[[bytes], None]], None]


class Watch(Protocol):
    """Is told how far a backup is, and may end it; ``Progress`` is one."""

    def check(self) -> None: ...

    def stage(self, stage: Stage, **values: Any) -> None: ...

    def section(self, key: str) -> None: ...

    def add(self, **amounts: int) -> None: ...

    def interruptible(self, statement: Cancellable) -> contextlib.AbstractContextManager[None]: ...


@dataclass(frozen=True)
class Beginning:
    """What is known of a backup before its first row: all that it says but what rows and files say."""

    manifest: Manifest
    sequences: list[Sequence]
    readings: list[TableReading]


LOCATORS = "locators"
# As many files that are not embedded are listed in the run's row; the artifact lists all.
LISTED_FILES = 1000


def embeds_files(run: BackupRun) -> bool:
    """Whether the content of files goes into the backup: into a Complete one that people asked for.

    Before a restore nothing overwrites or deletes a file, so a safety backup needs no copies.
    """
    return run.scope == COMPLETE and run.purpose != Purpose.SAFETY


class Rows(NamedTuple):
    """A block of rows, and what takes the secrets out of it."""

    block: bytes
    withheld: Callable[[bytes], bytes]


class _HandedOver:
    """Rows on their way into the file: past the search for secrets where there is one."""

    def __init__(self, lines: Behind[bytes], hunted: Behind[Rows]) -> None:
        self._lines = lines
        self._hunted = hunted

    def put(self, block: bytes, withheld: Callable[[bytes], bytes] | None) -> None:
        if withheld is None:
            self._lines.put(block)
        else:
            self._hunted.put(Rows(block, withheld))

    def drain(self) -> None:
        self._hunted.drain()
        self._lines.drain()


class _WhenKnown:
    """Searches a file for the secrets of a backup, which are known before its first byte is there."""

    def __init__(self, backup: "Composition") -> None:
        self._backup = backup
        self._look: Look | None = None

    def rows(self, head: SectionHead, block: bytes) -> None:
        if look := self._known():
            look.rows(head, block)

    def texts(self, said: Iterable[Said]) -> None:
        if look := self._known():
            look.texts(said)

    def _known(self) -> Look | None:
        hunt = self._backup.hunt
        if hunt is not None and self._look is None:
            self._look = hunt.require_none(next(hunt.matchers()))
        return self._look


class Composition:
    """One backup being written. ``digest`` and ``plain_bytes`` are there after ``write``."""

    def __init__(
        self,
        run: BackupRun,
        progress: Watch,
        in_the_way: Callable[[], None],
        leaving_out: LeavingOut | None,
        stream_rows: StreamRows,
        locators_to: Path | None = None,
    ) -> None:
        self.run = run
        self._locators_to = locators_to
        self._stream_rows = stream_rows
        self._leaving_out = leaving_out
        self._scope = Scope(run.scope)
        self._progress = progress
        self._in_the_way = in_the_way
        self.digest = ""
        self.plain_bytes = 0
        self.stored_sha256 = ""
        self.not_embedded: list[dict[str, Any]] = []
        self.rules: dict[str, Any] = {}
        self.unchanged: dict[str, int] = asdict(Used())
        self.hunt: Hunt | None = None
        # One digest for each file whose content a Complete backup has in the rows.
        self._in_rows: set[bytes] = set()
        self._places = Places()
        # What files lie encrypted with on their way into a backup that is.
        self._key = age_keys.new_identity() if run.encryption else None
        self.begun: Beginning | None = None

    @property
    def lacks_rows(self) -> bool:
        return self._leaving_out is not None and self._leaving_out.lacks_rows

    @property
    def counted_files(self) -> dict[str, int]:
        """As people count them: places, not names; ``in_rows`` are in none."""
        return {
            "places": self._places.count,
            "local": self._places.local,
            "in_rows": len(self._in_rows),
        }

    @property
    def left_out(self) -> list[dict[str, Any]]:
        return list(self._leaving_out.listed) if self._leaving_out else []

    def verify(self, stored: BinaryIO) -> None:
        """Read what was written, and search a Safe file once more for what should not be in it. Goes on
        behind the writer: what to search for is known before the first row is there.

        Raises ArtifactError, ``artifact.secret`` where it is.
        """
        verify_stream(stored, self._progress.check, _WhenKnown(self))

    def prove_the_rest(self, stored: BinaryIO) -> None:
        """Where there are too many secrets to search for at once, it is read once more for the others."""
        if self.hunt is None:
            return
        for matcher in islice(self.hunt.matchers(), 1, None):
            stored.seek(0)
            verify_stream(stored, self._progress.check, self.hunt.require_none(matcher))

    def write(self, stream: Sink) -> Statistics:
        with (
            vault.spool(self.run.pk, self._key) as spool,
            codecs.compress_to(stream) as compressed,
            Behind(compressed.write, name="compression") as compression,
        ):
            return self._write_document(ArtifactWriter(Handing(compression)), spool)

    def _write_document(self, writer: ArtifactWriter, spool: Spool) -> Statistics:
        with snapshot() as view, self._progress.interruptible(view.connection):
            readings = self._readings(view)
            # Before anything is read: from behind a savepoint the server exports no snapshot.
            with self._asking_rules(view, readings) as rules:
                self.hunt = self._look_for_secrets(view)
                self.begun = begun = self._beginning(view, readings)
                writer.start(begun.manifest)
                self._progress.stage(Stage.ROWS, **_totals(readings))
                with self._behind(writer) as handed_over:
                    for item in readings:
                        self._write_section(writer, handed_over, view, item)
                self._progress.stage(Stage.LOCATORS)
                self._list_locators(view, spool)
                # In here, as only the snapshot keeps others from rewriting the tables.
                self.rules = rules.answers(self._progress.check)
        # The snapshot is over before the fetching, which may take hours and needs no database.
        writer.begin_files()
        files = self._write_files(writer, spool)
        statistics = writer.finish(
            sequences=begun.sequences,
            altered=self.hunt.listed() if self.hunt else [],
            files=files,
            seal=self._seal,
            secrets=self.hunt.statistics() if self.hunt else None,
        )
        self.plain_bytes = writer.bytes_written
        return statistics

    def begin(self, view: Snapshot) -> Beginning:
        """Hold the tables, and say how the backup would begin."""
        return self._beginning(view, self._readings(view))

    def _beginning(self, view: Snapshot, readings: list[TableReading]) -> Beginning:
        sequences = _sequences(view, readings)
        return Beginning(self._manifest(view, readings), sequences, readings)

    def _look_for_secrets(self, view: Snapshot) -> Hunt | None:
        """What a Safe file must not hold, as it is at this instant."""
        if self._scope is not SAFE:
            return None
        tables = view.tables()
        values = view.secret_values(withholding.secret_columns(tables))
        return Hunt(values, tables, mask_credentials=self.run.mask_credentials)

    def _asking_rules(
        self, view: Snapshot, readings: list[TableReading]
    ) -> contextlib.AbstractContextManager[broken_rules.Asking]:
        tables = view.tables()
        held = tables.keys() - (self._leaving_out or LeavingOut()).tables
        known = [tables[s.table] for s in registry.sections if s.table in held]
        return broken_rules.asking(view.export(), [item.table for item in readings], known)

    def _readings(self, view: Snapshot) -> list[TableReading]:
        without = self._leaving_out or LeavingOut()
        tables = view.hold(
            (tables_read() | self._looked_into()) - without.tables,
            wait_seconds=conf.lock_wait_seconds(),
            check=self._keep_waiting,
        )
        self._progress.stage(Stage.CHECKING)
        if self._leaving_out is None:
            outsiders = outside.look_outside(view.connection, tables)
            coverage.require_covered(registry, tables, outsiders)
        return without.readings(self._scope, tables)

    def _looked_into(self) -> set[str]:
        return withholding.session_tables() if self._scope is SAFE else set()

    def _keep_waiting(self) -> None:
        self._progress.check()
        self._in_the_way()

    def _manifest(self, view: Snapshot, readings: list[TableReading]) -> Manifest:
        return Manifest(
            format=FORMAT,
            type=self._scope.value,
            created_at=timezone.now().astimezone(datetime.UTC).isoformat(timespec="seconds"),
            created_by=self._person(),
            installation=installation.name(),
            application=Application(
                conf.application(), django.get_version(), view.server_version()
            ),
            schema=Schema(fingerprint(readings), view.migrations()),
            left_out=tuple(sorted(self._leaving_out.tables)) if self._leaving_out else (),
            sections=tuple(item.head() for item in readings),
        )

    def _person(self) -> Person:
        name, email = self.run.requested_by_name, self.run.requested_by_email
        return self.hunt.person(name, email) if self.hunt else Person(name, email)

    @contextlib.contextmanager
    def _behind(self, writer: ArtifactWriter) -> "Iterator[_HandedOver]":
        """Secrets are looked for behind the reading of rows, and digests computed behind that."""
        with (
            Behind(writer.rows, name="digests") as lines,
            Behind[Rows](
                lambda rows: lines.put(rows.withheld(rows.block)),
                name="secrets",
                size=lambda rows: len(rows.block),
            ) as hunted,
        ):
            yield _HandedOver(lines, hunted)

    def _write_section(
        self, writer: ArtifactWriter, behind: "_HandedOver", view: Snapshot, item: TableReading
    ) -> None:
        self._progress.section(item.section.key)
        writer.begin_section(item.section.key)
        withheld = self.hunt.marker(item) if self.hunt else None
        # Django's own tables are counted apart.
        own = int(not item.section.framework)

        def take(block: bytes) -> None:
            require_text(item, block)
            behind.put(block, withheld)
            self._progress.add(rows_done=own * block.count(b"\n"), bytes_done=len(block))

        self._stream_rows(view, item, take)
        behind.drain()
        writer.end_section()
        self._progress.add(sections_done=own)

    def _list_locators(self, view: Snapshot, spool: Spool) -> None:
        """All sections' locators, in either scope: a Safe backup tells how many it leaves out."""
        tables = view.tables()
        readings = (self._leaving_out or LeavingOut()).readings(COMPLETE, tables)
        with spool.path(LOCATORS).open("wb") as out:

            def take(block: bytes) -> None:
                out.write(block)
                self._progress.check()

            view.stream_locators(readings, take)
        if self._locators_to:
            shutil.copyfile(spool.path(LOCATORS), self._locators_to)

    def _write_files(self, writer: ArtifactWriter, spool: Spool) -> FileStatistics:
        with spool.path(LOCATORS).open("rb") as lines:
            if not embeds_files(self.run):
                texts = self.hunt.contents if self.hunt else frozenset()
                return count_only(
                    iter(lines),
                    in_texts=texts,
                    content_left_out=self._scope is SAFE,
                    places=self._places,
                )
            self._progress.stage(Stage.FETCHING)
            # Of what goes into an encrypted backup no plain copy is kept for the next one.
            limit_bytes = 0 if self._key else conf.fetched_limit_bytes()
            kept = Fetched(vault.fetched(), limit_bytes)
            collector = Collector(spool, self._note_file, self._progress.check, kept)
            collector.fetch(wanted_files(iter(lines), self._in_rows.add))
        self.unchanged = asdict(kept.used)
        self._places = collector.places
        for head, content in collector.entries():
            self._list_if_missing(head, collector.reasons)
            writer.file(head, self._checked(content))
        return collector.statistics

    def _list_if_missing(self, head: FileHead, reasons: Mapping[str, Sentence]) -> None:
        if head.state == "embedded" or len(self.not_embedded) >= LISTED_FILES:
            return
        uses = [use for locator in head.locators for use in locator.uses]
        reason = head.reason.message if head.reason else ""
        self.not_embedded.append(
            {
                "state": head.state,
                "name": head.name,
                "reason": reason,
                "words": reasons.get(reason, EMPTY).as_plain(),
                "code": head.reason.code if head.reason else "",
                "used_by": sorted({f"{use.section}.{use.column}" for use in uses}),
                "rows": sum(len(use.keys) for use in uses),
            }
        )

    def _checked(self, content: Iterator[bytes]) -> Iterator[bytes]:
        for block in content:
            self._progress.add(bytes_done=len(block))
            yield block

    def _note_file(self, state: str, size_bytes: int) -> None:
        counter = {"gap": "files_failed", "skipped": "files_skipped"}.get(state, "files_done")
        self._progress.add(**{counter: 1})

    def _seal(self, document_digest: str) -> Any:
        self.digest = document_digest
        return installation.seal(document_digest)


def tables_read() -> set[str]:
    """The names of all tables that a backup of either scope reads rows of."""
    sections = {section.table for section in registry.sections}
    return {*sections, *locators.looked_up(registry.in_scope(COMPLETE)), introspection.MIGRATIONS}


def _totals(readings: list[TableReading]) -> dict[str, int]:
    own = [item for item in readings if not item.section.framework]
    return {
        "sections_total": len(own),
        "rows_total": sum(item.table.estimated_rows for item in own),
    }


def _sequences(view: Snapshot, readings: list[TableReading]) -> list[Sequence]:
    """The states of the sequences that the sections' columns own, and of those that nothing owns.

    Sequences know no instant. Read after it was fixed: a sequence that is ahead of the rows harms
    nobody, one behind would. Not long after: somebody may set it back.
    """
    keys = {item.table.oid: item.section.key for item in readings}
    found = []
    for sequence in view.sequences():
        if sequence.owner and sequence.owner not in keys:
            continue
        value, called = view.sequence_state(sequence)
        found.append(Sequence(sequence.name, keys.get(sequence.owner, ""), value, called))
    return found
