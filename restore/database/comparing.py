"""Which live rows a restore would change or remove, and a mark that stands for what is in them."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveColumn
from restore.database.altered import is_withheld
from restore.database.targets import Target
from restore.database.waiting_tables import (
    WaitingTable,
    names,
    plain_cells,
    printed,
    same,
    without_domain,
)


@dataclass(frozen=True)
class Difference:
    """``rows``: how many. ``mark``: a sum of hashes of what the live rows hold, in any order; it changes
    when one of them is edited, and tells nothing of what is in them."""

    rows: int = 0
    mark: str = ""


def changed(
    connection: Connection, waiting: WaitingTable, key: Sequence[str], columns: Sequence[str]
) -> Difference:
    """Rows that are in both and differ in one of ``columns``, as PostgreSQL prints them."""
    if not columns:
        return Difference()
    return _ask(connection, differing_rows(waiting, key, columns), columns)


def dropped(
    connection: Connection, waiting: WaitingTable, key: Sequence[str], columns: Sequence[str]
) -> Difference:
    """Live rows that are not in the file."""
    return _ask(connection, lost_rows(waiting, key), columns)


def whole(connection: Connection, relation: sql.Composable, columns: Sequence[str]) -> Difference:
    """All rows of a table."""
    return _ask(connection, sql.SQL(" FROM {} AS t").format(relation), columns)


def differing_rows(
    waiting: WaitingTable, key: Sequence[str], columns: Sequence[str]
) -> sql.Composed:
    """``FROM`` and ``WHERE``: the live row is ``t`` and the file's ``s``.

    Images are compared first, which takes any type and is quick; of those that differ, what is printed.
    """
    target = waiting.target
    return sql.SQL(" FROM {} AS s JOIN {} AS t ON {} WHERE {}").format(
        waiting.relation, target.table.own_rows, same("s", "t", key), differs(target, columns)
    )


def differs(target: Target, columns: Sequence[str]) -> sql.Composed:
    """Whether the file's row ``s`` differs from the live one ``t``."""
    kinds = [target.table.columns[name] for name in columns]
    of_file = [as_it_will_be(target, column) for column in kinds]
    return sql.SQL("record_image_ne(ROW({}), ROW({})) AND ROW({}) IS DISTINCT FROM ROW({})").format(
        sql.SQL(", ").join(of_file),
        plain_cells(target.table, columns, "t"),
        _printed(of_file, kinds),
        _printed([sql.Identifier("t", name) for name in columns], kinds),
    )


def as_it_will_be(target: Target, column: LiveColumn) -> sql.Composable:
    """The file's cell; where what it held was left out of the file, the one of now, which stays."""
    cell = sql.Identifier("s", column.name)
    if column.name not in target.withheld:
        return cell
    return sql.SQL("CASE WHEN {} THEN {} ELSE {} END").format(
        is_withheld(target, column.name, "s"),
        without_domain(sql.Identifier("t", column.name), column),
        cell,
    )


def lost_rows(waiting: WaitingTable, key: Sequence[str]) -> sql.Composed:
    """``FROM`` and ``WHERE`` of the live rows ``t`` that are not in the file."""
    return sql.SQL(" FROM {} AS t WHERE NOT EXISTS (SELECT FROM {} AS s WHERE {})").format(
        waiting.target.table.own_rows, waiting.relation, same("s", "t", key)
    )


def returning_rows(waiting: WaitingTable, key: Sequence[str]) -> sql.Composed:
    """``FROM`` and ``WHERE`` of the file's rows ``s`` that are not here now."""
    return sql.SQL(" FROM {} AS s WHERE NOT EXISTS (SELECT FROM {} AS t WHERE {})").format(
        waiting.relation, waiting.target.table.own_rows, same("s", "t", key)
    )


def _printed(cells: Sequence[sql.Composable], columns: Sequence[LiveColumn]) -> sql.Composed:
    return sql.SQL(", ").join(
        printed(cell, column) for cell, column in zip(cells, columns, strict=True)
    )


def _ask(connection: Connection, rows: sql.Composable, columns: Sequence[str]) -> Difference:
    query = sql.SQL("SELECT count(*), coalesce(sum({}), 0)::text{}").format(hashed(columns), rows)
    with connection.cursor() as cursor:
        cursor.execute(query)
        return difference(*cursor.fetchone())  # type: ignore[misc]


def hashed(columns: Sequence[str]) -> sql.Composed:
    """What stands in these cells of ``t``, as a number."""
    return sql.SQL("hashtextextended(ROW({})::text, 0)::numeric").format(names(columns, "t"))


def difference(rows: int, mark: str) -> Difference:
    """As the database counted and added up."""
    return Difference(int(rows), str(mark) if rows else "")
