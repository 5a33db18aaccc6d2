"""What the coverage report says of the database beyond the tables that models find by name."""

from collections.abc import Iterable, Iterator, Mapping

from django.db import connections
from django.db.models import Model

from backups.database import outsiders
from backups.database.connection import Connection
from backups.database.introspection import LiveTable
from backups.database.outsiders import Kind, Outsider
from backups.findings import Finding, Severity
from backups.registry import Registry, Section
from backups.registry.registry import models_with_tables
from backups.wording import Sentence, _, ngettext

# The code of what the account may not read.
MAY_NOT_READ = "backups.E108"


def look_outside(connection: Connection, tables: Mapping[str, LiveTable]) -> list[Outsider]:
    """What is in the database beside ``tables``. The connection must not be in autocommit."""
    return outsiders.outsiders(connection, [table.oid for table in tables.values()])


def unreadable(outside: Iterable[Outsider]) -> set[str]:
    """Names of the tables that backups find and this account may not read."""
    return {one.name for one in outside if one.kind is Kind.UNREADABLE}


def findings(declared: Registry, outside: Iterable[Outsider]) -> Iterator[Finding]:
    """What a backup would miss, unless it is excluded by its schema and name, with a reason."""
    excluded = declared.excluded_tables()
    # Projects write a model's schema into its table's name, with the quotes that separate the two.
    owned = {model._meta.db_table.replace('"."', ".") for model in models_with_tables()}
    excluded |= {name.replace('"."', ".") for name in excluded}
    sections = declared.by_table()
    for one in outside:
        if one.kind is Kind.UNREADABLE:
            if one.name in sections:
                yield _unreadable(one)
        elif not (_is_excluded(one, excluded) or one.qualified in owned):
            yield from _missed(one)


def _is_excluded(one: Outsider, excluded: Iterable[str]) -> bool:
    names = {one.qualified, f"{one.schema}.*"} | ({one.name} if one.found else set())
    return not names.isdisjoint(excluded)


def _missed(one: Outsider) -> Iterator[Finding]:
    say = _SAYINGS.get(one.kind)
    if say:
        yield say(one)


def _elsewhere(one: Outsider) -> Finding:
    return _error(
        "backups.E104",
        one,
        _("The table {name} lies in a schema that backups do not read.", name=one.qualified),
    )


def _hidden(one: Outsider) -> Finding:
    return _error(
        "backups.E105",
        one,
        _(
            "The table {name} is hidden behind one of the same name in a schema that is searched first.",
            name=one.qualified,
        ),
    )


def _of_extension(one: Outsider) -> Finding:
    return _error(
        "backups.E106",
        one,
        ngettext(
            "The table {name} belongs to an extension and holds {n} row of yours, which no backup reads.",
            "The table {name} belongs to an extension and holds {n} rows of yours, which no backup reads.",
            one.rows,
            name=one.qualified,
        ),
    )


def _of_extension_unsure(one: Outsider) -> Finding:
    return Finding(
        "backups.W006",
        Severity.WARNING,
        ngettext(
            "The table {name} belongs to an extension and has {n} row. The extension does not say"
            " whether it is its own.",
            "The table {name} belongs to an extension and has {n} rows. The extension does not say"
            " whether they are its own.",
            one.rows,
            name=one.qualified,
        ),
        _hint(one),
        table=one.qualified,
        count=one.rows,
    )


def _foreign(one: Outsider) -> Finding:
    return Finding(
        "backups.W007",
        Severity.WARNING,
        _("The rows of {name} lie on another server. No backup holds them.", name=one.qualified),
        _hint(one),
        table=one.qualified,
    )


def _large_objects(one: Outsider) -> Finding:
    return _error(
        "backups.E107",
        one,
        ngettext(
            "The database holds {n} large object, whose content no backup reads.",
            "The database holds {n} large objects, whose content no backup reads.",
            one.rows,
        ),
        _(
            "Move the content to columns of type bytea or to files, remove what is left over (vacuumlo"
            ' does), or exclude it: exclude("{table}", schema="{schema}", because=…).',
            table=one.name,
            schema=one.schema,
        ),
    )


def _sequence(one: Outsider) -> Finding:
    return Finding(
        "backups.W008",
        Severity.WARNING,
        _("No column owns the sequence {name}, and no backup holds it.", name=one.qualified),
        _(
            "Let the column that it numbers own it (ALTER SEQUENCE … OWNED BY …), or exclude it:"
            ' exclude("{table}", schema="{schema}", because=…).',
            table=one.name,
            schema=one.schema,
        ),
        table=one.qualified,
    )


_SAYINGS = {
    Kind.ELSEWHERE: _elsewhere,
    Kind.HIDDEN: _hidden,
    Kind.EXTENSION: _of_extension,
    Kind.EXTENSION_UNSURE: _of_extension_unsure,
    Kind.FOREIGN: _foreign,
    Kind.LARGE_OBJECTS: _large_objects,
    Kind.SEQUENCE: _sequence,
}


def _unreadable(one: Outsider) -> Finding:
    return _error(
        "backups.E108",
        one,
        _("The database account may not read the table {name}.", name=one.qualified),
        _("Grant it SELECT, or let the account own the table."),
    )


def _hint(one: Outsider) -> Sentence:
    return _(
        'If no backup need hold it, say so: exclude("{table}", schema="{schema}", because=…).',
        table=one.name,
        schema=one.schema,
    )


def _error(code: str, one: Outsider, message: Sentence, hint: Sentence | None = None) -> Finding:
    return Finding(
        code,
        Severity.ERROR,
        message,
        hint or _hint(one),
        table=one.qualified,
        count=one.rows or 1,
    )


def no_table(section: Section, outside: Iterable[Outsider]) -> Finding | None:
    """What a section's model has instead of a table; None where migrations would make one."""
    model = section.model
    if not is_supported(model):
        return Finding(
            "backups.W009",
            Severity.NOTICE,
            _(
                "{model} asks for features that this database lacks, so it has no table here.",
                model=model._meta.label,
            ),
            _("Nothing of it can be backed up here, and nothing needs to be done."),
            table=section.table,
        )
    for one in outside:
        if one.found and one.name == section.table and one.kind in _INSTEAD:
            return Finding(
                "backups.E109",
                Severity.ERROR,
                _(
                    "{model} has {what} in place of a table, which backups cannot hold.",
                    model=model._meta.label,
                    what=_INSTEAD[one.kind],
                ),
                _("Exclude the model with a reason."),
                table=section.table,
            )
    return None


_INSTEAD = {
    Kind.FOREIGN: _("a table on another server"),
    Kind.VIEW: _("a view"),
    Kind.EXTENSION: _("a table of an extension"),
    Kind.EXTENSION_UNSURE: _("a table of an extension"),
}


def is_supported(model: type[Model], alias: str = "default") -> bool:
    """Whether Django would make the model's table in this database at all."""
    meta, connection = model._meta, connections[alias]
    vendor = meta.required_db_vendor
    return (not vendor or vendor == connection.vendor) and all(
        getattr(connection.features, name, False) for name in meta.required_db_features
    )


def with_tables(
    sections: Iterable[Section], tables: Mapping[str, LiveTable]
) -> tuple[Section, ...]:
    """Without those that need no table here, as this database cannot have it."""
    return tuple(s for s in sections if s.table in tables or is_supported(s.model))
