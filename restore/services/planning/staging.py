"""A file read once, end to end: proven whole, examined row by row, its rows waiting for what comes.

They wait in temporary tables of one connection, which serve the plan that is shown and, under the lock,
the plan that is applied; and out of them the live tables are filled.
"""

from collections.abc import Callable, Container, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from backups.artifact.manifest import Manifest, SectionHead
from backups.artifact.reader import ArtifactReader, SectionReader, Tail
from backups.artifact.tail import FileHead
from backups.database import introspection
from backups.database.connection import Connection
from backups.database.introspection import LiveTable
from backups.database.table_reading import key_is_secret
from backups.errors import ArtifactError, RestoreError
from backups.findings import Finding, Severity
from backups.registry import SAFE, Registry, Section
from backups.services import installation, recovery_kit, vault
from backups.services.recovery_kit import RecoveryKit
from backups.stages import Stage
from backups.wording import Sentence, _
from restore.database import catalogue, powers, waiting_tables
from restore.database.catalogue import ForeignKey
from restore.database.failures import RowRefused
from restore.database.generated import with_generated
from restore.database.rules import Rules, rules_of
from restore.database.shapes import Shapes, shapes_of
from restore.database.targets import Target
from restore.database.waiting_tables import WaitingTable
from restore.plan import AccessRows
from restore.services.planning import access
from restore.services.planning.altered_cells import with_altered_cells
from restore.services.planning.entries import EntryCheck
from restore.services.planning.locating import refusal_in_the_file
from restore.services.planning.matching import Match, match, with_renamed_values
from restore.services.planning.scanning import CellRules, SectionScan, rules_for
from restore.services.planning.translating import FileNumbers, translate
from restore.services.planning.watching import NOBODY, Watch, begin_reading

Check = Callable[[], None]
MOST_BYTES_OF_ENTRIES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Prepared:
    """Everything a plan needs. ``findings`` are those of the reading; the plan adds its own. ``unread``
    are tables with a row that the database does not take: nothing waits for them. ``dictionaries`` are the
    waiting rows that say what numbers of a Safe file mean; ``translated`` the tables whose waiting rows
    have numbers of this database in place of the file's. ``proven`` are those of which ``proving`` has shown
    that the waiting rows are the file's. ``authentic``: made here, or (``by_kit``) by the installation whose
    recovery kit was given, and not changed since. ``access`` are the rows of a foreign file that let people
    in, those that are taken and those that are not. ``files_at``: where in the document its files begin;
    ``entries`` are their heads as they were read, None where they are too many to be kept."""

    manifest: Manifest
    tail: Tail
    authentic: bool
    matched: Match
    tables: dict[str, LiveTable]
    keys: list[ForeignKey]
    rules: Rules
    waiting: dict[str, WaitingTable]
    findings: tuple[Finding, ...]
    unread: frozenset[str] = frozenset()
    dictionaries: dict[str, WaitingTable] = field(default_factory=dict)
    translated: frozenset[str] = frozenset()
    proven: frozenset[str] = frozenset()
    by_kit: bool = False
    access: tuple[AccessRows, ...] = ()
    files_at: int = 0
    entries: Sequence[bytes] | None = None

    def rows_of(self, target: Target) -> int:
        """How many the file has."""
        return self.tail.statistics.sections[target.head.key].rows

    def target_of(self, table: str) -> Target | None:
        return next((t for t in self.matched.targets if t.table.name == table), None)

    @property
    def references(self) -> list[ForeignKey]:
        """What binds rows, and leads where: of keys over the same columns to the same ones, which a database
        may have two of, the first. ``keys`` are all that stand in the way of writing."""
        first: dict[Hashable, ForeignKey] = {}
        for key in (key for key in self.keys if key.enforced):
            columns = frozenset(zip(key.columns, key.target_columns, strict=True))
            first.setdefault((key.table, key.target_table, columns, key.period), key)
        return [*first.values()]


def prepare(
    path: Path,
    connection: Connection,
    declared: Registry,
    watch: Watch = NOBODY,
    *,
    kit: RecoveryKit | None = None,
    let_in: Container[str] = (),
) -> Prepared:
    """Read and prove the file in one pass, and let its rows wait. ``connection`` is in autocommit and
    keeps the waiting tables. A file that ``kit`` signed is authentic, as one of this installation is.
    ``let_in`` are the sections that come out of a foreign file although their rows let people in.

    One stage, ``INSPECTING``.

    Raises:
        ArtifactError: the file is not whole or not well formed, or the kit is another installation's.
        StorageFailure: it cannot be read.
    """
    _require_temporary_tables(connection)
    begin_reading(Stage.INSPECTING, path, watch)
    with vault.reader(path, watch.at) as reader:
        recovery_kit.require_of(kit, reader.manifest.installation)
        read = _read(reader, path, connection, declared, watch)
    recovery_kit.require_of(kit, read.tail.integrity.key_id or read.manifest.installation)
    return _told_apart(read, connection, declared, kit, let_in)


@dataclass(frozen=True)
class _Read:
    """What came out of the one pass; ``work`` has the rows."""

    manifest: Manifest
    tail: Tail
    matched: Match
    tables: dict[str, LiveTable]
    work: "_Filling"
    findings: tuple[Finding, ...]
    files_at: int
    entries: Sequence[bytes] | None


def _read(
    reader: ArtifactReader, path: Path, connection: Connection, declared: Registry, watch: Watch
) -> _Read:
    """Raises ArtifactError."""
    tables = introspection.live_tables(connection)
    matched = match(reader.manifest, declared, tables)
    work = _Filling(connection, matched, lambda error: refusal_in_the_file(error, path, declared))
    with waiting_tables.small_samples(connection):
        for section in reader.sections():
            work.take(section, watch.check)
    entries = EntryCheck(connection, reader.manifest, matched, declared, work.readable())
    heads = _Heads()
    for file in reader.files():
        entries.look(file.head)
        heads.add(file.head)
        for _block in file.content():
            watch.check()
    # The digest speaks first: in a damaged file a row's odd form is only a symptom.
    tail = reader.tail()
    if work.problem:
        raise work.problem
    return _Read(
        reader.manifest,
        tail,
        matched,
        tables,
        work,
        tuple(entries.findings()),
        reader.files_at,
        heads.kept,
    )


def _told_apart(
    read: _Read,
    connection: Connection,
    declared: Registry,
    kit: RecoveryKit | None,
    let_in: Container[str],
) -> Prepared:
    """What waits, as whoever made the file may have it: numbers in place of the file's, cells that are not
    taken, and rows that let people in."""
    work, tail = read.work, read.tail
    keys, ours = catalogue.foreign_keys(connection), installation.is_ours(tail.integrity)
    by_kit = not ours and kit is not None and kit.signed(tail.integrity)
    authentic = ours or by_kit
    # Whoever made it had a database of its own, which counted its content types by itself.
    numbered = translate(connection, work.listed(declared, keys, authentic=ours))
    matched, waiting = with_altered_cells(
        connection,
        tail.altered if read.manifest.type == SAFE else [],
        with_renamed_values(read.matched, work.renamed),
        work.tables,
        keys,
        numbered.tables,
    )
    held = access.hold_back(
        read.manifest,
        tail.statistics,
        matched,
        waiting,
        keys,
        declared,
        access.EVERYTHING if authentic else let_in,
    )
    # Rows of our own went into them once.
    rules = rules_of(connection, held.matched.written, plain=not authentic)
    return Prepared(
        manifest=read.manifest,
        tail=tail,
        authentic=authentic,
        by_kit=by_kit,
        matched=held.matched,
        tables=read.tables,
        keys=keys,
        rules=rules,
        waiting=with_generated(connection, held.waiting, rules, keys),
        access=() if authentic else held.rows,
        unread=frozenset(work.unread),
        findings=(
            *held.matched.findings,
            *work.findings,
            *numbered.findings,
            *read.findings,
            *held.findings,
        ),
        dictionaries=work.dictionaries,
        translated=numbered.tables,
        files_at=read.files_at,
        entries=read.entries,
    )


class _Heads:
    """Entries of files, for who would have to read the whole file again for them."""

    def __init__(self) -> None:
        self.kept: list[bytes] | None = []
        self._bytes = 0

    def add(self, head: FileHead) -> None:
        if self.kept is None:
            return
        self.kept.append(msgspec.json.encode(head))
        self._bytes += len(self.kept[-1])
        if self._bytes > MOST_BYTES_OF_ENTRIES:
            self.kept = None


def _require_temporary_tables(connection: Connection) -> None:
    """Raises RestoreError where a file's rows could not wait anywhere."""
    if not powers.may_make_temporary_tables(connection):
        raise RestoreError(
            "restore.no_temporary_tables",
            _("The database account may not make temporary tables, so nothing can be planned."),
            hint=_("Let an administrator of the database grant TEMPORARY on it to the account."),
        )


class _Filling:
    """Fills one waiting table after the other. ``locate`` says what was refused, and where in the file."""

    def __init__(
        self, connection: Connection, matched: Match, locate: Callable[[RowRefused], Sentence]
    ) -> None:
        self._connection = connection
        self._locate = locate
        targets = (*matched.targets, *matched.dictionaries)
        self._targets = {target.head.key: target for target in targets}
        self._shapes = shapes_of(connection, [target.table for target in targets])
        self._translates = {target.table.name for target in matched.dictionaries}
        self.dictionaries: dict[str, WaitingTable] = {}
        self.tables: dict[str, WaitingTable] = {}
        self.findings: list[Finding] = []
        self.unread: set[str] = set()
        self.renamed: dict[str, list[Sentence]] = {}
        self.problem: ArtifactError | None = None

    def readable(self) -> dict[str, WaitingTable]:
        """The waiting tables that have all rows of their section."""
        return {name: table for name, table in self.tables.items() if name not in self.unread}

    def listed(self, declared: Registry, keys: list[ForeignKey], *, authentic: bool) -> FileNumbers:
        """What was read, as the translation of numbers wants it."""
        return FileNumbers(
            self.readable(), self.dictionaries, tuple(keys), declared, authentic=authentic
        )

    def take(self, section: SectionReader, check: Check) -> None:
        target = self._targets.get(section.head.key)
        if target is None:
            return
        number = len(self.tables) + len(self.dictionaries)
        table = waiting_tables.plan_waiting(number, target)
        translates = target.table.name in self._translates
        (self.dictionaries if translates else self.tables)[target.table.name] = table
        scan = SectionScan(
            section.head,
            _rules(target, self._shapes),
            target.file_columns,
            tuple(target.fills.values()),
            target.renamed_values,
            key_is_shown=not key_is_secret(target.reading.section),
        )
        try:
            blocks = _checked(scan.lines(section.blocks()), check)
            waiting_tables.make_waiting(self._connection, table, blocks)
        except RowRefused as error:
            self.unread.add(target.table.name)
            self.findings.append(_misfit(error, section.head, self._locate(error)))
        self.findings += scan.findings()
        if renamed := scan.renamed(target.table.name):
            self.renamed[section.head.key] = renamed
        self.problem = self.problem or scan.problem


def _checked(blocks: Iterator[bytes], check: Check) -> Iterator[bytes]:
    for block in blocks:
        check()
        yield block


def _rules(target: Target, shapes: Shapes) -> CellRules:
    live = {old: target.table.columns[new] for old, new in target.loads}
    known = _choices(target.reading.section)
    choices = {old: known[new] for old, new in target.loads if new in known}
    return rules_for(target.head, live, choices, shapes)


def _choices(section: Section) -> dict[str, frozenset[str]]:
    """The values that the models know, by column."""
    return {
        str(field.column): frozenset(str(value) for value, _ in field.flatchoices)
        for field in section.model._meta.local_concrete_fields
        if field.choices
    }


def _misfit(error: RowRefused, head: SectionHead, message: Sentence) -> Finding:
    return Finding(error.code, Severity.ERROR, message, error.hint, table=head.table)
