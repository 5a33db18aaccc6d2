"""A file read once, end to end: proven whole, examined row by row, and staged for the plan.

The stages are temporary tables of one connection. The same stages serve the plan that is shown and,
under the lock, the plan that is applied.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from backups.artifact.manifest import Manifest, SectionHead
from backups.artifact.reader import SectionReader, Tail
from backups.database import introspection
from backups.database.connection import Connection
from backups.database.introspection import LiveTable
from backups.database.reading import column_of, primary_key_columns
from backups.errors import ArtifactError
from backups.findings import Finding, Severity
from backups.registry import Registry, Section
from backups.services import installation, vault
from backups.wording import Sentence
from restore.database import catalogue, rules, staging
from restore.database.catalogue import ForeignKey
from restore.database.failures import RowRefused
from restore.database.rules import CheckRule, UniqueRule
from restore.database.staging import Stage
from restore.database.targets import Target
from restore.locate import key_is_secret, refusal_in_the_file
from restore.scanning import Rules, SectionScan, rules_for
from restore.services.matching import Match, match
from restore.services.watching import NOBODY, Watch, begin_reading

Check = Callable[[], None]


@dataclass(frozen=True)
class Prepared:
    """Everything a plan needs. ``findings`` are those of the reading; the plan adds its own. ``unread``
    are tables with a row that the database does not take: their stage is empty."""

    manifest: Manifest
    tail: Tail
    authentic: bool
    matched: Match
    tables: dict[str, LiveTable]
    keys: list[ForeignKey]
    unique: list[UniqueRule]
    checks: list[CheckRule]
    stages: dict[str, Stage]
    findings: tuple[Finding, ...]
    unread: frozenset[str] = frozenset()

    def target_of(self, table: str) -> Target | None:
        return next((t for t in self.matched.targets if t.table.name == table), None)


def prepare(
    path: Path, connection: Connection, declared: Registry, watch: Watch = NOBODY
) -> Prepared:
    """Read, prove and stage the file. ``connection`` is in autocommit and keeps the stages.

    Two stages, ``inspecting`` and, for a file that is not our own, ``trying``.

    Raises:
        ArtifactError: the file is not whole or not well formed.
        StorageFailure: it cannot be read.
    """
    begin_reading("inspecting", path, watch)
    prepared = _read(path, connection, declared, watch, every_column=False)
    if not prepared.authentic:
        # Whether values fit their types is known of our own files only: try each cell.
        staging.drop_all(connection)
        begin_reading("trying", path, watch)
        prepared = _read(path, connection, declared, watch, every_column=True)
    return prepared


def _read(
    path: Path, connection: Connection, declared: Registry, watch: Watch, *, every_column: bool
) -> Prepared:
    with vault.reader(path, watch.at) as reader:
        tables = introspection.live_tables(connection)
        matched = match(reader.manifest, declared, tables)
        work = _Staging(
            connection,
            matched,
            lambda error: refusal_in_the_file(error, path, declared),
            every_column=every_column,
        )
        for section in reader.sections():
            work.take(section, watch.check)
        for file in reader.files():
            for _ in file.content():
                watch.check()
        # The digest speaks first: in a damaged file a row's odd form is only a symptom.
        tail = reader.tail()
        if work.problem:
            raise work.problem
        return Prepared(
            manifest=reader.manifest,
            tail=tail,
            authentic=installation.is_ours(tail.integrity),
            matched=matched,
            tables=tables,
            keys=work.keys,
            unique=work.unique,
            checks=work.checks,
            stages=work.stages,
            unread=frozenset(work.unread),
            findings=(*matched.findings, *work.findings),
        )


class _Staging:
    """Fills one stage after the other. ``locate`` says what was refused, and where in the file."""

    def __init__(
        self,
        connection: Connection,
        matched: Match,
        locate: Callable[[RowRefused], Sentence],
        *,
        every_column: bool,
    ) -> None:
        self._connection = connection
        self._locate = locate
        self._every_column = every_column
        self._targets = {target.head.key: target for target in matched.targets}
        self.keys = catalogue.foreign_keys(connection)
        self.unique = rules.unique_rules(connection, matched.written)
        self.checks = rules.check_rules(connection, matched.written)
        self.stages: dict[str, Stage] = {}
        self.findings: list[Finding] = []
        self.unread: set[str] = set()
        self.problem: ArtifactError | None = None

    def take(self, section: SectionReader, check: Check) -> None:
        target = self._targets.get(section.head.key)
        if target is None:
            return
        columns = self._columns(target)
        stage = staging.create_stage(self._connection, len(self.stages), target, columns)
        self.stages[target.table.name] = stage
        scan = SectionScan(
            section.head,
            _rules(target),
            _file_names(target, columns),
            key_is_shown=not key_is_secret(target.reading.section),
        )
        try:
            staging.load_stage(
                self._connection, stage, _checked(scan.lines(section.blocks()), check)
            )
        except RowRefused as error:
            self.unread.add(target.table.name)
            self.findings.append(_misfit(error, section.head, self._locate(error)))
        self.findings += scan.findings()
        self.problem = self.problem or scan.problem

    def _columns(self, target: Target) -> list[str]:
        """Every column where values must be tried against their types or are needed to fill rows up;
        else those that keys, references, rules and accounts need."""
        names = target.live_columns
        if target.is_staged or self._every_column:
            return list(names)
        section, table = target.reading.section, target.table.name
        needed = {*primary_key_columns(section.model)}
        needed |= {column_of(section.model, name) for name in section.natural_key}
        needed |= {column_of(section.model, name) for name in section.revoked}
        needed |= set(target.content_left_out)
        if section.accounts:
            needed |= {column_of(section.model, name) for name in section.accounts.fields()}
        for key in self.keys:
            needed |= set(key.columns) if key.table == table else set()
            needed |= set(key.target_columns) if key.target_table == table else set()
        every_rule: list[UniqueRule | CheckRule] = [*self.unique, *self.checks]
        for rule in every_rule:
            needed |= set(rule.columns) if rule.table == table else set()
        return [name for name in names if name in needed]


def _checked(blocks: Iterator[bytes], check: Check) -> Iterator[bytes]:
    for block in blocks:
        check()
        yield block


def _rules(target: Target) -> Rules:
    live = {old: target.table.columns[new] for old, new in target.loads}
    known = _choices(target.reading.section)
    choices = {old: known[new] for old, new in target.loads if new in known}
    return rules_for(target.head, live, choices)


def _file_names(target: Target, columns: list[str]) -> list[str]:
    """What the file calls these live columns."""
    old = {new: old for old, new in target.loads}
    return [old[name] for name in columns]


def _choices(section: Section) -> dict[str, frozenset[str]]:
    """The values that the models know, by column."""
    return {
        str(field.column): frozenset(str(value) for value, _ in field.flatchoices)
        for field in section.model._meta.local_concrete_fields
        if field.choices
    }


def _misfit(error: RowRefused, head: SectionHead, message: Sentence) -> Finding:
    return Finding(error.code, Severity.ERROR, message, error.hint, table=head.table)
