"""What a plan asks of the database: the file's waiting rows beside the live ones. Nothing here writes to the
application's tables."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable
from restore.database.catalogue import ForeignKey
from restore.database.comparing import Difference, whole
from restore.database.rules import (
    CheckRule,
    ExclusionRule,
    GeneratedRule,
    PartitionRule,
    PlainIndex,
    UniqueRule,
)
from restore.database.waiting_tables import PART, PLACE, WaitingTable, create_lost, names, same


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


class Pairing(StrEnum):
    """How a row of the file is found among those of now.

    ``KEY_OR_NAME``: by the primary key; by the natural key where the current key is not in the file.
    ``NAME``: by the natural key alone: whoever made a foreign file chose its keys, and counted ones
    mean somebody else in another database. ``KEY_AND_ROW``: by the primary key, where all that the file says
    of the row is what stands here too. ``NOTHING``: by nothing, so that every row is a new one.
    """

    KEY = "key"
    KEY_OR_NAME = "key or natural key"
    KEY_AND_NAME = "key and natural key"
    KEY_AND_ROW = "key and row"
    NAME = "natural key"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Identity:
    """By which columns a row of the file is a row of now; ``pairing`` says how they are used.

    ``agreeing``: columns of which one at least must agree too where the key does. ``counted``: the key is a
    number that every database counts by itself.
    """

    key: tuple[str, ...]
    natural: tuple[str, ...] = ()
    pairing: Pairing = Pairing.KEY
    agreeing: tuple[str, ...] = ()
    counted: bool = False


def pairs(
    waiting: WaitingTable, current: sql.Composable, identity: Identity, columns: Sequence[str]
) -> sql.Composed:
    """For each row of the file that exists now: its key, and the current ``columns``."""
    key, natural, pairing = identity.key, identity.natural, identity.pairing
    wanted = sql.SQL(", ").join([names(key, "s"), *([names(columns, "c")] if columns else [])])
    by_key = sql.SQL("SELECT {} FROM {} AS s JOIN {} AS c ON {}").format(
        wanted, waiting.relation, current, _is_same(identity)
    )
    if pairing is not Pairing.KEY_OR_NAME:
        return by_key
    by_name = sql.SQL(
        "SELECT {} FROM {} AS s JOIN {} AS c ON {}"
        " WHERE NOT EXISTS (SELECT FROM {} AS k WHERE {})"
        " AND NOT EXISTS (SELECT FROM {} AS k WHERE {})"
    ).format(
        wanted,
        waiting.relation,
        current,
        same("s", "c", natural),
        current,
        same("s", "k", key),
        waiting.relation,
        same("c", "k", key),
    )
    return sql.SQL("{} UNION ALL {}").format(by_key, by_name)


def _is_same(identity: Identity) -> sql.Composable:
    """Whether ``s``, of the file, is ``c``, of now; what a natural key adds where keys differ apart."""
    key, natural = same("s", "c", identity.key), same("s", "c", identity.natural)
    match identity.pairing:
        case Pairing.NOTHING:
            return sql.SQL("false")
        case Pairing.NAME:
            return natural
        case Pairing.KEY_AND_NAME:
            return sql.SQL("{} AND {}").format(key, natural)
        case Pairing.KEY_AND_ROW:
            return sql.SQL("{} AND {}").format(key, _looks_the_same("s", "c", identity.natural))
    if not identity.agreeing:
        return key
    one = sql.SQL(" OR ").join(same("s", "c", [column]) for column in identity.agreeing)
    return sql.SQL("{} AND ({})").format(key, one)


def _looks_the_same(one: str, other: str, columns: Sequence[str]) -> sql.Composable:
    """Cells of two relations are equal as PostgreSQL prints them: not every type can be compared."""
    cells = [
        sql.SQL("{}::text IS NOT DISTINCT FROM {}::text").format(
            sql.Identifier(one, column), sql.Identifier(other, column)
        )
        for column in columns
    ]
    return sql.SQL(" AND ").join(cells) if cells else sql.SQL("true")


def count_pairs(waiting: WaitingTable, current: sql.Composable, identity: Identity) -> sql.Composed:
    """How many rows of the file exist now."""
    return sql.SQL("SELECT count(*) FROM ({}) AS p").format(pairs(waiting, current, identity, ()))


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


@dataclass(frozen=True)
class Follower:
    """A table outside the file whose rows may follow their delete rule."""

    table: LiveTable
    keys: tuple[tuple[ForeignKey, str], ...]


After = Callable[[str], sql.Identifier | None]


@dataclass(frozen=True)
class Meanings:
    """Conditions on a row ``t``: its reference is ``cut``, as it would mean somebody else, or ``moved``."""

    cut: sql.Composable
    moved: sql.Composable


class Simulation:
    """Which rows of tables outside the file would go, found as the restore itself will find them.

    ``after`` gives the relation that holds a written table's rows after the restore, None where there
    will be none.
    """

    def __init__(self, connection: Connection, followers: Sequence[Follower], after: After) -> None:
        self._connection = connection
        self._followers = followers
        self._after = after
        self._lost: dict[str, sql.Identifier] = {}
        self._becoming: Mapping[ForeignKey, Meanings] = {}

    def let_mean(self, becoming: Mapping[ForeignKey, Meanings]) -> None:
        """``becoming``: of references whose target may have another key afterwards, or be somebody else."""
        self._becoming = becoming

    def run(self) -> None:
        """Follow the rules until nothing changes any more."""
        for number, follower in enumerate(self._followers):
            self._lost[follower.table.name] = create_lost(
                self._connection, f"lost_{number}", follower.table
            )
        grown = {f.table.name for f in self._followers if self._follow(f, None)}
        while grown:
            grown = {f.table.name for f in self._followers if self._follow(f, grown)}

    @property
    def lost(self) -> Mapping[str, sql.Identifier]:
        """What holds the rows that would go, by table."""
        return self._lost

    def removed(self, follower: Follower) -> Difference:
        return whole(
            self._connection, self._lost[follower.table.name], list(follower.table.columns)
        )

    def set_null(self, follower: Follower) -> int:
        """References that would become NULL, of rows that stay."""
        lost = self._lost[follower.table.name]
        total = 0
        for key, rule in follower.keys:
            if rule == "set null":
                gone = sql.SQL("{} AND NOT {} AND {}").format(
                    self._gone(key), self._cut(key), _not_lost(lost)
                )
                # Those are set at once, when nothing but what is cut with them has gone.
                cut = sql.SQL("{} AND NOT ({})").format(self._cut(key), self._cut_with(follower))
                for condition in (gone, cut):
                    query = sql.SQL("SELECT count(*) FROM {} AS t WHERE {}")
                    total += ask(self._connection, query.format(follower.table.own_rows, condition))
        return total

    def _cut(self, key: ForeignKey) -> sql.Composable:
        """Of ``t``: what it points to is somebody else's key afterwards, which it must not mean."""
        meanings = self._becoming.get(key)
        return meanings.cut if meanings else sql.SQL("false")

    def _cut_with(self, follower: Follower) -> sql.Composable:
        """Of ``t``: another reference of it is cut, and takes the row along."""
        others = [self._cut(key) for key, rule in follower.keys if rule != "set null"]
        return sql.SQL(" OR ").join(others) if others else sql.SQL("false")

    def kept_to_nowhere(self, kept: sql.Composed, column: str, key: ForeignKey) -> int:
        """Kept references whose target would go. ``kept`` yields the current cells."""
        gone: sql.Composable
        if (lost := self._lost.get(key.target.whole)) is not None:
            gone = _lost_or_missing("p", lost, key)
        elif (after := self._after(key.target.whole)) is not None:
            gone = sql.SQL("NOT {}").format(key.leads_to("p", after))
        else:
            return 0
        return ask(
            self._connection,
            sql.SQL("SELECT count(*) FROM ({}) AS p WHERE {} AND {}").format(
                kept, filled("p", [column]), gone
            ),
        )

    def _follow(self, follower: Follower, lost_more: Container[str] | None) -> bool:
        """Whether rows follow. ``lost_more``: the tables that lost some last time; None the first time."""
        lost = self._lost[follower.table.name]
        grown = False
        for key, rule in follower.keys:
            if rule == "set null" or (lost_more is not None and key.target_table not in lost_more):
                continue
            query = sql.SQL(
                "INSERT INTO {} SELECT t.tableoid, t.ctid, {} FROM {} AS t WHERE {} AND {}"
            ).format(
                lost,
                names(list(follower.table.columns), "t"),
                follower.table.own_rows,
                self._gone(key),
                _not_lost(lost),
            )
            with self._connection.cursor() as cursor:
                cursor.execute(query)
                grown = grown or cursor.rowcount > 0
        return grown

    def _gone(self, key: ForeignKey) -> sql.Composed:
        """Of ``t``: the reference is filled and its target will not be there."""
        lost = self._lost.get(key.target.whole)
        gone: sql.Composable
        if lost is not None:
            gone = _lost_or_missing("t", lost, key)
        elif (after := self._after(key.target.whole)) is not None:
            gone = sql.SQL("NOT {}").format(key.leads_to("t", after))
        else:
            gone = sql.SQL("true")
        if meanings := self._becoming.get(key):
            gone = sql.SQL("(({} OR {}) AND NOT {})").format(gone, meanings.cut, meanings.moved)
        return sql.SQL("{} AND {} AND {}").format(
            sql.SQL(key.source.condition), filled("t", key.columns), gone
        )


def _lost_or_missing(source: str, lost: sql.Identifier, key: ForeignKey) -> sql.Composed:
    # A key that is NOT VALID, or rows loaded while no key was asked, may lead nowhere already.
    if key.period:
        return sql.SQL("NOT {}").format(key.leads_to(source, key.target.rows, _not_lost(lost, "o")))
    return sql.SQL("({} OR NOT {})").format(
        key.leads_to(source, lost), key.leads_to(source, key.target.rows)
    )


def _not_lost(lost: sql.Identifier, row: str = "t") -> sql.Composed:
    # Whole rows are compared by their place: a table without a key can follow too.
    return sql.SQL("NOT EXISTS (SELECT FROM {} AS l WHERE l.{} = {} AND l.{} = {})").format(
        lost,
        sql.Identifier(PART),
        sql.Identifier(row, "tableoid"),
        sql.Identifier(PLACE),
        sql.Identifier(row, "ctid"),
    )


def rows_of(
    connection: Connection, query: sql.Composable, *, name: str = "rows"
) -> Iterator[tuple[object, ...]]:
    """Stream the rows of a query through a cursor of the server's."""
    with connection.cursor(name=name) as cursor:
        cursor.execute(query)
        yield from cursor
