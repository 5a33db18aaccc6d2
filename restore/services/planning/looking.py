"""What a plan's numbers stand for: the lost, changed and returning rows themselves, page by page.

Asked for while the file's rows wait, in the transaction in which the plan was counted.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.db.models import Model

from backups.database.connection import Connection
from backups.database.introspection import LiveTable
from backups.database.table_reading import column_of, own_columns, primary_key_columns
from backups.registry import Registry, Section, registry
from backups.services import withholding
from backups.services.withholding import Hunt
from restore.database import showing
from restore.database.showing import LONGEST_CELL, Cell, Listing, Row
from restore.database.targets import Target
from restore.database.waiting_tables import Relation
from restore.plan import Fate, Kind, Plan, TablePlan
from restore.services.planning.staging import Prepared

Plain = dict[str, Any]


@dataclass(frozen=True)
class LookThrough:
    """The rows behind the numbers of ``plan``. ``compared`` gives the columns whose difference is a
    change, ``removed`` holds the rows that go from each table outside the file."""

    connection: Connection
    prepared: Prepared
    plan: Plan
    compared: Callable[[Target], list[str]]
    removed: Mapping[str, Relation]

    def table(self, name: str) -> TablePlan | None:
        """The table of the plan by its section's key or its own name, if its rows may be looked at."""
        for table in self.plan.tables:
            if table.key and name in (table.key, table.table):
                return table
        return None

    def rows(self, table: TablePlan, kind: Kind, *, offset: int, limit: int) -> Generator[Plain]:
        """Rows in the order of their keys, as plain values for JSON; see ``as_plain``."""
        if not table.count(kind):
            return
        listing = self._listing(table, kind)
        longest = LONGEST_CELL + self._secrets.longest_written
        found = showing.rows_of(
            self.connection, listing, offset=offset, limit=limit, longest=longest
        )
        for row in found:
            yield as_plain(self._without_secrets(row), kind)

    def _without_secrets(self, row: Row) -> Row:
        """As much of it as is shown, with a marker in the place of each live secret that stands in a text: a
        link in a logged mail, say, which would still open something. More of each text was read, so that one
        that begins where the shown part ends is known whole."""
        texts = [text for cell in row.cells for text in (cell.now, cell.file) if text]
        veil = self._secrets.may_stand_in("\n".join(texts))

        def shown(text: str | None) -> str | None:
            if not text:
                return text
            return self._secrets.veiled(text, LONGEST_CELL) if veil else text[:LONGEST_CELL]

        cells = (replace(cell, now=shown(cell.now), file=shown(cell.file)) for cell in row.cells)
        return replace(row, cells=tuple(cells))

    @cached_property
    def _secrets(self) -> Hunt:
        return withholding.of_now(self.connection)

    def _listing(self, table: TablePlan, kind: Kind) -> Listing:
        section = registry.by_key()[table.key]
        key = primary_key_columns(section.model)
        live = self.prepared.tables[table.table]
        hidden = hidden_columns(section, live)
        if table.fate is Fate.EMPTIED:
            return showing.all_lost(live, live.own_rows, key, hidden)
        if table.fate is Fate.FOLLOWS:
            return showing.all_lost(live, self.removed[table.table], key, hidden)
        waiting = self.prepared.waiting[table.table]
        if kind is Kind.CHANGED:
            return showing.changed(waiting, key, self.compared(waiting.target), hidden)
        list_them = showing.lost if kind is Kind.LOST else showing.returning
        return list_them(waiting, key, hidden)


def hidden_columns(
    section: Section, live: LiveTable, declared: Registry = registry
) -> frozenset[str]:
    """The columns of which no value is shown: secrets, what a Safe file leaves out, passwords, what
    refers to a secret, and columns that no model knows, as nobody said what is in them."""
    fields = {*section.secret, *section.redact}
    if section.accounts:
        fields.add(section.accounts.password)
    secret = {column_of(section.model, name) for name in fields}
    refers = {
        str(field.column)
        for field in section.model._meta.local_concrete_fields
        if _leads_to_secret(field, declared)
    }
    unknown = set(live.columns) - set(own_columns(section.model))
    return frozenset(secret | refers | unknown)


def _leads_to_secret(field: Any, declared: Registry) -> bool:
    """Whether a reference holds another section's secret, at once or over further references."""
    sections = {section.table: section for section in declared.sections}
    followed: set[tuple[type[Model], str]] = set()
    while field.remote_field and (field.model, field.name) not in followed:
        followed.add((field.model, field.name))
        field = field.target_field
        section = sections.get(field.model._meta.db_table)
        if section and field.name in section.secret:
            return True
    return False


def as_plain(row: Row, kind: Kind) -> Plain:
    """``key``: its columns, null where hidden. ``cells``: of each its column and, on either side that has
    the row, the value (null is NULL) and how many characters it has where not all are here; of a hidden
    one only that it differs or whether it is filled."""
    return {"key": dict(row.key), "cells": [_plain_cell(cell, kind) for cell in row.cells]}


def _plain_cell(cell: Cell, kind: Kind) -> Plain:
    plain: Plain = {"column": cell.column}
    if cell.hidden:
        filled = cell.now if kind is Kind.LOST else cell.file
        told = {"differs": True} if kind is Kind.CHANGED else {"is_filled": filled is not None}
        return plain | {"hidden": True} | told
    if kind is not Kind.RETURNING:
        plain |= _side("now", cell.now, cell.now_characters)
    if kind is not Kind.LOST:
        plain |= _side("file", cell.file, cell.file_characters)
    return plain


def _side(name: str, value: str | None, characters: int) -> Plain:
    cut = {f"{name}_characters": characters} if characters > LONGEST_CELL else {}
    return {name: value} | cut
