"""A declared section against the live table: which columns are read, how, and in which order."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db.models import Model

from backups.artifact.manifest import Column, SectionHead
from backups.database.introspection import LiveColumn, LiveTable
from backups.errors import ConfigurationError
from backups.registry import SAFE, JsonAddress, Scope, Section, StoragePath
from backups.wording import _


@dataclass(frozen=True)
class TableReading:
    """What of one table goes into an artifact. ``columns`` stand in the order of the row's keys."""

    section: Section
    table: LiveTable
    columns: tuple[LiveColumn, ...]
    redacted: tuple[str, ...]
    generated: tuple[str, ...]
    primary_key: tuple[LiveColumn, ...]
    # Columns whose ``data:`` addresses are emptied, with whether they are JSON documents.
    content_left_out: Mapping[str, bool] = field(default_factory=dict)

    def head(self) -> SectionHead:
        return SectionHead(
            key=self.section.key,
            table=self.table.name,
            primary_key=tuple(column.name for column in self.primary_key),
            columns=tuple(Column(c.name, c.type, c.encoding) for c in self.columns),
            redacted=self.redacted,
            generated=self.generated,
        )


def column_of(model: type[Model], field_name: str) -> str:
    """The column of a field. Raises FieldDoesNotExist."""
    return str(model._meta.get_field(field_name).column)  # type: ignore[union-attr]


def key_is_secret(section: Section) -> bool:
    """A token that is a primary key must not be printed."""
    secret = {column_of(section.model, name) for name in section.secret}
    return not secret.isdisjoint(primary_key_columns(section.model))


def primary_key_columns(model: type[Model]) -> tuple[str, ...]:
    return tuple(str(field.column) for field in model._meta.pk_fields)


def own_columns(model: type[Model]) -> tuple[str, ...]:
    """The columns of the model's own table; a child's inherited columns are its parent's."""
    return tuple(str(f.column) for f in model._meta.local_concrete_fields if f.column)


def content_columns(section: Section) -> dict[str, bool]:
    """The columns whose values may hold a file's content themselves, with whether they are documents."""
    return {
        column_of(section.model, locator.field): isinstance(locator, JsonAddress)
        for locator in section.files
        if not isinstance(locator, StoragePath)
    }


def reading(section: Section, scope: Scope, tables: dict[str, LiveTable]) -> TableReading:
    """Raises ConfigurationError where model and database disagree; never leaves anything out."""
    table = tables.get(section.table)
    wanted = own_columns(section.model)
    if table is None or any(name not in table.columns for name in wanted):
        raise ConfigurationError(
            "schema.behind",
            _(
                "The database lacks the table or a column of {model}.",
                model=section.model._meta.label,
            ),
            hint=_("Run `manage.py migrate`, then try again."),
        )
    redacted = _redacted(section) if scope is SAFE else frozenset()
    present = [table.columns[name] for name in wanted]
    read = [c for c in present if c.name not in redacted and not c.generated]
    # Embedded JSON comes last: its keys may be absent, so the server appends them one by one.
    read.sort(key=lambda column: column.encoding == "json")
    return TableReading(
        section=section,
        table=table,
        columns=tuple(read),
        redacted=tuple(c.name for c in present if c.name in redacted),
        generated=tuple(c.name for c in present if c.generated),
        primary_key=tuple(table.columns[name] for name in primary_key_columns(section.model)),
        content_left_out=content_columns(section) if scope is SAFE else {},
    )


def _redacted(section: Section) -> frozenset[str]:
    return frozenset(column_of(section.model, name) for name in section.redact)


def fingerprint(readings: Iterable[TableReading]) -> str:
    """SHA-256 over tables, columns and types as they are live; equal schemas give equal values."""
    digest = hashlib.sha256()
    for item in sorted(readings, key=lambda r: r.table.name):
        for column in sorted(item.table.columns.values(), key=lambda c: c.name):
            facts = (item.table.name, column.name, column.type, str(column.nullable))
            digest.update("\0".join(facts).encode() + b"\n")
    return digest.hexdigest()
