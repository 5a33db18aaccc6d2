"""The database at one instant, read-only by the server's own rule."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection

from backups.database import introspection, locators, row_stream
from backups.database.connection import close_quietly, connect, database_failure
from backups.database.damage import by_place
from backups.database.introspection import LiveSequence, LiveTable
from backups.database.reading import TableReading


class Snapshot:
    """One transaction; all that it reads was true at the same moment.

    ``connection`` is there so that somebody else can cancel a long statement.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def tables(self) -> dict[str, LiveTable]:
        return introspection.live_tables(self.connection)

    def sequences(self) -> list[LiveSequence]:
        return introspection.live_sequences(self.connection)

    def sequence_state(self, sequence: LiveSequence) -> tuple[int, bool]:
        return introspection.sequence_state(self.connection, sequence)

    def server_version(self) -> str:
        return introspection.server_version(self.connection)

    def migrations(self) -> dict[str, str]:
        return introspection.last_migrations(self.connection)

    def stream_rows(self, reading: TableReading, write: Callable[[bytes], None]) -> None:
        with by_place(self.connection, [reading]):
            row_stream.stream_rows(self.connection, reading, write)

    def stream_locators(self, readings: list[TableReading], write: Callable[[bytes], None]) -> None:
        with by_place(self.connection, readings):
            locators.stream_locators(self.connection, readings, write)

    def export(self) -> str:
        """A name under which other sessions see the same instant while this one lasts."""
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT pg_export_snapshot()")
            return str(cursor.fetchone()[0])  # type: ignore[index]


@contextmanager
def snapshot(alias: str = "default") -> Iterator[Snapshot]:
    """Open a REPEATABLE READ, READ ONLY transaction; every end of the block rolls it back.

    Raises DatabaseFailure for whatever the database refuses inside the block.
    """
    connection = connect(alias, purpose="snapshot")
    try:
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        yield Snapshot(connection)
    except psycopg2.Error as error:
        raise database_failure(error) from error
    finally:
        close_quietly(connection)
