"""The rows of a file beside the live ones: one pass over both says which change, which go and which come."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from restore.database import comparing, questions
from restore.database.attempts import attempt
from restore.database.comparing import Difference, difference, differs, hashed
from restore.database.verification import many_as_waiting
from restore.database.waiting_tables import WaitingTable, same

# What says, of a live row, that there is one; no column of an application is called so.
_HERE = "__here"
_NOT_SUPPORTED = ("0A",)


@dataclass(frozen=True)
class Asked:
    """A table of the file, by which ``key`` its rows are those of now, and which ``columns`` count."""

    waiting: WaitingTable
    key: Sequence[str]
    columns: Sequence[str]


@dataclass(frozen=True)
class Compared:
    """Live rows that would change, those that would go, and how many rows come."""

    changed: Difference
    dropped: Difference
    added: int


def compare(connection: Connection, asked: Sequence[Asked]) -> list[Compared]:
    """All of it in one statement, which reads each table once. Raises psycopg2's FeatureNotSupported where
    rows of a key's type can be looked up and not be put side by side: see ``compare_apart``."""
    query = sql.SQL(" UNION ALL ").join(_side_by_side(n, one) for n, one in enumerate(asked))
    with connection.cursor() as cursor:
        cursor.execute(query)
        found = {place: cells for place, *cells in cursor.fetchall()}
    return [_compared(*found[place]) for place in range(len(asked))]


def alike(connection: Connection, asked: Sequence[Asked]) -> Iterable[str]:
    """The tables that hold the rows of the file and no others, by name, as far as their images tell."""
    return many_as_waiting(connection, [(one.waiting, one.key) for one in asked])


def compare_if_possible(connection: Connection, asked: Sequence[Asked]) -> list[Compared]:
    """``compare``; nothing where one of the tables has to be compared otherwise."""
    found: list[Compared] = []
    attempt(connection, lambda: found.extend(compare(connection, asked)), _NOT_SUPPORTED)
    return found


def compare_apart(connection: Connection, asked: Asked) -> Compared:
    """``compare``, or a question for each number where rows cannot be put side by side."""
    if found := compare_if_possible(connection, [asked]):
        return found[0]
    live = asked.waiting.target.table
    return Compared(
        comparing.changed(connection, asked.waiting, asked.key, asked.columns),
        comparing.dropped(connection, asked.waiting, asked.key, list(live.columns)),
        questions.not_in(connection, asked.waiting.relation, live.own_rows, asked.key),
    )


def _side_by_side(place: int, asked: Asked) -> sql.Composed:
    """Of the file's row ``s`` and the live one ``t`` one may be missing; ``f`` says what becomes of them."""
    live = asked.waiting.target.table
    return sql.SQL(
        "SELECT {place}, {changed}, {dropped}, count(*) FILTER (WHERE f.fate = 'added')"
        " FROM {waiting} AS s FULL JOIN (SELECT true AS {here}, r.* FROM {live} AS r) AS t ON {key}"
        " CROSS JOIN LATERAL (SELECT CASE WHEN s.ctid IS NULL THEN 'dropped'"
        " WHEN t.{here} IS NULL THEN 'added' WHEN {differs} THEN 'changed' END AS fate OFFSET 0) AS f"
    ).format(
        place=sql.Literal(place),
        changed=_counted_where("changed", asked.columns),
        dropped=_counted_where("dropped", list(live.columns)),
        waiting=asked.waiting.relation,
        here=sql.Identifier(_HERE),
        live=live.own_rows,
        key=same("s", "t", asked.key),
        differs=differs(asked.waiting.target, asked.columns) if asked.columns else sql.SQL("false"),
    )


def _counted_where(fate: str, columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(
        "count(*) FILTER (WHERE f.fate = {fate}), coalesce(sum({hashed}) FILTER (WHERE f.fate = {fate}), 0)"
        "::text"
    ).format(fate=sql.Literal(fate), hashed=hashed(columns))


def _compared(changed: int, changing: str, dropped: int, going: str, added: int) -> Compared:
    return Compared(difference(changed, changing), difference(dropped, going), int(added))
