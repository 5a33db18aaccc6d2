"""The database at one instant, read-only by the server's own rule.

An instant alone does not keep rows: a table that somebody rewrites or empties by TRUNCATE after it has
none for who looks from before it. So everything that will be read is locked first (ACCESS SHARE, which
disturbs neither readers nor writers), and the instant is fixed after.
https://www.postgresql.org/docs/current/mvcc-caveats.html
"""

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection

from backups.database import holding, introspection, locators, row_stream, standing, together
from backups.database.complaints import database_failure, not_permitted
from backups.database.connection import (
    close_quietly,
    connect,
    connected,
    database_errors,
)
from backups.database.damage import by_place, is_of_the_rows
from backups.database.introspection import LiveSequence, LiveTable
from backups.database.secret_values import SecretColumn, secret_values
from backups.database.table_reading import TableReading
from backups.database.unreadable import unreadable_rows
from backups.errors import BackupSystemError, BusyError, DatabaseFailure
from backups.wording import _

Answer = TypeVar("Answer")

# How often the locking starts over when others make, rename or replace tables meanwhile.
TRIES = 5
# A second look costs some milliseconds where there are thousands of tables.
READINGS_A_LOOK = 50
# Names that mean something else, or nothing, since the catalogue was read.
_CHANGING = (
    psycopg2.errors.UndefinedTable,
    psycopg2.errors.InvalidSchemaName,
    psycopg2.errors.WrongObjectType,
)

_UNREADABLE = """
SELECT c.relname FROM pg_class c
WHERE c.oid = ANY (%s::oid[])
  AND (NOT has_table_privilege(c.oid, 'SELECT') OR row_security_active(c.oid))
ORDER BY c.relname
"""


class Snapshot:
    """One transaction; all that it reads was true at the same moment.

    ``connection`` is there so that somebody else can cancel a long statement.
    """

    def __init__(self, connection: Connection, alias: str = "default") -> None:
        self.connection = connection
        self._alias = alias
        self._wanted: list[LiveTable] = []
        self._tables: dict[str, LiveTable] = {}
        self._storage: Mapping[int, int] = {}
        self._types: standing.Types = {}
        self._empty: Collection[str] = ()
        self._readings = 0
        # What is being read, for whoever has to say what was refused.
        self.at: TableReading | None = None

    def hold(
        self,
        names: Collection[str],
        *,
        wait_seconds: float,
        check: Callable[[], None] = lambda: None,
        instant: str = "",
    ) -> dict[str, LiveTable]:
        """Lock the tables of these names, then fix the instant. Returns all tables as they are then.

        Nobody can rewrite, empty by TRUNCATE, rename or drop them until the transaction's end. Names
        of no table are passed over. ``check`` is called while it waits, and may raise.

        ``instant``: what ``export`` of another session's snapshot returned, to read the same as it
        does. Each session takes locks of its own, or it would wait in vain behind somebody who waits
        for the first one; that one's must last until all have read.

        Raises:
            BusyError: ``lock.tables``, somebody held one of the tables for ``wait_seconds``.
            DatabaseFailure: ``schema.changing``, the tables changed again and again meanwhile;
                ``database.locks``, too many for the server.
        """
        for _attempt in range(TRIES):
            self.connection.rollback()
            before = introspection.live_tables(self.connection)
            self.connection.rollback()
            self._wanted = [before[name] for name in names if name in before]
            try:
                self._lock(self._wanted, wait_seconds, check)
            except _CHANGING:
                continue
            if instant:
                self._share(instant)
            if self._is_fixed(names):
                return self._tables
            check()
        raise changing()

    def _lock(
        self, wanted: list[LiveTable], wait_seconds: float, check: Callable[[], None]
    ) -> None:
        lock = (wanted, holding.ACCESS_SHARE)
        try:
            holding.take(self.connection, lock, wait_seconds=wait_seconds, check=check)
        except (psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected) as error:
            raise _held_by_others(self.connection, lock) from error

    def _share(self, instant: str) -> None:
        statement = sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(instant))
        with self.connection.cursor() as cursor:
            cursor.execute(statement)

    def _is_fixed(self, names: Collection[str]) -> bool:
        """Whether what these names mean at the instant, which this fixes, is what was locked."""
        tables = introspection.live_tables(self.connection)
        wanted = [tables[name] for name in names if name in tables]
        storage = standing.storage(self.connection, wanted)
        if not storage.keys() <= holding.taken(self.connection):
            return False
        self._tables, self._storage = tables, storage
        self._empty = together.small_tables(self.connection, wanted).empty
        self._types = standing.types(self.connection)
        return True

    def tables(self) -> dict[str, LiveTable]:
        return self._tables or introspection.live_tables(self.connection)

    def sequences(self) -> list[LiveSequence]:
        return introspection.live_sequences(self.connection)

    def sequence_state(self, sequence: LiveSequence) -> tuple[int, bool]:
        with self._as_held():
            return introspection.sequence_state(self.connection, sequence)

    def server_version(self) -> str:
        return introspection.server_version(self.connection)

    def migrations(self) -> dict[str, str]:
        with self._as_held():
            return introspection.last_migrations(self.connection)

    def stream_rows(self, reading: TableReading, write: Callable[[bytes], None]) -> None:
        """Whether these are the rows of the instant, ``look_again`` and the end of the block tell."""
        if reading.table.source is None and reading.table.name in self._empty:
            return
        with self._as_held(), by_place(self.connection, [reading]):
            self.at = reading
            row_stream.stream_rows(self.connection, reading, write)
            self.at = None

    def secret_values(self, columns: Iterable[SecretColumn]) -> Iterator[tuple[str, bytes]]:
        """As ``stream_rows``: each distinct value of the columns, with the column's name."""
        for column in columns:
            with self._as_held():
                yield from secret_values(self.connection, [column])

    def stream_locators(self, readings: list[TableReading], write: Callable[[bytes], None]) -> None:
        """As ``stream_rows``."""
        with self._as_held(), by_place(self.connection, readings):
            locators.stream_locators(self.connection, readings, write)

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """What a question about the tables is answered at the instant; as ``stream_rows``."""
        with self._as_held():
            return question(self.connection)

    @contextmanager
    def _as_held(self) -> Iterator[None]:
        """What the block reads are the tables of the instant, in the storage that they had then; the
        second look, at some readings at a time, would notice if a lock failed us.

        Behind a savepoint, as a reading locks all indexes, and the server has not room for the locks of
        all readings at once. Those of ``hold`` stay."""
        if not self._readings:
            self._execute("SAVEPOINT readings")
        self._readings += 1
        yield
        if self._readings >= READINGS_A_LOOK:
            self.look_again()

    def look_again(self) -> None:
        """Raises DatabaseFailure ``schema.changing`` where the readings since the last look were not of
        the tables that the instant had: a lock failed us, or somebody did what needs none that ours
        would stop, such as attaching a partition or renaming a schema."""
        if not self._readings:
            return
        if standing.has_moved(self.connection, self._storage):
            raise changing()
        self._readings = 0
        self._execute("ROLLBACK TO SAVEPOINT readings")
        self._execute("RELEASE SAVEPOINT readings")

    def unreadable(self) -> list[str]:
        """Names of the tables that ``hold`` was asked for and this account may not read in full. Ends
        the transaction."""
        self.connection.rollback()
        oids = [table.oid for table in self._wanted]
        with self.connection.cursor() as cursor:
            cursor.execute(_UNREADABLE, [oids])
            return [name for (name,) in cursor.fetchall()]

    def has_changed(self) -> bool:
        """Whether the tables are others by now than those of the instant, so that whatever the database
        says of them comes of that: a type that went with its schema, say. Ends the transaction."""
        with contextlib.suppress(psycopg2.Error):
            self.connection.rollback()
            now = introspection.live_tables(self.connection)
            there = {table.oid for table in now.values()}
            return not there.issuperset(table.oid for table in self._wanted) or (
                standing.storage(self.connection, self._wanted) != self._storage
            )
        return False

    def require_same_types(self) -> None:
        """Labels and members are printed as they are called now, whatever the instant.

        Raises DatabaseFailure ``schema.changing`` where some were renamed since."""
        with connected(self._alias, purpose="look") as now, database_errors():
            if not standing.are_still(self._types, standing.types(now)):
                raise changing()

    def export(self) -> str:
        """A name under which other sessions see the same instant while this one lasts."""
        self.look_again()  # the server exports none from behind a savepoint
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT pg_export_snapshot()")
            return str(cursor.fetchone()[0])  # type: ignore[index]

    def _execute(self, statement: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)


@contextmanager
def snapshot(alias: str = "default") -> Iterator[Snapshot]:
    """Open a REPEATABLE READ, READ ONLY transaction; every end of the block rolls it back.

    Call ``hold`` before rows are read. Raises DatabaseFailure for whatever the database refuses inside
    the block, and ``schema.changing`` at its end where what was read was not what the instant had.
    """
    connection = connect(alias, purpose="snapshot")
    try:
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        view = Snapshot(connection, alias)
        yield view
        view.look_again()
        view.require_same_types()
    except _CHANGING as error:
        raise changing() from error
    except psycopg2.errors.InsufficientPrivilege as error:
        raise not_permitted(view.unreadable()) from error
    except psycopg2.Error as error:
        failure, of_rows = database_failure(error), is_of_the_rows(error)
        if (of_rows or failure.code == "database.error") and view.has_changed():
            raise changing() from error
        if of_rows and view.at:
            failure = unreadable_rows(alias, view.at, error)
        raise failure from error
    finally:
        close_quietly(connection)


def changing() -> DatabaseFailure:
    return DatabaseFailure(
        "schema.changing",
        _("The database's tables were changed by others while they were read."),
        hint=_("Let the migration or the maintenance of the database end, then try again."),
        permanent=False,
    )


def _held_by_others(connection: Connection, lock: holding.Wanted) -> BackupSystemError:
    hint = _("Let that work end, or end it, then try again.")
    found = holding.holder(connection, lock)
    message = (
        _(
            "The table {table} is locked by {holder}, so it cannot be read.",
            table=found[0],
            holder=found[1],
        )
        if found
        else _("Other work holds the tables, so they cannot be read.")
    )
    return BusyError("lock.tables", message, hint=hint, permanent=False)
