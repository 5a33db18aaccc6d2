"""What accounts may do beside their role: flags, permissions of their own, and those that groups give them.

A *way* leads from accounts to rights: ``links`` are rows (account, target), ``reaches`` rows (target, right).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from restore.database import questions
from restore.database.repointing import Becoming

# So many rights of an account are named.
NAMED = 20
Rows = sql.Composable


@dataclass(frozen=True)
class Way:
    links: sql.Composable
    reaches: sql.Composable


@dataclass(frozen=True)
class Side:
    """One state of the data. ``key`` and ``flags`` are columns of ``accounts``; flags count where
    ``condition``, where there is one, holds of a row ``t``."""

    accounts: sql.Composable
    key: tuple[str, ...]
    flags: tuple[str, ...]
    ways: tuple[Way, ...]
    condition: sql.Composable | None = None


@dataclass(frozen=True)
class Rights:
    """Of one account afterwards: how many rights it gains, and the names of the first."""

    gains: int = 0
    named: tuple[str, ...] = ()


def gained(
    connection: Connection, now: Side, after: Side, whose: sql.Composable
) -> Iterator[tuple[tuple[str, ...], Rights]]:
    """Every account that has rights afterwards, by its key there, and what it gains. ``whose`` yields the
    key afterwards and then that of now, of accounts that are here."""
    width = len(now.key)
    query = sql.SQL(
        "WITH is_now AS MATERIALIZED ({now}), is_then AS MATERIALIZED ({after}),"
        " had AS (SELECT w.then_, n.right_ FROM (SELECT ARRAY[{then_key}], ARRAY[{now_key}]"
        " FROM ({whose}) AS q({then_names}, {now_names})) AS w(then_, now_)"
        " JOIN is_now AS n ON n.account = w.now_)"
        " SELECT account, count(*) FILTER (WHERE is_new),"
        " (pg_catalog.array_agg(right_ ORDER BY right_) FILTER (WHERE is_new))[1:{named}]"
        " FROM (SELECT a.account, a.right_, h.right_ IS NULL AS is_new FROM"
        " (SELECT DISTINCT account, right_ FROM is_then) AS a LEFT JOIN"
        " (SELECT DISTINCT then_, right_ FROM had) AS h"
        " ON h.then_ = a.account AND h.right_ = a.right_) AS r GROUP BY account"
    ).format(
        now=_rights(now),
        after=_rights(after),
        whose=whose,
        then_names=_numbered("then_key", width),
        now_names=_numbered("now_key", width),
        then_key=_texts(_names("then_key", width), "q"),
        now_key=_texts(_names("now_key", width), "q"),
        named=sql.Literal(NAMED),
    )
    for account, gains, named in questions.rows_of(connection, query, name="rights"):
        yield tuple(account), Rights(int(gains), tuple(named or ()))  # type: ignore[arg-type, call-overload]


def _rights(side: Side) -> sql.Composable:
    account = sql.SQL("ARRAY[{}]").format(_texts(side.key, "t"))
    parts = [
        sql.SQL("SELECT {}, {} FROM {} AS t WHERE t.{} AND {}").format(
            account,
            sql.Literal(flag),
            side.accounts,
            sql.Identifier(flag),
            side.condition or sql.SQL("true"),
        )
        for flag in side.flags
    ]
    parts += [
        sql.SQL(
            "SELECT ARRAY[l.account], r.right_ FROM ({}) AS l(account, target)"
            " JOIN ({}) AS r(target, right_) ON r.target = l.target"
        ).format(way.links, way.reaches)
        for way in side.ways
    ]
    nothing = sql.SQL("SELECT NULL::text[], NULL::text WHERE false")
    every = sql.SQL(" UNION ALL ").join([nothing, *parts])
    return sql.SQL("SELECT * FROM ({}) AS e(account, right_)").format(every)


def links(relation: sql.Composable, source: str, target: str) -> sql.Composable:
    """Rows of a many-to-many table."""
    return sql.SQL("SELECT t.{}::text, t.{}::text FROM {} AS t").format(
        sql.Identifier(source), sql.Identifier(target), relation
    )


def followed(
    found: sql.Composable, source: Becoming | None, target: Becoming | None
) -> sql.Composable:
    """``links`` of a table outside the file, as they are once both ends have followed."""
    cells: list[sql.Composable] = []
    joins: list[sql.Composable] = []
    conditions: list[sql.Composable] = [sql.SQL("true")]
    for place, (name, becoming) in enumerate((("source_", source), ("target_", target))):
        cell: sql.Composable = sql.Identifier("f", name)
        if becoming is not None and len(becoming.key) == 1:
            alias = sql.Identifier(f"b{place}")
            joins.append(
                sql.SQL(" LEFT JOIN {} AS {} ON {}.was_0::text = {}").format(
                    becoming.relation, alias, alias, cell
                )
            )
            conditions.append(
                sql.SQL("({a}.was_0 IS NULL OR {a}.now_0 IS NOT NULL)").format(a=alias)
            )
            cell = sql.SQL("coalesce({}.now_0::text, {})").format(alias, cell)
        cells.append(cell)
    return sql.SQL("SELECT {} FROM ({}) AS f(source_, target_){} WHERE {}").format(
        sql.SQL(", ").join(cells), found, sql.SQL("").join(joins), sql.SQL(" AND ").join(conditions)
    )


def permissions(permission: sql.Composable, content_type: sql.Composable) -> sql.Composable:
    """Rows (permission, what Django calls it)."""
    return sql.SQL(
        "SELECT p.id::text, c.app_label || '.' || p.codename FROM {} AS p"
        " JOIN {} AS c ON c.id = p.content_type_id"
    ).format(permission, content_type)


def through(found: Rows, labels: Rows) -> Rows:
    """Rows (target, right) over a table that links targets to permissions."""
    return sql.SQL(
        "SELECT o.source_, l.right_ FROM ({}) AS o(source_, target_)"
        " JOIN ({}) AS l(permission, right_) ON l.permission = o.target_"
    ).format(found, labels)


def either(parts: Sequence[Rows]) -> Rows | None:
    """The rows of all; None where there are no parts."""
    return sql.SQL(" UNION ALL ").join(parts) if parts else None


def called(relation: sql.Composable, key: str, by: Sequence[str], kind: str) -> sql.Composable:
    """Rows (target, right) where to be linked to a target is the right, ``by`` which columns it is named."""
    return sql.SQL("SELECT t.{}::text, {} || concat_ws('/', {}) FROM {} AS t").format(
        sql.Identifier(key), sql.Literal(f"{kind}: "), _texts(by, "t"), relation
    )


def is_one_of(alias: str, column: str, values: Sequence[str]) -> sql.Composable:
    """``alias.column`` is one of the values."""
    return sql.SQL("{} = ANY ({}::text[])").format(
        sql.Identifier(alias, column), sql.Literal([*values])
    )


def _texts(columns: Sequence[str], alias: str) -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(alias, c)) for c in columns)


def _names(prefix: str, width: int) -> list[str]:
    return [f"{prefix}_{n}" for n in range(width)]


def _numbered(prefix: str, width: int) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, _names(prefix, width)))
