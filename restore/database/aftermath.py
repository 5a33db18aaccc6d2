"""What follows a committed restore, each step by itself: its failure undoes nothing."""

from collections.abc import Iterable

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable

_MATERIALIZED = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND c.relispopulated AND n.nspname = ANY (current_schemas(false))
ORDER BY c.oid
"""


def analyze(connection: Connection, tables: Iterable[LiveTable]) -> int:
    """Tell the planner about the new rows. ``connection`` is in autocommit. Returns how many tables."""
    done = 0
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(sql.SQL("ANALYZE {}").format(table.identifier))
            done += 1
    return done


def refresh_materialized_views(connection: Connection) -> tuple[list[str], list[str]]:
    """Refresh every populated materialised view, the older first, since a newer may read it.

    Returns the names of those refreshed and of those that failed.
    """
    refreshed, failed = [], []
    with connection.cursor() as cursor:
        cursor.execute(_MATERIALIZED)
        for schema, name in cursor.fetchall():
            query = sql.SQL("REFRESH MATERIALIZED VIEW {}").format(sql.Identifier(schema, name))
            try:
                cursor.execute(query)
            except psycopg2.Error:
                failed.append(str(name))
            else:
                refreshed.append(str(name))
    return refreshed, failed
