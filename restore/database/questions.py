"""What a plan asks of the database: the file's waiting rows beside the live ones. Nothing here writes to the
application's tables."""

from collections.abc import Iterator, Sequence

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable
from restore.database.catalogue import ForeignKey
from restore.database.rules import (
    CheckRule,
    ExclusionRule,
    GeneratedRule,
    PartitionRule,
    PlainIndex,
    UniqueRule,
)
from restore.database.waiting_tables import PLACE, WaitingTable, names, same


def ask(connection: Connection, query: sql.Composable) -> int:
    """One number."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])  # type: ignore[index]


def last_number(
    connection: Connection, waiting: WaitingTable, column: str, *, rises: bool
) -> int | None:
    """The number of the file's rows that a sequence reaches last; None where there is none."""
    query = sql.SQL("SELECT {}({}) FROM {}").format(
        sql.SQL("max" if rises else "min"), sql.Identifier(column), waiting.relation
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        (found,) = cursor.fetchone() or (None,)
    return None if found is None else int(found)


def has_more_than(connection: Connection, table: LiveTable, rows: int) -> bool:
    """Whether the table has more rows than that, without counting them all."""
    query = sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT {}) AS t")
    return ask(connection, query.format(table.own_rows, sql.Literal(rows + 1))) > rows


def not_in(
    connection: Connection, first: sql.Identifier, second: sql.Composable, key: Sequence[str]
) -> int:
    """Rows of ``first`` whose key is not in ``second``."""
    return ask(
        connection,
        sql.SQL(
            "SELECT count(*) FROM {} AS a WHERE NOT EXISTS (SELECT FROM {} AS b WHERE {})"
        ).format(first, second, same("a", "b", key)),
    )


def repeated(connection: Connection, waiting: WaitingTable, rule: UniqueRule) -> int:
    """Values that stand more than once where they may stand once."""
    return ask(connection, count_repeated(waiting, rule))


def count_repeated(waiting: WaitingTable, rule: UniqueRule) -> sql.Composed:
    return sql.SQL(
        "SELECT count(*) FROM (SELECT FROM (SELECT {terms} FROM {waiting} WHERE {covers}) AS t"
        " GROUP BY {names} HAVING count(*) > 1) AS r"
    ).format(
        terms=rule.term_list,
        waiting=waiting.relation,
        covers=rule.covers,
        names=sql.SQL(", ").join(rule.names),
    )


def count_shared(rows: sql.Composable, key: Sequence[str]) -> sql.Composed:
    """Rows that share their key with others. One that is not all there is nobody's."""
    return sql.SQL(
        "SELECT coalesce(sum(k.rows), 0) FROM (SELECT count(*) AS rows FROM {} AS t GROUP BY {}"
        " HAVING count(*) > 1 AND {}) AS k"
    ).format(rows, names(key, "t"), filled("t", key))


def leave_out_repeated(connection: Connection, waiting: WaitingTable, rule: UniqueRule) -> int:
    """Of waiting rows with the same unique value keep the first of the file. Returns how many go."""
    query = sql.SQL(
        "DELETE FROM {waiting} AS w USING (SELECT {place}, row_number() OVER (PARTITION BY {names}"
        " ORDER BY {place}) AS {again} FROM (SELECT ctid AS {place}, {terms} FROM {waiting}"
        " WHERE {covers}) AS t) AS r WHERE w.ctid = r.{place} AND r.{again} > 1"
    ).format(
        waiting=waiting.relation,
        place=sql.Identifier(PLACE),
        names=sql.SQL(", ").join(rule.names),
        again=sql.Identifier(_AGAIN),
        terms=rule.term_list,
        covers=rule.covers,
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.rowcount)


def broken(connection: Connection, waiting: WaitingTable, rule: CheckRule | PartitionRule) -> int:
    """Rows of the file that break a rule of their table."""
    return ask(connection, count_broken(waiting, rule))


def count_broken(waiting: WaitingTable, rule: CheckRule | PartitionRule) -> sql.Composed:
    return sql.SQL("SELECT count(*) FROM {} WHERE {}").format(waiting.relation, rule.is_broken)


def dangling(
    connection: Connection, rows: sql.Composable, key: ForeignKey, target: sql.Composable
) -> int:
    """Those of ``rows`` whose reference leads to nothing in ``target``."""
    return ask(connection, count_dangling(rows, key, target))


def count_dangling(rows: sql.Composable, key: ForeignKey, target: sql.Composable) -> sql.Composed:
    return sql.SQL("SELECT count(*) FROM {} AS s WHERE {} AND {} AND NOT {}").format(
        rows, sql.SQL(key.source.condition), filled("s", key.columns), key.leads_to("s", target)
    )


def find_widest_entry(waiting: WaitingTable, columns: Sequence[str]) -> sql.Composed:
    """The bytes that an index over all of these columns takes for a row of the file, at most."""
    sizes = sql.SQL(" + ").join(
        sql.SQL("coalesce(pg_catalog.pg_column_size({}), 0) + {}").format(
            sql.Identifier(name), sql.Literal(_ROOM_OF_A_CELL)
        )
        for name in columns
    )
    return sql.SQL("SELECT coalesce(pg_catalog.max({}), 0) FROM {}").format(sizes, waiting.relation)


def first_repeated(
    connection: Connection, waiting: WaitingTable, rule: UniqueRule, key: Sequence[str]
) -> tuple[int, tuple[str, ...]]:
    """Number in the file and key of the first row whose unique values an earlier row has."""
    again = sql.SQL("row_number() OVER (PARTITION BY {}, {} ORDER BY t.{})").format(
        sql.Identifier(_COVERED), sql.SQL(", ").join(rule.names), sql.Identifier(PLACE)
    )
    terms = sql.SQL(", ({}) AS {}, {}").format(
        rule.covers, sql.Identifier(_COVERED), rule.term_list
    )
    condition = sql.SQL("s.{} = 2 AND s.{}").format(
        sql.Identifier(_AGAIN), sql.Identifier(_COVERED)
    )
    return _first(connection, waiting, key, condition, again=again, terms=terms)


def first_broken(
    connection: Connection,
    waiting: WaitingTable,
    rule: CheckRule | PartitionRule,
    key: Sequence[str],
) -> tuple[int, tuple[str, ...]]:
    """Number in the file and key of the first row that breaks a rule of its table."""
    return _first(connection, waiting, key, rule.is_broken)


def first_dangling(
    connection: Connection,
    waiting: WaitingTable,
    foreign: ForeignKey,
    target: sql.Composable,
    key: Sequence[str],
) -> tuple[int, tuple[str, ...]]:
    """Number in the file and key of the first row whose reference leads to nothing."""
    condition = sql.SQL("{} AND {} AND NOT {}").format(
        sql.SQL(foreign.source.condition),
        filled("s", foreign.columns),
        foreign.leads_to("s", target),
    )
    return _first(connection, waiting, key, condition)


def first_excluded(
    connection: Connection, waiting: WaitingTable, rule: ExclusionRule, key: Sequence[str]
) -> tuple[int, tuple[str, ...]]:
    """Number in the file and key of the first row that an earlier row excludes."""
    places = range(len(rule.terms))
    terms = sql.SQL("").join(
        sql.SQL(", ({}) AS {}").format(sql.SQL(rule.terms[n]), sql.Identifier(f"__term_{n}"))
        for n in places
    )
    conflict = sql.SQL(" AND ").join(
        sql.SQL("o.{term} {operator} s.{term}").format(
            term=sql.Identifier(f"__term_{n}"), operator=sql.SQL(rule.operators[n])
        )
        for n in places
    )
    condition = sql.SQL(
        "EXISTS (SELECT FROM (SELECT ctid AS {place}{terms} FROM {waiting} WHERE {covers}) AS o"
        " WHERE o.{place} < s.{place} AND {conflict}) AND {covers}"
    ).format(
        place=sql.Identifier(PLACE),
        terms=terms,
        waiting=waiting.relation,
        covers=sql.SQL(rule.condition or "true"),
        conflict=conflict,
    )
    return _first(connection, waiting, key, condition, terms=terms)


_NUMBER, _AGAIN, _COVERED = "__number", "__again", "__covered"
# Between two cells of an entry, so that each stands where the processor wants it.
_ROOM_OF_A_CELL = 8


def _first(
    connection: Connection,
    waiting: WaitingTable,
    key: Sequence[str],
    condition: sql.Composable,
    *,
    again: sql.Composable = sql.SQL("1"),  # noqa: B008 - it is a constant
    terms: sql.Composable = sql.SQL(""),  # noqa: B008
) -> tuple[int, tuple[str, ...]]:
    """A waiting table was filled in one go, so its rows lie in the order of the file's."""
    query = sql.SQL(
        "SELECT {number}, {key} FROM (SELECT t.*, row_number() OVER (ORDER BY t.{place}) AS {number},"
        " {again} AS {again_name} FROM (SELECT *, ctid AS {place}{terms} FROM {waiting}) AS t) AS s"
        " WHERE {condition} ORDER BY {number} LIMIT 1"
    ).format(
        number=sql.Identifier(_NUMBER),
        key=sql.SQL(", ").join(sql.SQL("s.{}::text").format(sql.Identifier(c)) for c in key),
        place=sql.Identifier(PLACE),
        again=again,
        again_name=sql.Identifier(_AGAIN),
        terms=terms,
        waiting=waiting.relation,
        condition=condition,
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        number, *found = cursor.fetchone() or (0,)
    return int(number), tuple(found)


def left_empty(connection: Connection, waiting: WaitingTable, rule: GeneratedRule) -> int:
    """Compute a generated column of every row; of how many it is NULL. Raises psycopg2.Error."""
    query = sql.SQL("SELECT count(*) - pg_catalog.count(({})) FROM {}").format(
        sql.SQL(rule.expression), waiting.relation
    )
    return ask(connection, query)


def try_index(connection: Connection, waiting: WaitingTable, rule: UniqueRule | PlainIndex) -> None:
    """Build an index like that of the table. Raises psycopg2.Error where rows do not go into it."""
    unique = sql.SQL("UNIQUE " if isinstance(rule, UniqueRule) else "")
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE {}INDEX ON {}{}").format(unique, waiting.relation, sql.SQL(rule.tail))
        )


def try_exclusion(connection: Connection, waiting: WaitingTable, rule: ExclusionRule) -> None:
    """Add a constraint like that of the table. Raises psycopg2.Error where rows exclude one another."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("ALTER TABLE {} ADD {}").format(waiting.relation, sql.SQL(rule.definition))
        )


def filled(alias: str, columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(" AND ").join(
        sql.SQL("{} IS NOT NULL").format(sql.Identifier(alias, c)) for c in columns
    )


def revoked_now(
    connection: Connection,
    waiting: WaitingTable,
    live: LiveTable,
    key: Sequence[str],
    state: Sequence[tuple[str, str]],
) -> int:
    """Rows of the file that are not in the revoked state there and are in it now."""
    return ask(
        connection,
        sql.SQL("SELECT count(*) FROM {} AS s JOIN {} AS c ON {} WHERE {} AND NOT ({})").format(
            waiting.relation,
            live.own_rows,
            same("s", "c", key),
            in_state("c", state),
            in_state("s", state),
        ),
    )


def in_state(alias: str, state: Sequence[tuple[str, str]]) -> sql.Composed:
    """``alias.column`` has the value, compared as PostgreSQL prints it."""
    return sql.SQL(" AND ").join(
        sql.SQL("{}::text IS NOT DISTINCT FROM {}").format(sql.Identifier(alias, c), sql.Literal(v))
        for c, v in state
    )


def rows_of(
    connection: Connection, query: sql.Composable, *, name: str = "rows"
) -> Iterator[tuple[object, ...]]:
    """Stream the rows of a query through a cursor of the server's."""
    with connection.cursor(name=name) as cursor:
        cursor.execute(query)
        yield from cursor
