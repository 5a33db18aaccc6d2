"""The one transaction of a restore, step by step, on a plain connection.

The order matters: see ``detaching`` too. TRUNCATE names its tables and never cascades: it would empty the
admin's log and all that points here.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.artifact.tail import Sequence
from backups.database import holding
from backups.database.damage import is_of_the_rows
from backups.database.introspection import LiveSequence, LiveTable
from backups.database.table_reading import TableReading
from restore.database import questions, redacted
from restore.database.catalogue import ForeignKey
from restore.database.detaching import Detached, LeftOff, Lenient
from restore.database.failures import restore_failure, tables_busy
from restore.database.indexes import SpareIndexes
from restore.database.verification import RowsDigest, read_digest

Answer = TypeVar("Answer")


class RestoreTransaction:
    """Use as ``with restore_transaction(connection) as work``; what is not committed never was."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._detached = Detached(connection)
        self._indexes = SpareIndexes(connection)

    def hold(
        self,
        tables: Iterable[LiveTable],
        *,
        wait_seconds: float,
        read: Iterable[LiveTable] = (),
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Keep others from writing to the tables, and from rewriting or emptying those that are only
        ``read``; reading goes on, for the safety backup. ``check`` is called while it waits."""
        locks = ((tables, holding.EXCLUSIVE), (read, holding.ACCESS_SHARE))
        self._lock(*locks, wait_seconds=wait_seconds, check=check)

    def lock(self, tables: Iterable[LiveTable], *, wait_seconds: float) -> None:
        """Take every table alone."""
        self._lock((tables, holding.ACCESS_EXCLUSIVE), wait_seconds=wait_seconds)

    def _lock(
        self,
        *wanted: holding.Wanted,
        wait_seconds: float,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        asked = [(list(tables), mode) for tables, mode in wanted]
        try:
            holding.take(self.connection, *asked, wait_seconds=wait_seconds, check=check)
        except (psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected) as error:
            raise tables_busy(holding.holder(self.connection, *asked)) from error
        holding.wait_for_locks(self.connection, wait_seconds)

    @contextlib.contextmanager
    def only_looking(self) -> Iterator[None]:
        """What the block leaves behind, temporary tables say, is gone after it. Locks stay."""
        self._execute(sql.SQL("SAVEPOINT looking"))
        yield
        self._execute(sql.SQL("ROLLBACK TO SAVEPOINT looking"))
        self._execute(sql.SQL("RELEASE SAVEPOINT looking"))

    def looked(self, look: Callable[[], Answer]) -> Answer | None:
        """``only_looking``; None where the database refuses for what is in the rows."""
        found: list[Answer] = []
        self._execute(sql.SQL("SAVEPOINT looking"))
        try:
            found.append(look())
        except psycopg2.Error as error:
            if not is_of_the_rows(error):
                raise
        self._execute(sql.SQL("ROLLBACK TO SAVEPOINT looking"))
        self._execute(sql.SQL("RELEASE SAVEPOINT looking"))
        return found[0] if found else None

    def detach(
        self,
        keys: list[ForeignKey],
        tables: Iterable[LiveTable],
        filled: Iterable[LiveTable] = (),
    ) -> None:
        """Take off what would object to rows or act on them; ``attach`` puts it back. Of those that are
        ``filled`` with many rows the indexes go too, which are sooner built than kept up to date. More tables
        can follow, with the keys of theirs that are still there and nothing ``filled``."""
        held = list(tables)
        self._detached.detach(keys, held)
        self._indexes.take_off(filled, held)

    def empty(self, tables: Iterable[LiveTable]) -> None:
        names = [table.own_rows for table in tables]
        if names:
            self._execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(names)))

    def remove_followers(self, key: ForeignKey) -> int:
        """Remove the rows whose target has gone. Returns how many."""
        return self._execute(
            sql.SQL("DELETE FROM {} AS t WHERE {} AND NOT {}").format(
                key.source.rows,
                questions.filled("t", key.columns),
                key.leads_to("t", key.target.rows),
            )
        )

    def clear_references(self, key: ForeignKey) -> int:
        """Let references whose target has gone become NULL. Returns how many."""
        return redacted.clear_dangling(self.connection, key)

    def attach(self, lenient: Lenient) -> list[LeftOff]:
        """See ``SpareIndexes.put_back`` and ``Detached.attach``: keys lean on indexes."""
        self._indexes.put_back()
        return self._detached.attach(lenient)

    def set_sequence(self, sequence: LiveSequence, state: Sequence) -> None:
        """RESTART makes the change transactional, setval makes it exact; alone, setval would stay."""
        self._execute(sql.SQL("ALTER SEQUENCE {} RESTART").format(sequence.identifier))
        self._execute(
            sql.SQL("SELECT setval({}::regclass, {}, {})").format(
                sql.Literal(sequence.identifier.as_string(self.connection)),
                sql.Literal(state.last_value),
                sql.Literal(state.is_called),
            )
        )

    def set_sequence_behind(
        self, sequence: LiveSequence, table: LiveTable, state: Sequence | None = None
    ) -> None:
        """Let the sequence go on behind the last value of the column that owns it, from ``state``, else from
        its start, where there is none, and never beyond its own bounds."""
        if state is None:
            self._execute(sql.SQL("ALTER SEQUENCE {} RESTART").format(sequence.identifier))
        else:
            self.set_sequence(sequence, state)
        if not sequence.whole:
            return
        last = sql.SQL("{}({})::bigint").format(
            sql.SQL("max" if sequence.rises else "min"), sql.Identifier(sequence.column)
        )
        self._execute(
            sql.SQL(
                "SELECT setval({name}::regclass, CASE WHEN {rises} THEN least(r.last, {maximum})"
                " ELSE greatest(r.last, {minimum}) END)"
                " FROM (SELECT {last} AS last FROM {table}) AS r,"
                " (SELECT last_value AS start FROM {sequence}) AS s"
                " WHERE CASE WHEN {rises} THEN r.last >= s.start ELSE r.last <= s.start END"
            ).format(
                name=sql.Literal(sequence.identifier.as_string(self.connection)),
                rises=sql.Literal(sequence.rises),
                maximum=sql.Literal(sequence.maximum),
                minimum=sql.Literal(sequence.minimum),
                last=last,
                table=table.identifier,
                sequence=sequence.identifier,
            )
        )

    def digest(self, reading: TableReading) -> RowsDigest:
        """Read rows back as a backup would."""
        return read_digest(self.connection, reading)

    def empty_sessions(self, table: LiveTable) -> int:
        """Sign everybody out. Returns how many sessions ended."""
        return self._execute(sql.SQL("DELETE FROM {}").format(table.identifier))

    def write_receipt(self, table: LiveTable, run_id: str) -> None:
        self._execute(
            sql.SQL("INSERT INTO {} (run_id, committed_at) VALUES ({}, now())").format(
                table.identifier, sql.Literal(run_id)
            )
        )

    def hold_outgoing(self, table: LiveTable, run_id: str) -> None:
        """From the commit on, mail and jobs are held."""
        self._execute(
            sql.SQL(
                "INSERT INTO {} (since, restore_run, released_by) VALUES (now(), {}, '')"
            ).format(table.identifier, sql.Literal(run_id))
        )

    def _execute(self, query: sql.Composable) -> int:
        with self.connection.cursor() as cursor:
            cursor.execute(query)
            return int(cursor.rowcount)


@contextlib.contextmanager
def restore_transaction(connection: Connection) -> Iterator[RestoreTransaction]:
    """Commit at the end of the block; at any exception the database stays as it was.

    Raises RestoreError or DatabaseFailure for what the database refuses.
    """
    connection.autocommit = False
    try:
        with restore_failure():
            yield RestoreTransaction(connection)
            connection.commit()
    except BaseException:
        with contextlib.suppress(psycopg2.Error):
            connection.cancel()
            connection.rollback()
        raise
