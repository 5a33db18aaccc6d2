"""Which rows the database cannot hand out as a backup reads them, and how to read all others.

A row is asked in the very words in which a backup reads it, so what is found here is what a backup would
end in: a value whose pieces are gone, bytes that are no text, a function that fails, a row over the limit.
The search halves a table by the places of its rows, which needs no index: one of those may be what is broken.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database import together
from backups.database.introspection import LiveTable
from backups.database.row_stream import rows_query
from backups.database.table_reading import TableReading

# What is said of the session, the server or its room, not of the rows.
_NOT_OF_THE_ROWS = ("08", "25", "40", "53", "55", "57")
# Permissions, and names that are not there.
_OF_THE_TABLE = "42"
# So many damaged pages are searched row by row; a table with more of them is taken for lost as a whole.
MOST_PAGES = 200
TOO_LONG = "row limit"
# PostgreSQL's insufficient_privilege.
NOT_ALLOWED = "42501"


@dataclass(frozen=True)
class Relation:
    """What holds rows: a table, or one of its partitions."""

    oid: int
    identifier: sql.Identifier
    pages: int


@dataclass(frozen=True)
class Damage:
    """What of a table cannot be read. ``state``: the SQLSTATE, or ``TOO_LONG``. ``whole``: nothing can.

    ``rows`` are places (relation, ctid) and ``pages`` such of which not even the places are known. Where
    there are none of either, all rows can be read, but not by way of an index.
    """

    state: str
    whole: bool = False
    relations: tuple[Relation, ...] = ()
    rows: tuple[tuple[int, str], ...] = ()
    pages: tuple[tuple[int, int], ...] = ()

    @property
    def is_of_an_index(self) -> bool:
        return not (self.whole or self.rows or self.pages)

    def readable(self) -> sql.Composed:
        """The rows that can be read, with their ``tableoid`` and ``ctid``."""
        return self.rows_but(self.rows, sql.SQL("*"))

    def rows_but(
        self, left_out: Sequence[tuple[int, str]], columns: sql.Composable
    ) -> sql.Composed:
        """All rows but those at these places, and but the pages that cannot be read."""
        parts = []
        for relation in self.relations:
            bad = sorted(page for oid, page in self.pages if oid == relation.oid)
            places = [place for oid, place in left_out if oid == relation.oid]
            for first, last in zip([0, *(p + 1 for p in bad)], [*bad, None], strict=True):
                parts.append(_between(relation, first, last, places, columns))
        return sql.SQL("({})").format(sql.SQL(" UNION ALL ").join(parts))


def _between(
    relation: Relation,
    first: int,
    last: int | None,
    left_out: Sequence[str] = (),
    columns: sql.Composable = sql.SQL("*"),  # noqa: B008 - it is a constant
) -> sql.Composed:
    """The rows from one page to another."""
    conditions = [sql.SQL("ctid >= {}::tid").format(sql.Literal(f"({first},0)"))]
    if last is not None:
        conditions.append(sql.SQL("ctid < {}::tid").format(sql.Literal(f"({last},0)")))
    if left_out:
        conditions.append(sql.SQL("ctid <> ALL ({}::tid[])").format(sql.Literal(list(left_out))))
    return sql.SQL("SELECT tableoid, ctid, {} FROM ONLY {} WHERE {}").format(
        columns, relation.identifier, sql.SQL(" AND ").join(conditions)
    )


def damage_of(connection: Connection, reading: TableReading, limit_bytes: int) -> Damage | None:
    """Read all rows as a backup would, on the server alone. None where nothing stands in the way.

    ``connection`` is in a transaction, of which nothing is left behind.
    """
    state = _objection(connection, reading, limit_bytes)
    if not state:
        return None
    if state.startswith(_OF_THE_TABLE):
        return Damage(state, whole=True)
    with without_indexes(connection):
        return _searched(connection, reading, limit_bytes, state)


def undamaged(
    connection: Connection, readings: Sequence[TableReading], limit_bytes: int
) -> set[str]:
    """Of small tables those of which ``damage_of`` is None, found by reading many at once. Of those that are
    not named, ask by itself."""
    small = together.small_tables(connection, [reading.table for reading in readings])
    found = set(small.empty)
    small_ones = [r for r in readings if r.table.name in small.names - small.empty]
    for some in together.some_at_once(small_ones):
        numbers: list[int] = []
        queries = [_too_long(reading, limit_bytes) for reading in some]

        def read(numbers: list[int] = numbers, queries: list[sql.Composed] = queries) -> None:
            numbers.extend(together.numbers(connection, queries))

        if not _refusal(connection, read):
            found |= {r.table.name for r, n in zip(some, numbers, strict=True) if not n}
    return found


def is_of_the_rows(error: psycopg2.Error) -> bool:
    """Whether an error tells of what is in the tables, and not of the session or the server."""
    state = error.pgcode or ""
    return bool(state) and not state.startswith(_NOT_OF_THE_ROWS)


def keys_of(connection: Connection, damage: Damage, key: Sequence[str]) -> dict[str, list[str]]:
    """The keys of the damaged rows, by place, of those whose key at least can be read."""
    found: dict[str, list[str]] = {}
    relations = {relation.oid: relation for relation in damage.relations}
    for oid, place in damage.rows:
        query = sql.SQL("SELECT {} FROM ONLY {} WHERE ctid = {}::tid").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(c)) for c in key),
            relations[oid].identifier,
            sql.Literal(place),
        )
        _refusal(connection, partial(_key_at, connection, query, found, f"{oid} {place}"))
    return found


def _key_at(
    connection: Connection, query: sql.Composed, into: dict[str, list[str]], at: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query)
        if row := cursor.fetchone():
            into[at] = [str(cell) for cell in row]


class _TooMuch(Exception):
    """So much is damaged that looking at every row is no use."""


def _searched(connection: Connection, reading: TableReading, limit: int, state: str) -> Damage:
    try:
        return _search(connection, reading, limit, state)
    except _TooMuch:
        return Damage(state, whole=True)


def _search(connection: Connection, reading: TableReading, limit: int, state: str) -> Damage:
    found = Damage(state, relations=_relations(connection, reading.table))
    for relation in found.relations:

        def is_readable(first: int, last: int, relation: Relation = relation) -> bool:
            part = _from(reading, _between(relation, first, last))
            return not _objection(connection, part, limit)

        for page in _bad_pages(is_readable, relation.pages):
            found = _with_page(connection, reading, limit, found, relation, page)
    return found


def _bad_pages(is_readable: Callable[[int, int], bool], pages: int) -> list[int]:
    """The pages of a relation that hold what cannot be read, found by halving."""
    bad: list[int] = []
    waiting = [(0, pages)]
    while waiting:
        first, last = waiting.pop()
        if first >= last or is_readable(first, last):
            continue
        if last - first > 1:
            middle = (first + last) // 2
            waiting += [(middle, last), (first, middle)]
        else:
            bad.append(first)
        if len(bad) > MOST_PAGES:
            raise _TooMuch
    return bad


def _with_page(
    connection: Connection,
    reading: TableReading,
    limit: int,
    found: Damage,
    relation: Relation,
    page: int,
) -> Damage:
    """What is known already, and the rows of one more page that cannot be read."""
    places: list[str] = []
    listing = partial(_places, connection, relation, page, places)
    if _refusal(connection, listing):
        return replace(found, pages=(*found.pages, (relation.oid, page)))
    bad = []
    for place in places:
        row = sql.SQL("SELECT tableoid, ctid, * FROM ONLY {} WHERE ctid = {}::tid").format(
            relation.identifier, sql.Literal(place)
        )
        if _objection(connection, _from(reading, row), limit):
            bad.append((relation.oid, place))
    return replace(found, rows=(*found.rows, *bad))


def _places(connection: Connection, relation: Relation, page: int, into: list[str]) -> None:
    query = sql.SQL("SELECT ctid::text FROM ({}) AS t").format(_between(relation, page, page + 1))
    with connection.cursor() as cursor:
        cursor.execute(query)
        into += [place for (place,) in cursor.fetchall()]


def _from(reading: TableReading, rows: sql.Composed) -> TableReading:
    return reading_from(reading, sql.SQL("({})").format(rows))


def reading_from(reading: TableReading, source: sql.Composable) -> TableReading:
    """The same reading, of other rows of the table."""
    return replace(reading, table=replace(reading.table, source=source))


def _relations(connection: Connection, table: LiveTable) -> tuple[Relation, ...]:
    leaves = "SELECT relid FROM pg_partition_tree(%(oid)s::oid) WHERE isleaf"
    own = "SELECT %(oid)s::oid"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.oid, n.nspname, c.relname,"
            " pg_relation_size(c.oid) / current_setting('block_size')::bigint"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            f" WHERE c.oid IN ({leaves if table.partitioned else own}) ORDER BY c.oid",
            {"oid": table.oid},
        )
        return tuple(
            Relation(oid, sql.Identifier(schema, name), int(pages))
            for oid, schema, name, pages in cursor.fetchall()
        )


def _objection(connection: Connection, reading: TableReading, limit_bytes: int) -> str:
    """What the database says against reading these rows; empty where it hands all of them out."""
    query = _too_long(reading, limit_bytes)
    too_long: list[int] = []

    def read() -> None:
        with connection.cursor() as cursor:
            cursor.execute(query)
            too_long.append(int(cursor.fetchone()[0]))  # type: ignore[index]

    return _refusal(connection, read) or (TOO_LONG if too_long[0] else "")


def _too_long(reading: TableReading, limit_bytes: int) -> sql.Composed:
    """Counts the rows over the limit, and looks at all."""
    # The conversion lets the server look at every byte: sent as they are, nobody would until too late.
    return sql.SQL(
        "SELECT count(*) FILTER (WHERE octet_length(convert_to(r.line, 'UTF8')) >= {})"
        " FROM ({}) AS r(line)"
    ).format(sql.Literal(limit_bytes), rows_query(reading))


def _refusal(connection: Connection, work: Callable[[], None]) -> str:
    """The SQLSTATE that ended the work, behind a savepoint; empty where it came to its end.

    Raises psycopg2.Error for what is not the rows' fault."""
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT read_ahead")
        try:
            work()
        except psycopg2.Error as error:
            if not is_of_the_rows(error):
                raise
            cursor.execute("ROLLBACK TO SAVEPOINT read_ahead")
            return str(error.pgcode)
        finally:
            if connection.info.transaction_status == psycopg2.extensions.TRANSACTION_STATUS_INTRANS:
                cursor.execute("RELEASE SAVEPOINT read_ahead")
    return ""


# What is forbidden counts as very dear until PostgreSQL 17, and what is dear is compiled first (jit), which
# takes longer than most questions.
BY_INDEX = ("enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan", "jit")
_BY_PLACE = ("enable_seqscan", *BY_INDEX)


@contextlib.contextmanager
def without_indexes(connection: Connection) -> Iterator[None]:
    """Inside the block rows are found by their place alone; the transaction's settings are as before
    after it. Nothing may be written inside."""
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT by_place")
        for name in _BY_PLACE:
            cursor.execute(sql.SQL("SET LOCAL {} = off").format(sql.Identifier(name)))
        # Where everything is forbidden, an index is as good as anything.
        for name in ("enable_tidscan", "enable_sort"):
            cursor.execute(sql.SQL("SET LOCAL {} = on").format(sql.Identifier(name)))
        yield
        cursor.execute("ROLLBACK TO SAVEPOINT by_place")
        cursor.execute("RELEASE SAVEPOINT by_place")


@contextlib.contextmanager
def by_place(connection: Connection, readings: Sequence[TableReading]) -> Iterator[None]:
    """``without_indexes`` where one of these readings leaves rows out, else nothing."""
    if all(reading.table.source is None for reading in readings):
        yield
        return
    with without_indexes(connection):
        yield
