"""The sections of a file against the registry and the live database. Every objection at once."""

from collections.abc import Iterator
from dataclasses import dataclass

from backups.artifact.manifest import Manifest, SectionHead
from backups.artifact.rows import RowCodec
from backups.database.introspection import LiveTable
from backups.database.reading import TableReading, primary_key_columns, reading
from backups.errors import RestoreError
from backups.findings import Finding, Severity
from backups.registry import COMPLETE, Registry, Scope, Section
from restore.database.targets import Target


@dataclass(frozen=True)
class Match:
    """``targets`` in the file's order; ``emptied`` are tables of a later schema than the file's."""

    targets: tuple[Target, ...]
    emptied: tuple[LiveTable, ...]
    findings: tuple[Finding, ...]
    differences: tuple[str, ...] = ()

    @property
    def written(self) -> tuple[LiveTable, ...]:
        return (*(target.table for target in self.targets), *self.emptied)

    def require(self) -> None:
        """Raises RestoreError where a finding blocks."""
        blocking = [finding for finding in self.findings if finding.blocking]
        if not blocking:
            return
        more = f" There are {len(blocking)} such objections." if len(blocking) > 1 else ""
        raise RestoreError(blocking[0].code, f"{blocking[0].message}{more}", hint=blocking[0].hint)


def match(manifest: Manifest, declared: Registry, tables: dict[str, LiveTable]) -> Match:
    """Which live table each section of the file goes to. Raises ConfigurationError where the live
    database is behind its models."""
    sections = declared.by_key()
    targets: list[Target] = []
    findings: list[Finding] = []
    for head in manifest.sections:
        section = sections.get(head.key)
        if section is None:
            findings.append(_unknown_section(head))
            continue
        live = reading(section, COMPLETE, tables)
        objections = [*_keys(head, section), *_columns(head, live)]
        findings += objections
        if not objections:
            targets.append(Target(head, _as_in_file(head, live), RowCodec(head)))
    present = {head.key for head in manifest.sections}
    scope = Scope(manifest.type)
    emptied = [
        reading(s, scope, tables).table for s in declared.in_scope(scope) if s.key not in present
    ]
    return Match(
        tuple(targets), tuple(emptied), tuple(findings), tuple(_differences(targets, emptied))
    )


def _differences(targets: list[Target], emptied: list[LiveTable]) -> Iterator[str]:
    """What the schema has gained since the file was made, in sentences."""
    for target in targets:
        named = {*target.head.column_names(), *target.head.redacted}
        for column in target.table.columns.values():
            if column.name not in named and not column.generated:
                yield (
                    f"{target.table.name}.{column.name} is not in the file; every row gets the"
                    " column's default."
                )
    for table in emptied:
        yield f"{table.name} is not in the file and will be empty."


def _as_in_file(head: SectionHead, live: TableReading) -> TableReading:
    """Reads back just what the file's section holds, in its order."""
    return TableReading(
        section=live.section,
        table=live.table,
        columns=tuple(live.table.columns[column.name] for column in head.columns),
        redacted=(),
        generated=live.generated,
        primary_key=live.primary_key,
    )


def _unknown_section(head: SectionHead) -> Finding:
    return Finding(
        "restore.unknown_section",
        Severity.ERROR,
        f"The file has a section {head.key!r} that this application does not know.",
        "Restore it with the version of the application that made it.",
        table=head.table,
    )


def _keys(head: SectionHead, section: Section) -> list[Finding]:
    if head.primary_key == primary_key_columns(section.model):
        return []
    return [
        Finding(
            "restore.primary_key",
            Severity.ERROR,
            f"The rows of section {head.key!r} have another primary key than the table.",
            "Restore the file with the version of the application that made it.",
            table=head.table,
        )
    ]


def _columns(head: SectionHead, live: TableReading) -> list[Finding]:
    writable = {c.name: c for c in live.table.columns.values() if not c.generated}
    found: list[Finding] = []
    for column in head.columns:
        there = writable.get(column.name)
        if there is None:
            found.append(
                _column(head, "restore.unknown_column", column.name, "which the table lacks")
            )
        elif (there.type, there.encoding) != (column.type, column.encoding):
            found.append(
                _column(head, "restore.column_type", column.name, "which has another type here")
            )
    given = {*head.column_names(), *head.redacted}
    for name, there in writable.items():
        if name not in given and not there.nullable and not there.has_default:
            found.append(
                _column(head, "restore.column_missing", name, "which the file lacks", lacks=True)
            )
    return found


def _column(head: SectionHead, code: str, name: str, why: str, *, lacks: bool = False) -> Finding:
    have = "needs" if lacks else "has"
    return Finding(
        code,
        Severity.ERROR,
        f"Section {head.key!r} {have} the column {name!r}, {why}.",
        "Restore the file with the version of the application that made it.",
        table=head.table,
    )
