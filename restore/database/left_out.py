"""Cells that a Safe file leaves out of its rows (content in ``data:`` addresses, and what stood where a
marker stands for a secret): counted, and kept as they are."""

from collections.abc import Callable, Iterable, Sequence

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from restore.database import identities
from restore.database.altered import is_withheld
from restore.database.domains import as_own
from restore.database.identities import Identity
from restore.database.redacted import Aside
from restore.database.targets import Target
from restore.database.waiting_tables import WaitingTable, names, same

Question = Callable[[Target, str, str], sql.Composable]


def count_left_out(
    connection: Connection,
    waiting: WaitingTable,
    current: sql.Composable,
    identity: Identity,
    columns: Sequence[str],
    is_left_out: Question,
) -> tuple[int, int]:
    """Rows of the file with such a cell in one of ``columns``, and how many of them do not exist now."""
    target = waiting.target
    left_out = sql.SQL(" OR ").join(is_left_out(target, name, "s") for name in columns)
    paired = [f"k{i}" for i in range(len(identity.key))]
    query = sql.SQL(
        "SELECT count(*), count(*) FILTER (WHERE NOT EXISTS"
        " (SELECT FROM ({pairs}) AS p({paired}) WHERE {match})) FROM {waiting} AS s WHERE {left_out}"
    ).format(
        pairs=identities.pairs(waiting, current, identity, ()),
        paired=names(paired),
        match=same("s", "p", identity.key, paired),
        waiting=waiting.relation,
        left_out=left_out,
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        rows, without = cursor.fetchone()  # type: ignore[misc]
        return rows, without


def keep_content(connection: Connection, asides: Iterable[Aside]) -> int:
    """The written rows get the current value of such cells back. Returns how many cells that were."""
    return sum(_keep(connection, aside) for aside in asides)


def _keep(connection: Connection, aside: Aside) -> int:
    target, kept = aside.waiting.target, 0
    paired = [f"k{i}" for i in range(len(aside.key))]
    for name in target.withheld:
        query = sql.SQL(
            "UPDATE {table} AS t SET {column} = {now} FROM ({pairs}) AS p({paired}, now_)"
            " WHERE {match} AND {left_out}"
        ).format(
            table=aside.rows,
            column=sql.Identifier(name),
            now=as_own(target.table, target.table.columns[name], sql.Identifier("p", "now_")),
            pairs=identities.pairs(aside.waiting, aside.relation, aside.identity, [name]),
            paired=names(paired),
            match=same("t", "p", aside.key, paired),
            left_out=is_withheld(target, name, "t"),
        )
        with connection.cursor() as cursor:
            cursor.execute(query)
            kept += cursor.rowcount
    return kept
