"""Standing in for a restore: the locks that it holds, in a connection or a process of their own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.sessions.models import Session
from django.db import connection

from backups.database import locks
from backups.database.connection import connected
from backupsvc.studio.models import User

_HOLDER = """
import sys, django
django.setup()
from backups.database import locks
from backups.database.connection import connect
held = connect(purpose="test")
locks.hold_for_restoring(held, wait_seconds=10)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def data_held() -> Iterator[None]:
    """The data lock, exclusively, as maintenance sees it."""
    with connected(purpose="test") as held:
        locks.hold_for_restoring(held, wait_seconds=10)
        yield
        # A connection that is closed gives its locks back a moment later.
        with held.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")


@contextmanager
def data_held_by_a_process() -> Iterator["subprocess.Popen[str]"]:
    """The same in another process, to be killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout and process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def accounts_and_sessions_locked() -> Iterator[None]:
    """Both tables held as a restore holds them until its commit. Whoever asks them here and waits for
    longer than half a second gets an error instead of an answer."""
    names = ", ".join(f'"{model._meta.db_table}"' for model in (User, Session))
    with connected(purpose="test") as held, connection.cursor() as ours:
        ours.execute("SET lock_timeout = '500ms'")
        try:
            with held.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
            yield
        finally:
            held.rollback()
            ours.execute("RESET lock_timeout")
