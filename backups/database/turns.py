"""One after the other, whichever process or thread: what is counted, and then done if there was not too much.

Who only counts and then acts lets as many through as there are threads. An advisory lock of the transaction
makes them stand in a line; it ends with the transaction, whatever happens to who holds it, also behind a
pooler. https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

import contextlib
import hashlib
from collections.abc import Iterator

from django.db import OperationalError, connection, transaction

from backups.database import audit_chain

# Two 32-bit numbers name a lock; the first tells ours from those of other software (``locks``).
_TURNS = 0x0BAC_0003
# Who waits for longer stands behind a crowd, and that is an answer too.
LONGEST_WAIT_MS = 10_000
_LOCK_NOT_AVAILABLE = "55P03"


@contextlib.contextmanager
def turn(*names: str) -> Iterator[bool]:
    """A transaction of Django's in which nobody else is who named one of the same. Says whether it is our
    turn: false where too many waited. What is written in it is there for who comes next.

    Where a transaction is open already, the turn lasts until its end, and its isolation is what it is.
    """
    is_ours = not connection.in_atomic_block
    with transaction.atomic():
        if is_ours:
            with connection.cursor() as cursor:
                audit_chain.see_each_commit(cursor)
        yield _wait(sorted({_number(name) for name in names}))


def _wait(numbers: list[int]) -> bool:
    """In the order of the numbers, so that no two wait for one another."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('lock_timeout')")
            before = cursor.fetchone()[0]
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LONGEST_WAIT_MS}ms"])
            for number in numbers:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_TURNS, number])
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])
    except OperationalError as error:
        # Of psycopg2 and of psycopg 3.
        codes = {getattr(error.__cause__, name, "") for name in ("pgcode", "sqlstate")}
        if _LOCK_NOT_AVAILABLE not in codes:
            raise
        return False
    return True


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big", signed=True)
