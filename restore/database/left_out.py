"""Cells whose file content a Safe file leaves out (``data:`` addresses): counted, and kept as they are."""

from collections.abc import Iterable

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.data_addresses import is_emptied
from restore.database import questions
from restore.database.questions import Identity
from restore.database.redacted import Aside
from restore.database.targets import Target
from restore.database.waiting_tables import WaitingTable, names, same


def count_emptied(
    connection: Connection, waiting: WaitingTable, current: sql.Composable, identity: Identity
) -> tuple[int, int]:
    """Rows of the file with such a cell, and how many of them do not exist now."""
    target = waiting.target
    emptied = sql.SQL(" OR ").join(_emptied(target, name, "s") for name in target.content_left_out)
    paired = [f"k{i}" for i in range(len(identity.key))]
    query = sql.SQL(
        "SELECT count(*), count(*) FILTER (WHERE NOT EXISTS"
        " (SELECT FROM ({pairs}) AS p({paired}) WHERE {match})) FROM {waiting} AS s WHERE {emptied}"
    ).format(
        pairs=questions.pairs(waiting, current, identity, ()),
        paired=names(paired),
        match=same("s", "p", identity.key, paired),
        waiting=waiting.relation,
        emptied=emptied,
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
    for name in target.content_left_out:
        query = sql.SQL(
            "UPDATE {table} AS t SET {column} = p.now_ FROM ({pairs}) AS p({paired}, now_)"
            " WHERE {match} AND {emptied}"
        ).format(
            table=aside.table,
            column=sql.Identifier(name),
            pairs=questions.pairs(aside.waiting, aside.relation, aside.identity, [name]),
            paired=names(paired),
            match=same("t", "p", aside.key, paired),
            emptied=_emptied(target, name, "t"),
        )
        with connection.cursor() as cursor:
            cursor.execute(query)
            kept += cursor.rowcount
    return kept


def _emptied(target: Target, name: str, alias: str) -> sql.Composable:
    return is_emptied(
        target.table.columns[name],
        sql.Identifier(alias, name),
        is_document=target.content_left_out[name],
    )
