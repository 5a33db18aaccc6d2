"""What tells, without reading a value, that a table's rows are still printed as they were at another instant.

A row's version is known by the place where it stands and the transaction that put it there: whatever inserts,
changes or removes a row, rewrites a table or loads it anew leaves other versions, and vacuuming or freezing
leaves them as they are. That a number of transactions comes round again takes four thousand million of them;
compare instants that are minutes apart.
https://www.postgresql.org/docs/current/ddl-system-columns.html
"""

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable


@dataclass(frozen=True)
class Mark:
    """Of a table at an instant. ``versions`` is a sum of hashes over those of its rows, ``form`` one over
    what the catalogue says of the table and its partitions."""

    rows: int
    versions: str
    form: str


# Only of a heap is it true that versions have a place of their own; 2 is the number of that method.
_KEEP_VERSIONS = """
WITH RECURSIVE tree(root, relation) AS (
  SELECT oid, oid FROM pg_catalog.unnest(%(tables)s::oid[]) AS asked(oid)
  UNION
  SELECT tree.root, i.inhrelid FROM pg_inherits i JOIN tree ON i.inhparent = tree.relation
)
SELECT tree.root::bigint, bool_and(c.relkind IN ('r', 'p') AND c.relam IN (0, 2)),
       sum(hash_record_extended(ROW(c.ctid, c.xmin, c.oid, c.relfilenode), 0))::text
FROM pg_class c JOIN tree ON tree.relation = c.oid
GROUP BY tree.root
"""

# What rows look like is also said by columns, types, their functions, casts to JSON, and settings. Temporary
# tables of others come and go.
_LOOK = """
SELECT sum(hash_record_extended(ROW(v.source, v.place, v.made), 0))::text
         || ' ' || current_setting('lc_monetary')
FROM (
  SELECT tableoid, ctid, xmin FROM pg_enum
  UNION ALL SELECT tableoid, ctid, xmin FROM pg_proc
  UNION ALL SELECT tableoid, ctid, xmin FROM pg_cast
  UNION ALL SELECT tableoid, ctid, xmin FROM pg_db_role_setting
  UNION ALL SELECT t.tableoid, t.ctid, t.xmin FROM pg_type t
            WHERE t.typnamespace NOT IN (SELECT oid FROM temporary)
  UNION ALL SELECT a.tableoid, a.ctid, a.xmin FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE c.relkind IN ('r', 'p', 'c', 'f') AND c.relnamespace NOT IN (SELECT oid FROM temporary)
) AS v(source, place, made)
"""
_TEMPORARY = "WITH temporary AS (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_(toast_)?temp_')"


def marks_of(connection: Connection, tables: Iterable[LiveTable]) -> dict[str, Mark | None]:
    """The tables' marks at the transaction's instant, by name; None where versions of rows tell nothing: it
    is not all a heap of this server. In one statement, which the server may divide among its workers."""
    asked = list(tables)
    with connection.cursor() as cursor:
        cursor.execute(_KEEP_VERSIONS, {"tables": [table.oid for table in asked]})
        forms = {oid: str(form) for oid, keeps, form in cursor.fetchall() if keeps}
        found: dict[str, Mark | None] = {table.name: None for table in asked}
        marked = [table for table in asked if table.oid in forms]
        if marked:
            cursor.execute(sql.SQL(" UNION ALL ").join(map(_versions, marked)))
            for name, oid, rows, versions in cursor.fetchall():
                found[name] = Mark(int(rows), str(versions), forms[oid])
    return found


def _versions(table: LiveTable) -> sql.Composed:
    return sql.SQL(
        "SELECT {}, {}::bigint, count(*),"
        " coalesce(sum(hash_record_extended(ROW(t.tableoid, t.ctid, t.xmin), 0)), 0)::text FROM {} AS t"
    ).format(sql.Literal(table.name), sql.Literal(table.oid), table.own_rows)


def look_of_values(connection: Connection) -> str:
    """Of all tables: while it is the same, rows of equal marks are printed alike."""
    with connection.cursor() as cursor:
        cursor.execute(_TEMPORARY + _LOOK)
        return str(cursor.fetchone()[0])  # type: ignore[index]
