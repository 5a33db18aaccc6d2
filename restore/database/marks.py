"""What tells, without reading a value, that a table's rows are still printed as they were at another instant.

A row's version is known by the place where it stands and the transaction that put it there: whatever inserts,
changes or removes a row, rewrites a table or loads it anew leaves other versions, and vacuuming or freezing
leaves them as they are. That a number of transactions comes round again takes four thousand million of them;
compare instants that are minutes apart.
https://www.postgresql.org/docs/current/ddl-system-columns.html
"""

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
_KEEPS_VERSIONS = """
WITH RECURSIVE tree(relation) AS (
  SELECT %(table)s::oid
  UNION
  SELECT i.inhrelid FROM pg_inherits i JOIN tree ON i.inhparent = tree.relation
)
SELECT bool_and(c.relkind IN ('r', 'p') AND c.relam IN (0, 2)),
       sum(hash_record_extended(ROW(c.ctid, c.xmin, c.oid, c.relfilenode), 0))::text
FROM pg_class c JOIN tree ON tree.relation = c.oid
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


def mark_of(connection: Connection, table: LiveTable) -> Mark | None:
    """The table's mark at the transaction's instant; None where versions of rows tell nothing: it is not all
    a heap of this server."""
    with connection.cursor() as cursor:
        cursor.execute(_KEEPS_VERSIONS, {"table": table.oid})
        keeps, form = cursor.fetchone()  # type: ignore[misc]
        if not keeps:
            return None
        cursor.execute(
            sql.SQL(
                "SELECT count(*),"
                " coalesce(sum(hash_record_extended(ROW(t.tableoid, t.ctid, t.xmin), 0)), 0)::text"
                " FROM {} AS t"
            ).format(table.own_rows)
        )
        rows, versions = cursor.fetchone()  # type: ignore[misc]
    return Mark(int(rows), str(versions), str(form))


def look_of_values(connection: Connection) -> str:
    """Of all tables: while it is the same, rows of equal marks are printed alike."""
    with connection.cursor() as cursor:
        cursor.execute(_TEMPORARY + _LOOK)
        return str(cursor.fetchone()[0])  # type: ignore[index]
