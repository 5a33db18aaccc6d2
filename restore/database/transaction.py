"""The one transaction of a restore, step by step, on a plain connection.

The order matters. Foreign keys go before any other statement: dropping them later fails with pending
trigger events. TRUNCATE names its tables and never cascades: it would empty the admin's log and all
that points here.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.artifact.tail import Sequence
from backups.database import holding
from backups.database.introspection import LiveSequence, LiveTable
from backups.database.reading import TableReading
from restore.database import catalogue, copying, questions, redacted
from restore.database.catalogue import ForeignKey, Trigger
from restore.database.failures import restore_failure, tables_busy
from restore.database.staging import same
from restore.database.targets import Target
from restore.database.verification import RowsDigest, read_digest


class RestoreTransaction:
    """Use as ``with restore_transaction(connection) as work``; what is not committed never was."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._keys: list[ForeignKey] = []
        self._triggers: list[Trigger] = []

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

    def detach(self, keys: list[ForeignKey], tables: Iterable[LiveTable]) -> None:
        """Drop the foreign keys and silence the application's triggers; ``attach`` undoes both."""
        self._keys = keys
        for key in keys:
            self._execute(
                sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(
                    key.identifier, sql.Identifier(key.name)
                )
            )
        self._triggers = catalogue.triggers(self.connection, tables)
        for trigger in self._triggers:
            self._alter_trigger("DISABLE", trigger)

    def empty(self, tables: Iterable[LiveTable]) -> None:
        names = [table.own_rows for table in tables]
        self._execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(names)))

    def load(self, target: Target, blocks: Iterator[bytes]) -> int:
        """COPY the rows of one section. Returns how many. Raises RestoreError naming the row."""
        return copying.load(self.connection, target, blocks)

    def remove_followers(self, key: ForeignKey) -> int:
        """Remove the rows whose target has gone. Returns how many."""
        return self._execute(
            sql.SQL(
                "DELETE FROM {} AS t WHERE {} AND NOT EXISTS (SELECT FROM {} AS o WHERE {})"
            ).format(
                key.identifier,
                questions.filled("t", key.columns),
                key.target_identifier,
                same("t", "o", key.columns, key.target_columns),
            )
        )

    def clear_references(self, key: ForeignKey) -> int:
        """Let references whose target has gone become NULL. Returns how many."""
        return redacted.clear_dangling(self.connection, key)

    def attach(self) -> None:
        """Add the foreign keys again, which validates them, and wake the triggers."""
        for key in self._keys:
            with restore_failure(constraint=key.name, table=key.table):
                self._execute(
                    sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                        key.identifier, sql.Identifier(key.name), sql.SQL(key.definition)
                    )
                )
            if key.comment is not None:
                self._execute(
                    sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS {}").format(
                        sql.Identifier(key.name), key.identifier, sql.Literal(key.comment)
                    )
                )
        for trigger in self._triggers:
            self._alter_trigger("ENABLE ALWAYS" if trigger.firing == "A" else "ENABLE", trigger)

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

    def set_sequence_behind(self, sequence: LiveSequence, table: LiveTable) -> None:
        """Let the sequence go on behind the highest value of the column that owns it."""
        self._execute(sql.SQL("ALTER SEQUENCE {} RESTART").format(sequence.identifier))
        self._execute(
            sql.SQL("SELECT setval({}::regclass, max({})) FROM {} HAVING max({}) > 0").format(
                sql.Literal(sequence.identifier.as_string(self.connection)),
                sql.Identifier(sequence.column),
                table.identifier,
                sql.Identifier(sequence.column),
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

    def _alter_trigger(self, how: str, trigger: Trigger) -> None:
        self._execute(
            sql.SQL("ALTER TABLE {} {} TRIGGER {}").format(
                trigger.identifier, sql.SQL(how), sql.Identifier(trigger.name)
            )
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
