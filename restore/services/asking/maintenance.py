"""Maintenance mode: the exclusive holder of the data lock, as the server itself shows it.

There is no flag that could stay behind: with the holder's connection the mode ends.
"""

from django.db import connection

from backups.database import locks


def is_running() -> bool:
    """Whether a restore holds the data. One cheap look at ``pg_locks``; takes and changes nothing."""
    connection.ensure_connection()
    return locks.restore_is_running(connection.connection)
