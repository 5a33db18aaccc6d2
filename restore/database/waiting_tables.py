"""The rows of a file, waiting beside the live ones in temporary tables of one connection.

Nothing of the application's is written: temporary tables live and die with the connection.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_DEFAULT, ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection

from backups.database import holding
from backups.database.introspection import LiveColumn, LiveTable
from restore.database.copying import copy_in
from restore.database.failures import copy_failure, reason_of, tables_busy
from restore.database.targets import Target

Relation = sql.Identifier
# Three hundred rows are sampled for each: https://www.postgresql.org/docs/current/planner-stats.html
_STATISTICS_TARGET = 10
# So much of a table's rows goes to the server at once, before the table is there.
_LITTLE_BYTES = 256 * 1024
# A line of COPY's. Whatever it says fits on a page, and into an entry of an index.
_NARROW_BYTES = 1000
# The version of the server from which on CREATE TABLE may say how a column is stored.
_SAYS_STORAGE = 160000


@contextlib.contextmanager
def one_instant(
    connection: Connection,
    tables: Iterable[LiveTable],
    *,
    wait_seconds: float,
    check: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """A REPEATABLE READ transaction that is always rolled back; then the connection is in autocommit.

    The tables that are read are locked before its instant, or those that somebody rewrites or empties
    by TRUNCATE meanwhile would have no rows. ``check`` is called while it waits.

    Raises BusyError ``restore.tables_busy`` where somebody holds on to one of them."""
    connection.autocommit = False
    connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ)
    lock = (list(tables), holding.ACCESS_SHARE)
    try:
        try:
            holding.take(connection, lock, wait_seconds=wait_seconds, check=check)
        except (psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected) as error:
            raise tables_busy(holding.holder(connection, lock)) from error
        holding.wait_for_locks(connection, wait_seconds)
        yield
    finally:
        connection.rollback()
        connection.set_session(isolation_level=ISOLATION_LEVEL_DEFAULT)
        connection.autocommit = True


@dataclass(frozen=True)
class WaitingTable:
    """A section's rows as they came out of the file, with the cells of columns that it did not have.
    ``relation`` is the temporary table. ``generated`` are columns that it has besides, and nobody writes."""

    target: Target
    columns: tuple[str, ...]
    relation: sql.Identifier
    generated: tuple[str, ...] = ()

    def has(self, columns: Iterable[str]) -> bool:
        """Whether these can be asked of its rows."""
        return {*columns} <= {*self.columns, *self.generated}


def plan_waiting(number: int, target: Target) -> WaitingTable:
    """What ``make_waiting`` makes: a temporary table with the live types of the columns that are written, and
    no constraints: of a domain the type that it is made of, as rows may break its rules, and text where it is
    within another."""
    columns = (*target.live_columns, *target.fills)
    return WaitingTable(target, columns, sql.Identifier("pg_temp", f"waiting_{number}"))


def create_aside(
    connection: Connection, name: str, table: LiveTable, columns: Sequence[str]
) -> sql.Identifier:
    """An empty temporary table with columns of a live one."""
    relation = sql.Identifier("pg_temp", name)
    _execute(connection, _creation(relation, table, columns))
    return relation


# No column of an application is called so. A place is only a row's own within one partition.
PART, PLACE = "__part", "__place"


def create_lost(connection: Connection, name: str, table: LiveTable) -> sql.Identifier:
    """An empty temporary table for rows of a live one, with their place in it."""
    query = sql.SQL(
        "CREATE TEMPORARY TABLE {} AS SELECT tableoid AS {}, ctid AS {}, {} FROM {} WHERE false"
    ).format(
        sql.Identifier(name),
        sql.Identifier(PART),
        sql.Identifier(PLACE),
        names(list(table.columns)),
        table.identifier,
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
    return sql.Identifier("pg_temp", name)


def _creation(relation: sql.Identifier, table: LiveTable, columns: Sequence[str]) -> sql.Composed:
    name = sql.Identifier(relation.strings[-1])
    cells = sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(
            without_domain(sql.Identifier(column), table.columns[column]), sql.Identifier(column)
        )
        for column in columns
    )
    return sql.SQL("CREATE TEMPORARY TABLE {} AS SELECT {} FROM {} WHERE false").format(
        name, cells, table.identifier
    )


def without_domain(cell: sql.Composable, column: LiveColumn) -> sql.Composable:
    """A live cell as those of waiting rows are: of domains as what they are made of."""
    return sql.SQL("{}::{}").format(cell, sql.SQL(column.base)) if column.base else cell


def plain_cells(table: LiveTable, columns: Sequence[str], alias: str) -> sql.Composed:
    """Live cells to be compared with those of waiting rows, which takes equal types."""
    return sql.SQL(", ").join(
        without_domain(sql.Identifier(alias, name), table.columns[name]) for name in columns
    )


def drop_all(connection: Connection) -> None:
    """Drop every temporary table of the connection, which must be in autocommit."""
    with connection.cursor() as cursor:
        cursor.execute("DISCARD TEMP")


@contextlib.contextmanager
def small_samples(connection: Connection) -> Iterator[None]:
    """Waiting tables that are filled in the block are looked at by few rows: enough to choose how to join
    them, and of nothing else do their statistics decide. ``connection`` is in autocommit."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET default_statistics_target = {_STATISTICS_TARGET}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET default_statistics_target")


def make_waiting(connection: Connection, waiting: WaitingTable, blocks: Iterator[bytes]) -> None:
    """Make a waiting table and fill it, as ``fill_waiting`` does. What is little goes to the server together
    with the table's own statement; of so few rows nobody needs statistics."""
    first = _first_bytes(blocks)
    if len(first) <= _LITTLE_BYTES and _could_go_at_once(connection, waiting, first):
        return
    table = waiting.target.table
    _execute(connection, _creation(waiting.relation, table, waiting.columns))
    fill_waiting(connection, waiting, itertools.chain((first,), blocks))


def _first_bytes(blocks: Iterator[bytes]) -> bytes:
    """All that comes where that is little, else more than that."""
    first: list[bytes] = []
    size = 0
    while size <= _LITTLE_BYTES and (block := next(blocks, None)) is not None:
        first.append(block)
        size += len(block)
    return b"".join(first)


def _could_go_at_once(connection: Connection, waiting: WaitingTable, lines: bytes) -> bool:
    """False where the database refuses a row, or has no room for it like that; there is no table then."""
    table = waiting.target.table
    if _are_narrow(lines) and _is_ordinary(connection, table, waiting.columns):
        creation = _plain_creation(waiting.relation, table, waiting.columns)
    else:
        creation = _creation(waiting.relation, table, waiting.columns)
    if not lines:
        _execute(connection, creation)
        return True
    try:
        copy_in(connection, waiting.relation, waiting.columns, iter([lines]), made_by=creation)
    except psycopg2.Error as error:
        if reason_of(error) is None:
            raise copy_failure(error, waiting.target.head.key, waiting.relation) from error
        return False
    return True


def _are_narrow(lines: bytes) -> bool:
    return max(map(len, lines.split(b"\n"))) <= _NARROW_BYTES


def _is_ordinary(connection: Connection, table: LiveTable, columns: Sequence[str]) -> bool:
    kinds = [table.columns[name] for name in columns]
    return connection.info.server_version >= _SAYS_STORAGE and all(
        column.sorts_as_its_type and not column.base for column in kinds
    )


def _plain_creation(
    relation: sql.Identifier, table: LiveTable, columns: Sequence[str]
) -> sql.Composed:
    """For narrow rows: nothing will have to be put elsewhere, and three quarters of the work is to make the
    table and the index for what is. A column of any type may be told so."""
    cells = sql.SQL(", ").join(
        sql.SQL("{} {} STORAGE PLAIN").format(
            sql.Identifier(name), sql.SQL(table.columns[name].type)
        )
        for name in columns
    )
    return sql.SQL("CREATE TEMPORARY TABLE {} ({})").format(
        sql.Identifier(relation.strings[-1]), cells
    )


def fill_waiting(connection: Connection, waiting: WaitingTable, blocks: Iterator[bytes]) -> None:
    """Fill a waiting table, whose rows then lie in the order in which they came. ``connection`` is in
    autocommit. Raises RestoreError where a value does not fit its column's type; the table is empty then."""
    try:
        with _storage_of_its_own(connection, waiting.relation):
            copy_in(connection, waiting.relation, waiting.columns, blocks)
    except psycopg2.Error as error:
        raise copy_failure(error, waiting.target.head.key, waiting.relation) from error
    with connection.cursor() as cursor:
        # Without statistics the joins of the plan would be nested loops.
        cursor.execute(sql.SQL("ANALYZE {}").format(waiting.relation))


@contextlib.contextmanager
def _storage_of_its_own(connection: Connection, relation: sql.Identifier) -> Iterator[None]:
    """A transaction that fills a table from its start: into storage that is its own the server appends. Else
    it would put a small row into room that a larger one left behind."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("BEGIN; TRUNCATE {}").format(relation))
        try:
            yield
        except BaseException:
            with contextlib.suppress(psycopg2.Error):
                cursor.execute("ROLLBACK")
            raise
        cursor.execute("COMMIT")


def _execute(connection: Connection, statement: sql.Composable) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def printed(cell: sql.Composable, column: LiveColumn) -> sql.Composed:
    """The cell, live or waiting, as PostgreSQL prints it, of whatever type."""
    return column.printed(cell)


def names(columns: Sequence[str], prefix: str = "") -> sql.Composed:
    """A list of columns, each behind ``prefix.`` where one is given."""
    return sql.SQL(", ").join(
        sql.Identifier(prefix, c) if prefix else sql.Identifier(c) for c in columns
    )


def same(
    left: str, right: str, columns: Sequence[str], right_columns: Sequence[str] | None = None
) -> sql.Composed:
    """``left.a = right.b AND …``."""
    pairs = zip(columns, right_columns or columns, strict=True)
    return sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier(left, a), sql.Identifier(right, b))
        for a, b in pairs
    )
