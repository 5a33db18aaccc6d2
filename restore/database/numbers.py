"""Rows whose number means something else in another database: found again by their names.

Content types, permissions and sites (``framework`` sections). A *naming* says by which columns a table's
rows have names; a *list* is a temporary table of numbers, with what each is called and the number of the
row of that name elsewhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from restore.database.redacted import execute

NOW, NAME = "__now", "__name"
# As many names as a sentence can bear.
NAMED = 5


@dataclass(frozen=True)
class Naming:
    """``number`` is the primary key. ``by`` gives, for a column of the name that is itself a number of
    such a table, that table."""

    table: str
    number: str
    columns: tuple[str, ...]
    by: Mapping[str, str]


Namings = Mapping[str, Naming]
RelationOf = Callable[[str], sql.Identifier]


@dataclass(frozen=True)
class Lacking:
    """Numbers that rows hold and that have no counterpart: how many cells, and the first names."""

    cells: int
    names: tuple[str, ...]


def make_list(
    connection: Connection,
    name: str,
    naming: Naming,
    namings: Namings,
    was: RelationOf,
    now: RelationOf,
) -> sql.Identifier:
    """The numbers of ``was``, each with its name and, where the same name is in ``now``, its number there."""
    relation = sql.Identifier("pg_temp", name)
    execute(
        connection,
        sql.SQL(
            "CREATE TEMPORARY TABLE {list} AS SELECT w.number AS {number}, n.number AS {now},"
            " w.name AS {name} FROM ({was}) AS w LEFT JOIN ({is_}) AS n ON w.name = n.name"
        ).format(
            list=sql.Identifier(name),
            number=sql.Identifier(naming.number),
            now=sql.Identifier(NOW),
            name=sql.Identifier(NAME),
            was=_named(naming, namings, was),
            is_=_named(naming, namings, now),
        ),
    )
    execute(connection, sql.SQL("ANALYZE {}").format(relation))
    return relation


def _named(naming: Naming, namings: Namings, relation_of: RelationOf) -> sql.Composed:
    """``number`` and ``name`` (an array of text) of every row."""
    parts: list[sql.Composable] = []
    joins: list[sql.Composable] = []
    for place, column in enumerate(naming.columns):
        if column in naming.by:
            other, alias = namings[naming.by[column]], sql.Identifier(f"o{place}")
            parts.append(sql.SQL("{}.name").format(alias))
            joins.append(
                sql.SQL(" JOIN ({}) AS {} ON {}.number = t.{}").format(
                    _named(other, namings, relation_of), alias, alias, sql.Identifier(column)
                )
            )
        else:
            parts.append(sql.SQL("ARRAY[t.{}::text]").format(sql.Identifier(column)))
    return sql.SQL("SELECT t.{} AS number, {} AS name FROM {} AS t{}").format(
        sql.Identifier(naming.number),
        sql.SQL(" || ").join(parts),
        relation_of(naming.table),
        sql.SQL("").join(joins),
    )


def drop_list(connection: Connection, listed: sql.Identifier) -> None:
    execute(connection, sql.SQL("DROP TABLE {}").format(listed))


def counts_otherwise(connection: Connection, listed: sql.Identifier, naming: Naming) -> bool:
    """Whether any number of the list is another one now, or none."""
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {} IS DISTINCT FROM {})").format(
        listed, sql.Identifier(NOW), sql.Identifier(naming.number)
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return bool(cursor.fetchone()[0])  # type: ignore[index]


def lacking(
    connection: Connection,
    cells: sql.Identifier,
    column: str,
    listed: sql.Identifier,
    naming: Naming,
) -> Lacking:
    """Cells whose number has a name that is not here."""
    query = sql.SQL(
        "SELECT array_to_string(m.{name}, '.'), count(*) FROM {cells} AS s JOIN {listed} AS m"
        " ON s.{column}::text = m.{number}::text WHERE m.{now} IS NULL GROUP BY 1 ORDER BY 1"
    ).format(
        name=sql.Identifier(NAME),
        cells=cells,
        listed=listed,
        column=sql.Identifier(column),
        number=sql.Identifier(naming.number),
        now=sql.Identifier(NOW),
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        found = cursor.fetchall()
    return Lacking(sum(count for _, count in found), tuple(name for name, _ in found[:NAMED]))


def nameless(
    connection: Connection,
    cells: sql.Identifier,
    column: str,
    listed: sql.Identifier,
    naming: Naming,
    live: sql.Identifier,
) -> int:
    """Cells whose number the list does not have, and which would come to mean something here."""
    query = sql.SQL(
        "SELECT count(*) FROM {cells} AS s JOIN {live} AS n ON s.{column}::text = n.{number}::text"
        " WHERE NOT EXISTS (SELECT FROM {listed} AS m WHERE s.{column}::text = m.{number}::text)"
    ).format(
        cells=cells,
        live=live,
        listed=listed,
        column=sql.Identifier(column),
        number=sql.Identifier(naming.number),
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])  # type: ignore[index]


def filled_cells(connection: Connection, cells: sql.Identifier, column: str) -> int:
    """How many rows hold a number at all."""
    query = sql.SQL("SELECT pg_catalog.count({}) FROM {}").format(sql.Identifier(column), cells)
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])  # type: ignore[index]


def translate_cells(
    connection: Connection,
    cells: sql.Identifier,
    column: str,
    listed: sql.Identifier,
    naming: Naming,
    column_type: str,
) -> int:
    """Put today's number for the listed one. Returns how many cells changed.

    One statement, over rows that no unique rule binds: what was written is not looked at again.
    """
    return execute(
        connection,
        sql.SQL(
            "UPDATE {cells} AS s SET {column} = m.{now}::{type} FROM {listed} AS m"
            " WHERE s.{column}::text = m.{number}::text AND m.{now} <> m.{number}"
        ).format(
            cells=cells,
            column=sql.Identifier(column),
            now=sql.Identifier(NOW),
            type=sql.SQL(column_type),
            listed=listed,
            number=sql.Identifier(naming.number),
        ),
    )


def keep_staying(
    connection: Connection,
    name: str,
    live: sql.Identifier,
    listed: sql.Identifier,
    naming: Naming,
) -> sql.Identifier:
    """The live rows whose names will be there, under the numbers of now."""
    execute(
        connection,
        sql.SQL(
            "CREATE TEMPORARY TABLE {} AS SELECT t.* FROM {} AS t JOIN {} AS m ON t.{} = m.{}"
            " WHERE m.{} IS NOT NULL"
        ).format(
            sql.Identifier(name),
            live,
            listed,
            sql.Identifier(naming.number),
            sql.Identifier(naming.number),
            sql.Identifier(NOW),
        ),
    )
    return sql.Identifier("pg_temp", name)


def renumber_live(
    connection: Connection,
    table: sql.Composable,
    column: str,
    listed: sql.Identifier,
    naming: Naming,
) -> None:
    """Rows of a live table outside the file get the new numbers, in two steps, as its unique rules hold.

    What has no counterpart keeps a negative number, which no row has: it leads nowhere, as it should.
    Rows whose number stays are not touched.
    """
    name, mirrored = sql.Identifier(column), sql.SQL("(-1 - {})")
    execute(
        connection,
        sql.SQL(
            "UPDATE {} AS t SET {} = {} WHERE t.{} >= 0"
            " AND NOT EXISTS (SELECT FROM {} AS m WHERE m.{} = t.{} AND m.{} = t.{})"
        ).format(
            table,
            name,
            mirrored.format(sql.Identifier("t", column)),
            name,
            listed,
            sql.Identifier(naming.number),
            name,
            sql.Identifier(NOW),
            name,
        ),
    )
    execute(
        connection,
        sql.SQL("UPDATE {} AS t SET {} = m.{} FROM {} AS m WHERE t.{} = {} AND m.{} >= 0").format(
            table,
            name,
            sql.Identifier(NOW),
            listed,
            name,
            mirrored.format(sql.Identifier("m", naming.number)),
            sql.Identifier(NOW),
        ),
    )
