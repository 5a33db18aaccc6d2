"""Noticing a pooler that hands a session's statements to changing servers, as PgBouncer's transaction mode.

Behind one, a session lock stays with a server process that nobody owns, and settings reach only one of
many. Nothing is held or set that would tell; only numbers of processes are compared.
"""

from collections.abc import Callable

from psycopg2.extensions import connection as Connection

from backups.errors import DatabaseFailure
from backups.wording import _

PROBES = 4


def refuse_shared_sessions(connection: Connection, another: Callable[[], Connection]) -> None:
    """``connection`` is in autocommit; ``another`` opens one more, which is closed again.

    Without a pooler in between, which the number in the handshake tells, one number is asked for.

    Raises DatabaseFailure ``database.pooled``: another session was served by the same process while
    this one was open, or this one by two.
    """
    process = serving(connection)
    if connection.info.backend_pid == process:
        return
    other = another()
    try:
        other.autocommit = True
        for turn in range(PROBES):
            # Now once, now twice: servers that take turns would go unnoticed by an even beat.
            theirs = {serving(other) for _ in range(1 + turn % 2)}
            if process in theirs or serving(connection) != process:
                raise _pooled()
    finally:
        other.close()


def serving(connection: Connection) -> int:
    """The number of the server process that serves the connection now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])  # type: ignore[index]


def _pooled() -> DatabaseFailure:
    return DatabaseFailure(
        "database.pooled",
        _(
            "The database is reached through a pooler that shares sessions (PgBouncer in transaction"
            " or statement mode, say), so no lock would hold."
        ),
        hint=_(
            "Let backups and restores reach PostgreSQL itself, or a pool in session mode: give the"
            " worker and the commands another DATABASE_URL."
        ),
    )
