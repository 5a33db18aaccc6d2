"""Trying a statement behind a savepoint, so that the database's refusal is an answer and not an end."""

from collections.abc import Callable, Sequence

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_INTRANS
from psycopg2.extensions import connection as Connection

from restore.database.failures import Reason, reason_of


def attempt(connection: Connection, work: Callable[[], object], states: Sequence[str]) -> bool:
    """Do it. False where the database refuses with a SQLSTATE that begins so; then nothing of it was
    done. Any other error comes through."""
    return refusal(connection, work, states) is None


def reason_against(
    connection: Connection, work: Callable[[], object], states: Sequence[str]
) -> tuple[bool, Reason | None]:
    """``attempt``, and what of a row the database objects to; None where it objects to something else."""
    error = refusal(connection, work, states)
    return error is None, reason_of(error) if error else None


def refusal(
    connection: Connection, work: Callable[[], object], states: Sequence[str]
) -> psycopg2.Error | None:
    """The error that ended an attempt; None where there was none."""
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT attempted")
        try:
            work()
        except psycopg2.Error as error:
            if not (error.pgcode or "").startswith(tuple(states)):
                raise
            cursor.execute("ROLLBACK TO SAVEPOINT attempted")
            return error
        finally:
            if connection.info.transaction_status == TRANSACTION_STATUS_INTRANS:
                cursor.execute("RELEASE SAVEPOINT attempted")
    return None
