"""The sections of a file against the registry and the live database. Every objection at once."""

from dataclasses import dataclass, replace

from backups.artifact.manifest import Manifest, SectionHead
from backups.artifact.rows import RowCodec
from backups.database.introspection import LiveColumn, LiveTable
from backups.database.table_reading import (
    TableReading,
    column_of,
    content_columns,
    primary_key_columns,
    reading,
)
from backups.errors import RestoreError
from backups.findings import Finding, Severity
from backups.registry import COMPLETE, SAFE, Registry, Scope, Section
from backups.registry.framework import FRAMEWORK_KEYS
from backups.services import outside
from backups.wording import Sentence, _, ngettext
from restore.database.targets import Target
from restore.services.planning import drift
from restore.services.planning.filling import Fill, fill_of

_OF_ITS_VERSION = _("Restore the file with the version of the application that made it.")

_OF_POSTGRESQL = ("pg_", "sql_")


@dataclass(frozen=True)
class Match:
    """``targets`` in the file's order; ``emptied`` are tables that a Complete file does not know;
    ``dictionaries`` are Django's own tables in a Safe file, which translate numbers and are not written."""

    targets: tuple[Target, ...]
    emptied: tuple[LiveTable, ...]
    findings: tuple[Finding, ...]
    differences: tuple[Sentence, ...] = ()
    dictionaries: tuple[Target, ...] = ()

    @property
    def written(self) -> tuple[LiveTable, ...]:
        return (*(target.table for target in self.targets), *self.emptied)

    def require(self) -> None:
        """Raises RestoreError where a finding blocks."""
        blocking = [finding for finding in self.findings if finding.blocking]
        if not blocking:
            return
        first = blocking[0]
        message = ngettext(
            "{finding}",
            "{finding} There are {n} such objections.",
            len(blocking),
            finding=first.message,
        )
        raise RestoreError(first.code, message, hint=first.hint)


def with_renamed_values(matched: Match, found: dict[str, list[Sentence]]) -> Match:
    """``found``: by section of the file, what its rows were seen to call otherwise. The file's own digest is
    then no longer that of the table."""
    return replace(
        matched,
        targets=tuple(
            replace(target, as_written=False) if target.head.key in found else target
            for target in matched.targets
        ),
        differences=(*matched.differences, *(s for said in found.values() for s in said)),
    )


def match(manifest: Manifest, declared: Registry, tables: dict[str, LiveTable]) -> Match:
    """Which live table each section of the file goes to. Raises ConfigurationError where the live
    database is behind its models."""
    sections = declared.by_key()
    scope = Scope(manifest.type)
    targets: list[Target] = []
    dictionaries: list[Target] = []
    findings: list[Finding] = []
    differences: list[Sentence] = []
    present = set()
    for head in manifest.sections:
        section = sections.get(drift.section_key(head.key, declared.moves))
        if section is None and scope is SAFE and head.key in FRAMEWORK_KEYS:
            continue  # nothing here holds such numbers
        if section is None or section.key in present:
            findings.append(_unknown_section(head))
            continue
        present.add(section.key)
        if not _is_in_scope(section, scope):
            findings.append(_outside_the_scope(head, scope))
            continue
        if not _may_be_called(head.table, section, tables):
            findings.append(_another_table(head))
            continue
        one = _SectionMatch(head, reading(section, COMPLETE, tables), scope, declared)
        findings += one.findings
        differences += one.differences
        if one.target is not None:
            translates = section.framework and scope is SAFE
            (dictionaries if translates else targets).append(one.target)
    # A file that was made before Django's own tables were in files says nothing of them: they stay.
    wanted = outside.with_tables(declared.in_scope(scope), tables)
    absent = [
        reading(s, scope, tables).table
        for s in wanted
        if s.key not in present and not s.framework and s.table not in manifest.left_out
    ]
    differences += [_left_out(table) for table in manifest.left_out if table in tables]
    differences += [_not_in_file(table, scope) for table in absent]
    emptied = absent if scope is COMPLETE else []
    return Match(
        targets=tuple(targets),
        emptied=tuple(emptied),
        findings=tuple(findings),
        differences=tuple(differences),
        dictionaries=tuple(dictionaries),
    )


def _not_in_file(table: LiveTable, scope: Scope) -> Sentence:
    """A Complete file holds every table that there was, so that one it lacks had no rows. What a Safe
    file lacks may have been full and outside the scope of then: nothing in the file tells which."""
    if scope is COMPLETE:
        return _("{table} is not in the file and will be empty.", table=table.name)
    return _(
        "{table} is not in the file, whose Safe scope did not have it. It stays as it is, but for rows"
        " that point to what goes.",
        table=table.name,
    )


def _left_out(table: str) -> Sentence:
    return _(
        "{table} was left out of the backup on purpose. It stays as it is, but for rows that point to what"
        " goes.",
        table=table,
    )


class _SectionMatch:
    """One section of the file against its table. ``target`` is None where a finding blocks."""

    def __init__(
        self, head: SectionHead, live: TableReading, scope: Scope, declared: Registry
    ) -> None:
        self._head = head
        self._live = live
        self._section = live.section
        self._today = drift.column_names(head, self._section, declared.moves)
        self._is_safe = scope is SAFE
        self._withheld = self._redacted_today() if scope is SAFE else frozenset()
        self.findings: list[Finding] = []
        self.differences: list[Sentence] = []
        self._fills: dict[str, Fill] = {}
        self._moves = declared.moves
        self._renamed_values: dict[str, dict[str, str]] = {}
        self._loads: list[tuple[str, str]] = []
        self._converted = False
        self._match_key()
        self._match_columns()
        self._match_missing()
        blocked = any(finding.blocking for finding in self.findings)
        self.target = None if blocked else self._make_target()

    def _redacted_today(self) -> frozenset[str]:
        """What a Safe file must not bring, whatever stands in it: current values are kept."""
        return frozenset(column_of(self._section.model, name) for name in self._section.redact)

    def _match_key(self) -> None:
        key = tuple(self._today.get(name, name) for name in self._head.primary_key)
        if key != primary_key_columns(self._section.model):
            self._object(
                "restore.primary_key",
                _(
                    "The rows of section {section!r} have another primary key than the table.",
                    section=self._head.key,
                ),
            )

    def _match_columns(self) -> None:
        writable = {c.name: c for c in self._live.table.columns.values() if not c.generated}
        for column in self._head.columns:
            name = self._today[column.name]
            there = writable.get(name)
            if there is None:
                self._note_gone(column.name)
            elif name in self._withheld:
                self._note_withheld(name)
            elif not drift.loses_nothing(column.type, there.type):
                self._object(
                    "restore.column_type",
                    _(
                        "Section {section!r}: the column {name!r} was {before} and is"
                        " {now} here, which could lose something.",
                        section=self._head.key,
                        name=name,
                        before=column.type,
                        now=there.type,
                    ),
                )
            else:
                self._loads.append((column.name, name))
                self._note_renamed_values(column.name, name)
                self._note_change(column.name, column.type, there)

    def _note_renamed_values(self, old: str, name: str) -> None:
        found = drift.renamed_values(self._section, name, self._moves)
        if found:
            self._renamed_values[old] = found

    def _note_change(self, old: str, old_type: str, there: LiveColumn) -> None:
        table = self._live.table.name
        if old != there.name:
            self._differ(
                _(
                    "{table}.{column} is filled from the file's {old}.",
                    table=table,
                    column=there.name,
                    old=old,
                )
            )
        if old_type != there.type:
            self._differ(
                _(
                    "{table}.{column} is converted from {before} to {now}.",
                    table=table,
                    column=there.name,
                    before=old_type,
                    now=there.type,
                )
            )
        self._converted |= old != there.name or old_type != there.type

    def _note_gone(self, name: str) -> None:
        self._converted = True
        table = self._live.table.name
        self._differ(_("{table}: the file's column {name} has no place.", table=table, name=name))
        self.findings.append(
            Finding(
                "restore.column_gone",
                Severity.WARNING,
                _(
                    "Section {section!r} has the column {name!r}, which the table does not have"
                    " any more; its values will not come back.",
                    section=self._head.key,
                    name=name,
                ),
                _(
                    "If they matter, restore the file with the version of the application that made it."
                ),
                table=self._live.table.name,
            )
        )

    def _note_withheld(self, name: str) -> None:
        self._converted = True
        self.findings.append(
            Finding(
                "restore.column_withheld",
                Severity.WARNING,
                _(
                    "The Safe file brings values for {name!r} of section {section!r}, which a"
                    " Safe file does not hold today; the current values are kept.",
                    name=name,
                    section=self._head.key,
                ),
                _("Nothing to do."),
                table=self._live.table.name,
            )
        )

    def _match_missing(self) -> None:
        given = {*(name for _, name in self._loads), *self._redacted()}
        for name in set(self._redacted()) - self._redacted_today():
            if not self._live.table.columns[name].nullable:
                self._object(
                    "restore.column_missing",
                    _(
                        "Section {section!r} leaves out the column {name!r}, which must be"
                        " filled, and nothing is declared that would fill it.",
                        section=self._head.key,
                        name=name,
                    ),
                )
        for column in self._live.table.columns.values():
            if column.generated or column.name in given:
                continue
            fill = None if column.has_default else self._fill_of(column)
            if not column.nullable and not column.has_default and fill is None:
                self._object(
                    "restore.column_missing",
                    _(
                        "Section {section!r} lacks the column {column!r}, which must be"
                        " filled and has no default.",
                        section=self._head.key,
                        column=column.name,
                    ),
                )
                continue
            if fill is not None:
                self._fills[column.name] = fill
                self._converted = True
            self._differ(
                _(
                    "{table}.{column} is not in the file; every row gets the default.",
                    table=self._live.table.name,
                    column=column.name,
                )
            )

    def _fill_of(self, column: LiveColumn) -> Fill | None:
        try:
            return fill_of(self._section, column)
        except RestoreError as error:
            self._object(error.code, error.message, error.hint)
            return lambda: None

    def _redacted(self) -> tuple[str, ...]:
        """The live columns that keep their current values."""
        left_out = {self._today[name] for name in self._head.redacted} | self._withheld
        return tuple(name for name in self._live.table.columns if name in left_out)

    def _differ(self, sentence: Sentence) -> None:
        self.differences.append(sentence)

    def _object(self, code: str, message: Sentence, hint: Sentence = _OF_ITS_VERSION) -> None:
        self.findings.append(
            Finding(
                code,
                Severity.ERROR,
                message,
                hint,
                table=self._live.table.name,
            )
        )

    def _make_target(self) -> Target:
        live = self._live
        columns = [live.table.columns[name] for _, name in self._loads]
        # As a backup reads: embedded JSON comes last.
        columns.sort(key=lambda column: column.encoding == "json")
        return Target(
            head=self._head,
            reading=replace(live, columns=tuple(columns), redacted=()),
            codec=RowCodec(self._head),
            loads=tuple(self._loads),
            redacted=self._redacted(),
            fills=self._fills,
            as_written=not self._converted,
            content_left_out=self._content_left_out(),
            renamed_values=self._renamed_values,
        )

    def _content_left_out(self) -> dict[str, bool]:
        loaded = {name for _, name in self._loads}
        located = content_columns(self._section) if self._is_safe else {}
        return {name: document for name, document in located.items() if name in loaded}


def _unknown_section(head: SectionHead) -> Finding:
    return Finding(
        "restore.unknown_section",
        Severity.ERROR,
        _(
            "The file has a section {section!r} that this application does not know.",
            section=head.key,
        ),
        _("Restore it with the version of the application that made it."),
        table=head.table,
    )


def _may_be_called(table: str, section: Section, tables: dict[str, LiveTable]) -> bool:
    """A table may have had another name when the file was made, but none that is another's now."""
    return table == section.table or not (table in tables or table.startswith(_OF_POSTGRESQL))


def _another_table(head: SectionHead) -> Finding:
    return Finding(
        "restore.section_table",
        Severity.ERROR,
        _(
            "The file's section {section!r} names a table that is not that of the section.",
            section=head.key,
        ),
        _("The file was edited. Use it as it was made."),
    )


def _is_in_scope(section: Section, scope: Scope) -> bool:
    return scope in section.scopes


def _outside_the_scope(head: SectionHead, scope: Scope) -> Finding:
    """What signs people in is in no Safe file, so that one which brings it was made to let somebody in."""
    return Finding(
        "restore.section_scope",
        Severity.ERROR,
        _(
            "The file has a section {section!r}, which a backup of its type ({type}) does not hold.",
            section=head.key,
            type=scope.value,
        ),
        _("Use the file as it was made, or a Complete backup."),
        table=head.table,
    )
