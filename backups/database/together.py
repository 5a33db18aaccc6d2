"""Many small questions in one statement: what each takes by itself is mostly its way to the server and back,
its savepoint and its beginning.

Tables of many rows are asked one by one: what the server keeps in memory for a part of a statement, it keeps
until the end of the statement.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable

Item = TypeVar("Item")
# Yields one number.
Query = sql.Composable

# So many rows of a table at most, and so many questions of one statement: with four times as many the server
# takes a third longer for each, as all that it knows of a statement is gone through again and again.
FEW_ROWS = 5_000
AT_ONCE = 16

# Of a table with policies the server may refuse to read even nothing.
_SMALL = """
SELECT t::bigint, pg_relation_size(t) = 0 AND NOT row_security_active(t)
FROM pg_catalog.unnest(%s::oid[]) AS t WHERE pg_relation_size(t) <= %s
"""
_SMALL_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Small:
    """Names of tables that are small as they lie on the disk, whatever the planner thinks. The ``empty``
    among them have no page, and so no row for anybody."""

    names: frozenset[str]
    empty: frozenset[str]


def numbers(connection: Connection, queries: Sequence[Query]) -> list[int]:
    """The one number of each query, in one statement."""
    cells = sql.SQL(", ").join(sql.SQL("({})").format(query) for query in queries)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT {}").format(cells))
        return [int(number) for number in cursor.fetchone() or ()]


def small_tables(connection: Connection, tables: Iterable[LiveTable]) -> Small:
    """Of these; of those that consist of others nothing is said. ``connection`` has locks on them, so that
    nobody empties one meanwhile."""
    names = {table.oid: table.name for table in tables if not table.partitioned}
    with connection.cursor() as cursor:
        cursor.execute(_SMALL, [list(names), _SMALL_BYTES])
        found = {names[oid]: is_empty for oid, is_empty in cursor.fetchall()}
    return Small(frozenset(found), frozenset(name for name, is_empty in found.items() if is_empty))


def some_at_once(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """As many at a time as one statement may ask."""
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]
