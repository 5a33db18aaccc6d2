"""Locks on tables: taken in short attempts, with a limit, and with a name for who is in the way.

``take`` runs nothing but utility statements, which need no snapshot: a REPEATABLE READ transaction that
begins with it sees everything that was committed before the last of the locks was granted.
https://www.postgresql.org/docs/current/sql-set-transaction.html ("before any query … executed")
https://www.postgresql.org/docs/current/mvcc-caveats.html (what a table looks like to an older snapshot)
"""

import datetime
import time
from collections.abc import Callable, Iterable, Sequence

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable
from backups.errors import DatabaseFailure
from backups.wording import Sentence, _

ACCESS_SHARE, EXCLUSIVE, ACCESS_EXCLUSIVE = "ACCESS SHARE", "EXCLUSIVE", "ACCESS EXCLUSIVE"
# Less than PostgreSQL's deadlock_timeout, which is a second.
ATTEMPT_SECONDS = 0.5

Wanted = tuple[Iterable[LiveTable], str]

# What stands in the way of a lock, by the names that pg_locks has for the modes.
# https://www.postgresql.org/docs/current/explicit-locking.html#TABLE-LOCK-COMPATIBILITY
_ALL = [
    *("AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock"),
    *("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"),
]
_IN_THE_WAY = {ACCESS_SHARE: _ALL[7:], EXCLUSIVE: _ALL[1:], ACCESS_EXCLUSIVE: _ALL}

# Who waits is in the way too: a new lock queues behind one that waits and conflicts with it. Of another
# role's session PostgreSQL shows the name and hides the times.
_HOLDER = """
WITH RECURSIVE tree(relation) AS (
  SELECT pg_catalog.unnest(%(tables)s::oid[])
  UNION
  SELECT i.inhrelid FROM pg_inherits i JOIN tree ON i.inhparent = tree.relation
)
SELECT c.relname, coalesce(a.application_name, ''), coalesce(a.usename, p.owner, ''),
       coalesce(l.pid, 0), coalesce(a.xact_start, p.prepared), coalesce(p.gid, '')
FROM pg_locks l
JOIN tree USING (relation)
JOIN pg_class c ON c.oid = l.relation
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
LEFT JOIN pg_locks own ON l.pid IS NULL AND own.pid IS NULL AND own.locktype = 'transactionid'
  AND own.virtualtransaction = l.virtualtransaction
LEFT JOIN pg_prepared_xacts p ON p.transaction = own.transactionid
WHERE l.locktype = 'relation' AND l.mode = ANY (%(modes)s)
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.pid IS DISTINCT FROM pg_backend_pid()
ORDER BY l.granted DESC, 5 NULLS LAST
LIMIT 1
"""

# PostgreSQL makes room for this many locks a session, over all sessions together.
# https://www.postgresql.org/docs/current/runtime-config-locks.html
_ROOM = """
SELECT current_setting('max_locks_per_transaction')::int,
       current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int,
       (SELECT count(*) FROM pg_locks WHERE NOT fastpath)
"""
_ROUND_UP_TO = 64


def take(
    connection: Connection,
    *wanted: Wanted,
    wait_seconds: float,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Lock tables, with all their partitions and heirs, until the transaction's end: all or none.

    Many short attempts behind a savepoint: whoever holds one table and waits for another, which is ours
    already, gets on in between, before the server finds a deadlock and ends one of us; and nobody
    queues behind us for longer. ``check`` is called between them and may raise. Afterwards the
    transaction's ``lock_timeout`` is that of an attempt; ``wait_for_locks`` sets another.

    Raises:
        psycopg2.errors.LockNotAvailable, DeadlockDetected: somebody held on for ``wait_seconds``; the
            transaction goes on without the locks, so that one can ask who (``holder``).
        DatabaseFailure: ``database.locks``, the server has no room for so many.
    """
    asked = [(_in_order(tables), mode) for tables, mode in wanted]
    statements = [_lock(tables, mode) for tables, mode in asked if tables]
    end = time.monotonic() + wait_seconds
    # Before the savepoint: what is set behind it goes with a failed attempt.
    wait_for_locks(connection, min(ATTEMPT_SECONDS, wait_seconds))
    _execute(connection, sql.SQL("SAVEPOINT attempt"))
    try:
        while not _attempt(connection, statements, last=time.monotonic() > end):
            check()
    except psycopg2.errors.OutOfMemory as error:
        raise no_room(connection, sum(len(tables) for tables, __ in asked)) from error
    _execute(connection, sql.SQL("RELEASE SAVEPOINT attempt"))


def _in_order(tables: Iterable[LiveTable]) -> list[LiveTable]:
    """One order for all who lock, so that no two of us wait for one another."""
    return sorted(tables, key=lambda table: (table.schema, table.name))


def _lock(tables: Sequence[LiveTable], mode: str) -> sql.Composable:
    names = sql.SQL(", ").join(table.identifier for table in tables)
    return sql.SQL("LOCK TABLE {} IN {} MODE").format(names, sql.SQL(mode))


def _attempt(connection: Connection, statements: Sequence[sql.Composable], *, last: bool) -> bool:
    try:
        for statement in statements:
            _execute(connection, statement)
    except (psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected):
        _execute(connection, sql.SQL("ROLLBACK TO SAVEPOINT attempt"))
        if last:
            raise
        return False
    except psycopg2.errors.OutOfMemory:
        _execute(connection, sql.SQL("ROLLBACK TO SAVEPOINT attempt"))
        raise
    return True


def wait_for_locks(connection: Connection, seconds: float) -> None:
    """How long a statement waits for each lock, until the transaction's end; a millisecond at least, as none
    would be for ever in PostgreSQL's words.

    SET, not set_config(): a SELECT would take the snapshot."""
    limit = sql.Literal(f"{max(1, int(seconds * 1000))}ms")
    _execute(connection, sql.SQL("SET LOCAL lock_timeout = {}").format(limit))


def _execute(connection: Connection, statement: sql.Composable) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def taken(connection: Connection) -> set[int]:
    """The relations that the connection's transaction has a lock on now, by oid."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relation::bigint FROM pg_locks"
            " WHERE locktype = 'relation' AND pid = pg_backend_pid() AND granted"
        )
        return {oid for (oid,) in cursor.fetchall()}


def holder(connection: Connection, *wanted: Wanted) -> tuple[str, Sentence] | None:
    """A table that somebody keeps from us, and who that is; None where nobody does any more."""
    for tables, mode in wanted:
        asked = {"tables": [table.oid for table in tables], "modes": _IN_THE_WAY[mode]}
        with connection.cursor() as cursor:
            cursor.execute(_HOLDER, asked)
            if row := cursor.fetchone():
                return str(row[0]), _described(*row[1:])
    return None


def _described(
    application: str, user: str, pid: int, since: datetime.datetime | None, prepared: str
) -> Sentence:
    named = {"application": application or "?", "user": user or "?", "pid": str(pid)}
    if prepared:
        return _("the prepared transaction {name!r} of {user}", name=prepared, user=user)
    if since is None:
        return _("{application!r} of {user}, process {pid}", **named)
    at = since.astimezone(datetime.UTC).isoformat(" ", "seconds")
    return _("{application!r} of {user}, process {pid}, at work since {since}", since=at, **named)


def no_room(connection: Connection, tables: int) -> DatabaseFailure:
    """What to set so that the locks on so many tables find room."""
    with connection.cursor() as cursor:
        cursor.execute(_ROOM)
        setting, sessions, others = cursor.fetchone()  # type: ignore[misc]
    # Half as much again: reading a table locks its indexes too, for a moment.
    least = max(1.5 * (tables + others) / sessions, setting + 1)
    needed = int(-(-least // _ROUND_UP_TO) * _ROUND_UP_TO)
    return DatabaseFailure(
        "database.locks",
        _(
            "The database server has no room for locks on {tables} tables"
            " (max_locks_per_transaction is {setting}).",
            tables=tables,
            setting=str(setting),
        ),
        hint=_(
            "Set max_locks_per_transaction to {needed} or more, restart the server, then try again.",
            needed=str(needed),
        ),
    )
