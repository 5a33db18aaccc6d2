"""What follows a committed restore, each step by itself: its failure undoes nothing."""

from collections.abc import Iterable

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable

# Who reads whom, through views and functions whose bodies are parsed; of a function that is a text nobody
# knows. Who reads a view has all that this reads beneath it and the view too, and so comes later.
# https://www.postgresql.org/docs/current/catalog-pg-depend.html
_MATERIALIZED = """
WITH RECURSIVE reads (class, reader, source_class, source) AS (
    SELECT 'pg_class'::regclass::oid, r.ev_class, d.refclassid, d.refobjid
    FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
    WHERE r.rulename = '_RETURN'
      AND (d.refclassid, d.refobjid) <> ('pg_class'::regclass::oid, r.ev_class)
    UNION
    SELECT d.classid, d.objid, d.refclassid, d.refobjid FROM pg_depend d
    WHERE d.classid = 'pg_proc'::regclass
      AND d.refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass)
), beneath (view, class, oid) AS (
    SELECT oid, 'pg_class'::regclass::oid, oid FROM pg_class WHERE relkind = 'm'
    UNION
    SELECT b.view, r.source_class, r.source
    FROM beneath b JOIN reads r ON r.class = b.class AND r.reader = b.oid
)
SELECT n.nspname, c.relname, pg_table_is_visible(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND c.relispopulated
ORDER BY (SELECT count(*) FROM beneath b JOIN pg_class m ON m.oid = b.oid AND m.relkind = 'm'
          WHERE b.view = c.oid AND b.class = 'pg_class'::regclass), c.oid
"""


def analyze(connection: Connection, tables: Iterable[LiveTable]) -> int:
    """Tell the planner about the new rows. ``connection`` is in autocommit. Returns how many tables."""
    names = [table.identifier for table in tables]
    if names:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(names)))
    return len(names)


def refresh_materialized_views(connection: Connection) -> tuple[list[str], list[str]]:
    """Refresh every populated materialised view of every schema, those that it reads before it.

    Returns the names of those refreshed and of those that failed, with the schema where it is needed.
    """
    refreshed: list[str] = []
    failed: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute(_MATERIALIZED)
        for schema, name, is_visible in cursor.fetchall():
            query = sql.SQL("REFRESH MATERIALIZED VIEW {}").format(sql.Identifier(schema, name))
            try:
                cursor.execute(query)
                done = refreshed
            except psycopg2.Error:
                done = failed
            done.append(name if is_visible else f"{schema}.{name}")
    return refreshed, failed
