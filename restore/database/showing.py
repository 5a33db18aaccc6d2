"""The rows that a restore would take, change back or bring, cell by cell as PostgreSQL prints them.

Of a hidden column nothing is asked but whether it is filled, or differs: its value never leaves the server.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveColumn, LiveTable
from restore.database.comparing import (
    as_it_will_be,
    differing_rows,
    lost_rows,
    returning_rows,
)
from restore.database.waiting_tables import WaitingTable, printed

# How much of a cell is shown: enough to know it again, and a cell of 10 MB costs no more than another.
LONGEST_CELL = 500
_AT_ONCE = 50


@dataclass(frozen=True)
class Cell:
    """One column of a row as it is ``now`` and in the ``file``: None is NULL, and empty where one side
    does not have the row. At most so many characters as were asked for, of how many in all. ``hidden``: no
    value is told, ``now`` and ``file`` are empty texts where there is one."""

    column: str
    hidden: bool
    now: str | None
    now_characters: int
    file: str | None
    file_characters: int


@dataclass(frozen=True)
class Row:
    """``key``: each column of the primary key, and its value; None where it is hidden."""

    key: tuple[tuple[str, str | None], ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Listing:
    """Rows in the order of their keys. ``rows`` is ``FROM`` and ``WHERE``; ``cells`` are the printed
    cells of now and of the file, for each of ``columns``."""

    table: LiveTable
    alias: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    hidden: frozenset[str]
    rows: sql.Composable
    cells: tuple[tuple[sql.Composable, sql.Composable], ...]
    only_differing: bool = False


_NOTHING = sql.SQL("NULL::text")


def changed(
    waiting: WaitingTable, key: Sequence[str], columns: Sequence[str], hidden: frozenset[str]
) -> Listing:
    """Rows that are in both and differ in one of ``columns``; of each the cells that differ."""
    target, kinds = waiting.target, [waiting.target.table.columns[name] for name in columns]
    cells = [
        (printed(_cell("t", kind), kind), printed(as_it_will_be(target, kind), kind))
        for kind in kinds
    ]
    return Listing(
        target.table,
        "t",
        tuple(key),
        tuple(columns),
        hidden,
        differing_rows(waiting, key, columns),
        tuple(cells),
        only_differing=True,
    )


def lost(waiting: WaitingTable, key: Sequence[str], hidden: frozenset[str]) -> Listing:
    """Live rows that are not in the file, with all that is in them."""
    return _of_now(waiting.target.table, key, hidden, lost_rows(waiting, key))


def all_lost(
    table: LiveTable, relation: sql.Composable, key: Sequence[str], hidden: frozenset[str]
) -> Listing:
    """All rows of a relation with the columns of ``table``."""
    return _of_now(table, key, hidden, sql.SQL(" FROM {} AS t").format(relation))


def returning(waiting: WaitingTable, key: Sequence[str], hidden: frozenset[str]) -> Listing:
    """Rows of the file that are not here now, with all that it has of them."""
    table = waiting.target.table
    cells = [
        (_NOTHING, printed(_cell("s", table.columns[name]), table.columns[name]))
        for name in waiting.columns
    ]
    rows = returning_rows(waiting, key)
    return Listing(table, "s", tuple(key), waiting.columns, hidden, rows, tuple(cells))


def _of_now(
    table: LiveTable, key: Sequence[str], hidden: frozenset[str], rows: sql.Composable
) -> Listing:
    kinds = table.columns.values()
    cells = [(printed(_cell("t", kind), kind), _NOTHING) for kind in kinds]
    return Listing(table, "t", tuple(key), tuple(table.columns), hidden, rows, tuple(cells))


def _cell(alias: str, column: LiveColumn) -> sql.Identifier:
    return sql.Identifier(alias, column.name)


def rows_of(
    connection: Connection,
    listing: Listing,
    *,
    offset: int,
    limit: int,
    longest: int = LONGEST_CELL,
) -> Iterator[Row]:
    """Rows of a listing, streamed: whatever the limit, few are in memory. Within a transaction. ``longest``:
    how many characters of a cell are told."""
    shown = [name for name in listing.key if name not in listing.hidden]
    with connection.cursor(name="shown_rows") as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(_query(listing, shown, offset, limit, longest))
        for key, cells in cursor:
            told = dict(zip(shown, key, strict=True))
            yield Row(
                key=tuple((name, told.get(name)) for name in listing.key),
                cells=tuple(_as_cell(listing, cell) for cell in cells or ()),
            )


def _query(
    listing: Listing, shown: Sequence[str], offset: int, limit: int, longest: int
) -> sql.Composed:
    columns = listing.table.columns
    key = [
        sql.SQL("left({}, {})").format(
            printed(_cell(listing.alias, columns[name]), columns[name]), sql.Literal(LONGEST_CELL)
        )
        for name in shown
    ]
    return sql.SQL("SELECT ARRAY[{}]::text[], {}{} ORDER BY {} LIMIT {} OFFSET {}").format(
        sql.SQL(", ").join(key),
        _cells(listing, longest),
        listing.rows,
        sql.SQL(", ").join(_in_order(listing.alias, columns[name]) for name in listing.key),
        sql.Literal(limit),
        sql.Literal(offset),
    )


def _cells(listing: Listing, longest: int) -> sql.Composed:
    """An array of cells, each an array: its number, then what is told of now and of the file."""
    values = [
        sql.SQL("({}, {}, {}, {})").format(
            sql.Literal(number), sql.Literal(name in listing.hidden), now, of_file
        )
        for number, (name, (now, of_file)) in enumerate(
            zip(listing.columns, listing.cells, strict=True)
        )
    ]
    return sql.SQL(
        "(SELECT pg_catalog.json_agg(CASE WHEN c.hidden"
        " THEN pg_catalog.json_build_array(c.n, left(c.now, 0), 0, left(c.file, 0), 0)"
        " ELSE pg_catalog.json_build_array(c.n, left(c.now, {longest}), pg_catalog.char_length(c.now),"
        " left(c.file, {longest}), pg_catalog.char_length(c.file)) END ORDER BY c.n)"
        " FROM (VALUES {values}) AS c(n, hidden, now, file){only})"
    ).format(
        longest=sql.Literal(longest),
        values=sql.SQL(", ").join(values),
        only=sql.SQL(" WHERE c.now IS DISTINCT FROM c.file" if listing.only_differing else ""),
    )


def _in_order(alias: str, column: LiveColumn) -> sql.Composed:
    collation = sql.SQL(' COLLATE "C"' if column.collatable else "")
    return sql.SQL("{}{}").format(_cell(alias, column), collation)


def _as_cell(listing: Listing, cell: Sequence[Any]) -> Cell:
    number, now, now_characters, of_file, file_characters = cell
    name = listing.columns[number]
    return Cell(
        name, name in listing.hidden, now, now_characters or 0, of_file, file_characters or 0
    )
