"""What is backed up and what is not: the registry against the live database."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from backups.database import introspection
from backups.database.connection import connected
from backups.database.introspection import LiveTable
from backups.database.outsiders import Outsider
from backups.database.table_reading import column_of, own_columns
from backups.errors import ConfigurationError
from backups.findings import Finding, Severity
from backups.registry import Registry, Section, registry
from backups.registry.checks import check_registry
from backups.registry.registry import models_with_tables
from backups.services import outside
from backups.wording import Sentence, _, ngettext


@dataclass(frozen=True)
class SectionCoverage:
    """One table's part of the report; columns by their names in the database."""

    model: str
    table: str
    key: str
    group: str
    safe: bool
    complete: bool
    omitted_in_safe: tuple[str, ...]
    file_locators: tuple[str, ...]
    rows: int


@dataclass(frozen=True)
class CoverageReport:
    """``framework``: the tables of Django itself that are in files, counted apart."""

    sections: tuple[SectionCoverage, ...]
    framework: tuple[SectionCoverage, ...]
    excluded: tuple[dict[str, str], ...]
    findings: tuple[Finding, ...]

    @property
    def is_covered(self) -> bool:
        return not any(finding.blocking for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        return {
            "sections": [asdict(section) for section in self.sections],
            "framework": [asdict(section) for section in self.framework],
            "excluded": list(self.excluded),
            "findings": [finding.as_dict() for finding in self.findings],
        }


def report(declared: Registry = registry) -> CoverageReport:
    """Compare the registry with the database as it is now. Raises DatabaseFailure."""
    with connected(purpose="coverage") as connection:
        tables = introspection.live_tables(connection)
        outsiders = outside.look_outside(connection, tables)
        readable = tables.keys() - outside.unreadable(outsiders)
        present = [tables[s.table] for s in declared.sections if s.table in readable]
        rows = introspection.count_rows(connection, present)
    findings = [
        *check_registry(declared, models_with_tables()),
        *drift(declared, tables, outsiders),
    ]
    return CoverageReport(
        sections=tuple(_covered(s, rows.get(s.table, 0)) for s in declared.of_project),
        framework=tuple(_covered(s, rows.get(s.table, 0)) for s in declared.of_framework),
        excluded=tuple({"table": e.table, "because": e.because} for e in declared.exclusions),
        findings=tuple(findings),
    )


def _covered(section: Section, rows: int) -> SectionCoverage:
    model = section.model
    return SectionCoverage(
        model=model._meta.label,
        table=section.table,
        key=section.key,
        group=section.group,
        safe=section.in_safe,
        complete=section.in_complete,
        omitted_in_safe=tuple(column_of(model, name) for name in section.redact),
        file_locators=tuple(column_of(model, locator.field) for locator in section.files),
        rows=rows,
    )


def drift(
    declared: Registry, tables: Mapping[str, LiveTable], outsiders: Iterable[Outsider]
) -> list[Finding]:
    """What the live database has that no model owns, and the other way round.

    ``outsiders``: what it holds beside ``tables``.
    """
    found: list[Finding] = []
    sections, excluded = declared.by_table(), declared.excluded_tables()
    owned = {model._meta.db_table for model in models_with_tables()}
    for name, table in tables.items():
        if name in sections:
            found += _column_drift(sections[name], table)
        elif excluded.isdisjoint((name, f"{table.schema}.{name}")) and name not in owned:
            found.append(
                Finding(
                    "backups.E101",
                    Severity.ERROR,
                    _("The table {name} is in the database, and no model owns it.", name=name),
                    _(
                        "Give it a model and declare it, exclude it by name with a reason, or drop it."
                    ),
                    table=name,
                )
            )
    missing = [s for s in declared.sections if s.table not in tables]
    found += [outside.no_table(s, outsiders) or _missing_table(s) for s in missing]
    return [*found, *outside.findings(declared, outsiders)]


def _column_drift(section: Section, table: LiveTable) -> list[Finding]:
    wanted = set(own_columns(section.model))
    found = [
        Finding(
            "backups.E102",
            Severity.ERROR,
            _(
                "The column {name} of {table} is in the database, and no model owns it.",
                name=name,
                table=table.name,
            ),
            _("Add it to the model and declare it, or drop it."),
            table=table.name,
        )
        for name in table.columns
        if name not in wanted
    ]
    found += [_missing_column(section, n) for n in sorted(wanted - set(table.columns))]
    return found


def _missing_table(section: Section) -> Finding:
    label = section.model._meta.label
    if '"."' in section.table:
        return _quoted_schema(section)
    return _behind(section, _("{model} has a table that the database lacks.", model=label))


def _quoted_schema(section: Section) -> Finding:
    """A name such as ``s"."t``, which Django puts between quotation marks as it is: no migration makes it
    known to whoever looks tables up."""
    label = section.model._meta.label
    return Finding(
        "backups.E103",
        Severity.ERROR,
        _("{model} names its table with a schema, where no backup looks.", model=label),
        _(
            "Name the table alone, and put its schema on the search path (OPTIONS of the database);"
            " or exclude the model, saying what backs it up."
        ),
        table=section.table,
    )


def _missing_column(section: Section, name: str) -> Finding:
    label = section.model._meta.label
    said = _("{model} has a column {name} that the database lacks.", model=label, name=name)
    return _behind(section, said)


def _behind(section: Section, message: Sentence) -> Finding:
    hint = _("Run `manage.py migrate`.")
    return Finding("backups.E103", Severity.ERROR, message, hint, table=section.table)


def objections(
    declared: Registry, tables: Mapping[str, LiveTable], outsiders: Iterable[Outsider]
) -> list[Finding]:
    """What a backup would forget or leak, everything at once."""
    findings = [
        *check_registry(declared, models_with_tables()),
        *drift(declared, tables, outsiders),
    ]
    return [finding for finding in findings if finding.blocking]


def require_covered(
    declared: Registry, tables: Mapping[str, LiveTable], outsiders: Iterable[Outsider]
) -> None:
    """Raises ConfigurationError where a backup would forget or leak something."""
    blocking = objections(declared, tables, outsiders)
    if not blocking:
        return
    first = blocking[0]
    raise ConfigurationError(
        "coverage.uncovered",
        _uncovered(first, more=len(blocking) - 1),
        hint=_("{hint} `manage.py backup_coverage --check` lists all findings.", hint=first.hint),
    )


def _uncovered(first: Finding, *, more: int) -> Sentence:
    said = {"finding": first.message, "code": first.code}
    if not more:
        return _("Not everything in the database is covered: {finding} ({code})", **said)
    return ngettext(
        "Not everything in the database is covered: {finding} ({code} and {n} more)",
        "Not everything in the database is covered: {finding} ({code} and {n} more)",
        more,
        **said,
    )
