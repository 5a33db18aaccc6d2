"""Filling up what redaction left out: the current value where the row exists, else a new one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.artifact.rows import copy_text
from backups.database.introspection import Source
from restore.database import identities, questions
from restore.database.catalogue import ForeignKey
from restore.database.copying import copy_in
from restore.database.domains import as_own
from restore.database.identities import Identity
from restore.database.waiting_tables import WaitingTable, create_aside, names, same

Make = Callable[[], object] | None
LINES = 1000


@dataclass(frozen=True)
class Aside:
    """Columns of a live table, kept in a temporary one while the table is emptied."""

    waiting: WaitingTable
    relation: sql.Identifier
    identity: Identity

    @property
    def key(self) -> tuple[str, ...]:
        return self.identity.key

    @property
    def rows(self) -> Source:
        """Those of the table that was filled."""
        return self.waiting.target.table.own_rows


def set_aside(
    connection: Connection,
    number: int,
    waiting: WaitingTable,
    identity: Identity,
    columns: Sequence[str],
    source: sql.Composable | None = None,
) -> Aside:
    """Copy the key, the natural key and ``columns`` of every live row; where not all rows can be read,
    of those that ``source`` yields."""
    wanted = list(dict.fromkeys([*identity.key, *identity.natural, *identity.agreeing, *columns]))
    relation = create_aside(connection, f"aside_{number}", waiting.target.table, wanted)
    execute(
        connection,
        sql.SQL(
            "INSERT INTO {relation} SELECT {wanted} FROM {source} AS t; ANALYZE {relation}"
        ).format(
            relation=relation,
            wanted=names(wanted, "t"),
            source=source if source is not None else waiting.target.table.own_rows,
        ),
    )
    return Aside(waiting, relation, identity)


def insert_waiting(connection: Connection, waiting: WaitingTable) -> None:
    """Insert the waiting rows as they are; columns that do not wait get the database's default."""
    execute(
        connection,
        sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} AS s").format(
            waiting.target.table.identifier,
            names(waiting.columns),
            _own_cells(waiting),
            waiting.relation,
        ),
    )


def _own_cells(waiting: WaitingTable) -> sql.Composed:
    table = waiting.target.table
    return sql.SQL(", ").join(
        as_own(table, table.columns[name], sql.Identifier("s", name)) for name in waiting.columns
    )


def insert_filled(
    connection: Connection, aside: Aside, refills: dict[str, Make]
) -> tuple[int, int]:
    """Insert the waiting rows, with the redacted columns filled up. Returns kept and refilled rows.

    ``refills`` names for each redacted column what makes a value, None for NULL.
    """
    made = _make_refills(connection, aside, refills)
    waiting, columns = aside.waiting, list(refills)
    now = [f"now_{i}" for i in range(len(columns))]
    paired = [f"k{i}" for i in range(len(aside.key))]
    table = waiting.target.table
    cells = [
        as_own(
            table,
            table.columns[c],
            sql.SQL("CASE WHEN p.found THEN p.{} ELSE r.{} END").format(
                sql.Identifier(n), sql.Identifier(c)
            ),
        )
        for n, c in zip(now, columns, strict=True)
    ]
    rows = execute(
        connection,
        sql.SQL(
            "INSERT INTO {table} ({given}, {redacted}) OVERRIDING SYSTEM VALUE"
            " SELECT {given_cells}, {cells} FROM {waiting} AS s"
            " LEFT JOIN (SELECT q.*, true FROM ({pairs}) AS q) AS p({paired}, {now}, found) ON {match}"
            " LEFT JOIN {made} AS r ON {same}"
        ).format(
            table=table.identifier,
            given=names(waiting.columns),
            redacted=names(columns),
            given_cells=_own_cells(waiting),
            cells=sql.SQL(", ").join(cells),
            waiting=waiting.relation,
            pairs=identities.pairs(waiting, aside.relation, aside.identity, columns),
            paired=names(paired),
            now=names(now),
            match=same("s", "p", aside.key, paired),
            made=made,
            same=same("s", "r", aside.key),
        ),
    )
    count = identities.count_pairs(waiting, aside.relation, aside.identity)
    kept = questions.ask(connection, count)
    return kept, rows - kept


def _make_refills(connection: Connection, aside: Aside, refills: dict[str, Make]) -> sql.Identifier:
    """A temporary table with new values for the rows that do not exist now."""
    columns = [*aside.key, *refills]
    name = aside.relation.strings[-1].replace("aside", "refill")
    relation = create_aside(connection, name, aside.waiting.target.table, columns)
    if any(refills.values()):
        keys = _keys_without_pair(connection, aside)
        copy_in(connection, relation, columns, _refill_lines(keys, list(refills.values())))
    execute(connection, sql.SQL("ANALYZE {}").format(relation))
    return relation


def _keys_without_pair(connection: Connection, aside: Aside) -> list[tuple[str, ...]]:
    paired = [f"k{i}" for i in range(len(aside.key))]
    query = sql.SQL(
        "SELECT {} FROM {} AS s WHERE NOT EXISTS (SELECT FROM ({}) AS p({}) WHERE {})"
    ).format(
        sql.SQL(", ").join(sql.SQL("s.{}::text").format(sql.Identifier(c)) for c in aside.key),
        aside.waiting.relation,
        identities.pairs(aside.waiting, aside.relation, aside.identity, ()),
        names(paired),
        same("s", "p", aside.key, paired),
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def _refill_lines(keys: Sequence[tuple[str, ...]], makes: Sequence[Make]) -> Iterator[bytes]:
    for start in range(0, len(keys), LINES):
        lines = [
            copy_text(
                [*key, *(None if make is None else str(make()) for make in makes)], careful=True
            )
            for key in keys[start : start + LINES]
        ]
        yield ("\n".join(lines) + "\n").encode()


def clear_dangling(
    connection: Connection, key: ForeignKey, condition: sql.Composable | None = None
) -> int:
    """References whose target has gone become NULL. Returns how many."""
    return execute(
        connection,
        sql.SQL("UPDATE {} AS t SET {} WHERE {} AND {} AND NOT {}").format(
            key.source.rows,
            sql.SQL(", ").join(
                sql.SQL("{} = NULL").format(sql.Identifier(c)) for c in key.to_clear
            ),
            condition or sql.SQL("true"),
            questions.filled("t", key.columns),
            key.leads_to("t", key.target.rows),
        ),
    )


def keep_revoked(connection: Connection, aside: Aside, state: Sequence[tuple[str, str]]) -> int:
    """What is revoked now stays revoked. Returns how many rows that changed."""
    columns = [column for column, _ in state]
    return execute(
        connection,
        sql.SQL("UPDATE {} AS t SET {} FROM {} AS a WHERE {} AND {} AND NOT ({})").format(
            aside.rows,
            take_from("a", columns),
            aside.relation,
            same("t", "a", aside.key),
            questions.in_state("a", state),
            questions.in_state("t", state),
        ),
    )


def take_from(alias: str, columns: Iterable[str]) -> sql.Composed:
    """``SET`` these columns to those of ``alias``."""
    return sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(c), sql.Identifier(alias, c)) for c in columns
    )


def execute(connection: Connection, query: sql.Composable) -> int:
    """Returns how many rows it was about."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.rowcount)
