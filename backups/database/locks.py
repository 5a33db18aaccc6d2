"""Advisory locks: backup and restore exclude one another, and a run is alive while its lock is held.

Session locks, so that they end whatever happens to who holds them.
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

import contextlib
import hashlib

import psycopg2
from psycopg2.extensions import connection as Connection

from backups.database.complaints import database_failure
from backups.errors import BusyError
from backups.wording import _

# Two 32-bit numbers name a lock; the first tells ours from those of other software.
_SPACE = 0x0BAC_0001
_DATA = 0
_RUNS = 0x0BAC_0002


def hold_for_reading(connection: Connection, *, wait_seconds: float) -> None:
    """Take the data lock shared: many backups at once, no restore. Raises BusyError."""
    _take(connection, "pg_advisory_lock_shared", wait_seconds, _busy_restoring())


def hold_for_restoring(connection: Connection, *, wait_seconds: float) -> None:
    """Take the data lock alone. Maintenance mode is this lock's exclusive holder."""
    _take(connection, "pg_advisory_lock", wait_seconds, _busy_backing_up())


def let_go(connection: Connection) -> None:
    """Give the data lock back at once: after a mere close the server needs a moment to notice.

    Silent where the connection is gone, for then the lock is too.
    """
    with contextlib.suppress(psycopg2.Error):
        connection.rollback()
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_SPACE, _DATA])


def _take(connection: Connection, function: str, wait_seconds: float, busy: BusyError) -> None:
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [_ms(wait_seconds)])
            cursor.execute(f"SELECT {function}(%s, %s)", [_SPACE, _DATA])
            cursor.execute("SELECT set_config('lock_timeout', '0', false)")
    except psycopg2.errors.LockNotAvailable:
        raise busy from None
    except psycopg2.Error as error:
        raise database_failure(error) from error


def restore_is_running(connection: Connection) -> bool:
    """Whether somebody holds the data lock alone. Looks, and never takes it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND classid = %s AND objid = %s AND mode = 'ExclusiveLock' AND granted)",
            [_SPACE, _DATA],
        )
        return bool(cursor.fetchone()[0])  # type: ignore[index]


def hold_run(connection: Connection, run_id: str) -> bool:
    """Take the run's own lock; False when another process has it, which then does the run."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_RUNS, _number(run_id)])
        return bool(cursor.fetchone()[0])  # type: ignore[index]


def run_is_held(connection: Connection, run_id: str) -> bool:
    """Whether some process is at work on the run."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND classid = %s AND objid = %s::bigint::oid)",
            [_RUNS, _number(run_id) & 0xFFFF_FFFF],
        )
        return bool(cursor.fetchone()[0])  # type: ignore[index]


def _number(run_id: str) -> int:
    """A signed 32-bit number for a run."""
    return int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:4], "big", signed=True)


def _ms(seconds: float) -> str:
    return f"{max(1, int(seconds * 1000))}ms"


def _busy_restoring() -> BusyError:
    return BusyError(
        "lock.restoring",
        _("A restore is running, so no backup can be made now."),
        hint=_("Wait until the restore has ended, then try again."),
        permanent=False,
    )


def _busy_backing_up() -> BusyError:
    return BusyError(
        "lock.busy",
        _("A backup or another restore is running."),
        hint=_("Wait until it has ended or cancel it, then try again."),
        permanent=False,
    )
