"""Letting work that is under way on the tables come to its end before a restore begins."""

from collections.abc import Iterable

import psycopg2.errors
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable
from backups.errors import BusyError
from backups.wording import _

# Locks that a transaction keeps on a table until its end; autovacuum and such give way by themselves.
# Of a more powerful role's session the kind is hidden; autovacuum's have no role at all.
_AT_WORK = """
SELECT DISTINCT a.pid
FROM pg_locks l
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.relation = ANY (%s::oid[])
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND coalesce(a.backend_type, 'client backend') = 'client backend' AND a.usesysid IS NOT NULL
  AND a.pid <> pg_backend_pid() AND l.granted
"""


# Who reads queues behind whoever waits to have a table alone, though it can have it only after us.
_WAITING = """
SELECT DISTINCT a.pid
FROM pg_locks l
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.relation = ANY (%s::oid[]) AND NOT l.granted
  AND l.mode = 'AccessExclusiveLock' AND a.pid <> pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def at_work(connection: Connection, tables: Iterable[LiveTable]) -> list[int]:
    """The other sessions whose transactions use these tables now."""
    with connection.cursor() as cursor:
        # Inside a transaction the server would show the sessions of the first look again.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(_AT_WORK, [[table.oid for table in tables]])
        return [pid for (pid,) in cursor.fetchall()]


def waiting(connection: Connection, tables: Iterable[LiveTable]) -> list[int]:
    """The sessions that wait to have one of these tables alone."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [[table.oid for table in tables]])
        return [pid for (pid,) in cursor.fetchall()]


def turn_away(connection: Connection, pids: Iterable[int]) -> None:
    """Cancel what these sessions wait for. Raises as ``cut_off`` does."""
    _each(connection, "pg_cancel_backend", pids)


def cut_off(connection: Connection, pids: Iterable[int]) -> None:
    """End these sessions; their transactions are rolled back by the server.

    Raises BusyError ``restore.tables_busy`` where one belongs to a role that ours may not end.
    """
    _each(connection, "pg_terminate_backend", pids)


def _each(connection: Connection, function: str, pids: Iterable[int]) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {function}(pid) FROM pg_catalog.unnest(%s::int[]) AS pid", [list(pids)]
            )
    except psycopg2.errors.InsufficientPrivilege as error:
        raise BusyError(
            "restore.tables_busy",
            _(
                "A session of a more powerful database role is at work on the tables, so the restore"
                " could not begin. Nothing was changed."
            ),
            hint=_("End that session as its role, then try again."),
            permanent=False,
        ) from error
