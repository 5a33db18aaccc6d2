"""Rows outside a file that point to rows of it: they stay with whom they meant, not with a number.

A *becoming* lists the keys of live rows that mean somebody else afterwards: each with the key that the same
row has in the file, or with none, where the file has somebody else under it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable, Source
from restore.database import identities, questions
from restore.database.catalogue import ForeignKey
from restore.database.identities import Identity
from restore.database.redacted import Aside, execute
from restore.database.waiting_tables import WaitingTable, names, same

NEVER = sql.SQL("false")


@dataclass(frozen=True)
class Becoming:
    """``key`` are the columns of the table's primary key, ``relation`` the temporary table."""

    key: tuple[str, ...]
    relation: sql.Identifier

    @property
    def was(self) -> list[str]:
        return [f"was_{n}" for n in range(len(self.key))]

    @property
    def now(self) -> list[str]:
        return [f"now_{n}" for n in range(len(self.key))]

    def knows(self, key: ForeignKey) -> bool:
        """Whether the reference leads to the primary key."""
        return set(key.target_columns) == set(self.key)

    def is_cut(self, alias: str, key: ForeignKey) -> sql.Composed:
        """Of ``alias``: it points to a key that is somebody else's afterwards."""
        return self._listed(alias, key, "IS NULL")

    def is_moved(self, alias: str, key: ForeignKey) -> sql.Composed:
        """Of ``alias``: what it points to has another key afterwards."""
        return self._listed(alias, key, "IS NOT NULL")

    def _listed(self, alias: str, key: ForeignKey, state: str) -> sql.Composed:
        return sql.SQL("EXISTS (SELECT FROM {} AS b WHERE {} AND b.now_0 {})").format(
            self.relation, self.is_meant(alias, key), sql.SQL(state)
        )

    def is_meant(self, alias: str, key: ForeignKey) -> sql.Composed:
        """``b`` is what ``alias`` points to."""
        return same(alias, "b", self.in_order(key), self.was)

    def in_order(self, key: ForeignKey) -> list[str]:
        """The columns of the reference, in the order of those that it leads to."""
        columns = dict(zip(key.target_columns, key.columns, strict=True))
        return [columns[name] for name in self.key]

    def cells(self, key: ForeignKey, columns: Sequence[str]) -> sql.Composable:
        """The ``columns`` of ``t``, with the new key in place of the reference."""
        new = dict(zip(self.in_order(key), self.now, strict=True))
        return sql.SQL(", ").join(
            sql.Identifier("b", new[c]) if c in new else sql.Identifier("t", c) for c in columns
        )


@dataclass(frozen=True)
class Named:
    """How rows name others without a key of the database: by a number of ``content_types``, the table, in
    ``type_column``, and the other's key, as text perhaps, in ``key_column``."""

    content_types: LiveTable
    type_column: str
    key_column: str


def list_becoming(
    connection: Connection,
    number: int,
    waiting: WaitingTable,
    current: Source,
    identity: Identity,
) -> Becoming:
    """What becomes of the keys of the live rows, by ``identity``."""
    made = Becoming(identity.key, sql.Identifier("pg_temp", f"becomes_{number}"))
    execute(
        connection,
        sql.SQL(
            "CREATE TEMPORARY TABLE {made} AS WITH p AS MATERIALIZED"
            " (SELECT * FROM ({pairs}) AS q({now}, {was}))"
            " SELECT {was}, {now} FROM p WHERE NOT ({unmoved}) UNION ALL"
            " SELECT {key}, {nothing} FROM {live} AS t"
            " WHERE EXISTS (SELECT FROM {waiting} AS s WHERE {there})"
            " AND NOT EXISTS (SELECT FROM p WHERE {paired})"
        ).format(
            made=sql.Identifier(made.relation.strings[-1]),
            pairs=identities.pairs(waiting, current, identity, identity.key),
            was=names(made.was),
            now=names(made.now),
            unmoved=same("p", "p", made.was, made.now),
            key=names(identity.key, "t"),
            nothing=sql.SQL(", ").join([sql.SQL("NULL")] * len(identity.key)),
            live=current,
            waiting=waiting.relation,
            there=same("s", "t", identity.key),
            paired=same("p", "t", made.was, identity.key),
        ),
    )
    return made


def list_following(
    connection: Connection,
    number: int,
    table: LiveTable,
    columns: Sequence[str],
    moving: Sequence[tuple[ForeignKey, Becoming]],
    cutting: Sequence[tuple[ForeignKey, Becoming]],
) -> Becoming:
    """What becomes of these ``columns``, by which others point to rows of a table outside the file.

    ``moving`` are its references that follow their targets, ``cutting`` those that take the row along, or the
    columns, where they would mean somebody else."""
    made = Becoming(tuple(columns), sql.Identifier("pg_temp", f"becomes_of_{number}"))
    sources = [sql.SQL("{} AS t").format(table.own_rows)]
    new: dict[str, list[sql.Composable]] = {c: [] for c in columns}
    for place, (key, becoming) in enumerate(moving):
        alias = f"b{place}"
        meant = same("t", alias, becoming.in_order(key), becoming.was)
        sources.append(
            sql.SQL("LEFT JOIN {} AS {} ON {}").format(
                becoming.relation, sql.Identifier(alias), meant
            )
        )
        for column, now in zip(becoming.in_order(key), becoming.now, strict=True):
            if column in new:
                new[column].append(sql.Identifier(alias, now))
    gone = [becoming.is_cut("t", key) for key, becoming in cutting]
    cells = [
        sql.SQL("CASE WHEN {} THEN NULL ELSE coalesce({}) END").format(
            sql.SQL(" OR ").join(gone) if gone else NEVER,
            sql.SQL(", ").join([*new[c], sql.Identifier("t", c)]),
        )
        for c in columns
    ]
    execute(
        connection,
        sql.SQL(
            "CREATE TEMPORARY TABLE {made} AS"
            " SELECT * FROM (SELECT {was}, {now} FROM {sources}) AS q({names})"
            " WHERE now_0 IS NULL OR NOT ({unmoved})"
        ).format(
            made=sql.Identifier(made.relation.strings[-1]),
            was=names(columns, "t"),
            now=sql.SQL(", ").join(cells),
            sources=sql.SQL(" ").join(sources),
            names=names([*made.was, *made.now]),
            unmoved=same("q", "q", made.was, made.now),
        ),
    )
    return made


def settle(
    connection: Connection, becoming: Becoming, key: Sequence[str], new_key: Sequence[str]
) -> None:
    """Of one live row it is known otherwise what becomes of it: it is ``new_key`` afterwards."""
    is_it = sql.SQL(" AND ").join(
        sql.SQL("{}::text = {}").format(sql.Identifier(column), sql.Literal(part))
        for column, part in zip(becoming.was, key, strict=True)
    )
    execute(connection, sql.SQL("DELETE FROM {} WHERE {}").format(becoming.relation, is_it))
    if tuple(key) != tuple(new_key):
        # The columns have the key's type, which takes a literal of no type.
        execute(
            connection,
            sql.SQL("INSERT INTO {} ({}, {}) VALUES ({})").format(
                becoming.relation,
                names(becoming.was),
                names(becoming.now),
                sql.SQL(", ").join(map(sql.Literal, (*key, *new_key))),
            ),
        )


def count_cut(connection: Connection, table: LiveTable, key: ForeignKey, becoming: Becoming) -> int:
    """Rows of a table outside the file that point to somebody else afterwards."""
    return questions.ask(
        connection,
        sql.SQL("SELECT count(*) FROM {} AS t WHERE {}").format(
            table.own_rows, becoming.is_cut("t", key)
        ),
    )


def count_named(
    connection: Connection,
    table: LiveTable,
    named: Named,
    labels: Sequence[tuple[str, str]],
    becoming: Becoming,
) -> int:
    """Rows of a table outside the file that name, by a content type with one of these labels (app and
    model), a key that is another row's afterwards. None of them follows, so those that move count too."""
    if len(becoming.key) != 1 or not labels:
        return 0
    return questions.ask(
        connection,
        sql.SQL(
            "SELECT count(*) FROM {table} AS t JOIN {types} AS c ON c.id = t.{type}"
            " JOIN {list} AS b ON b.was_0::text = t.{key}::text"
            " WHERE (c.app_label, c.model) IN ({labels})"
        ).format(
            table=table.own_rows,
            types=named.content_types.identifier,
            type=sql.Identifier(named.type_column),
            list=becoming.relation,
            key=sql.Identifier(named.key_column),
            labels=sql.SQL(", ").join(
                sql.SQL("({}, {})").format(*map(sql.Literal, label)) for label in labels
            ),
        ),
    )


def remove_cut(
    connection: Connection, table: LiveTable, key: ForeignKey, becoming: Becoming
) -> int:
    """Rows that would point to somebody else go. Returns how many."""
    return execute(
        connection,
        sql.SQL("DELETE FROM {} AS t WHERE {}").format(table.own_rows, becoming.is_cut("t", key)),
    )


def clear_cut(connection: Connection, table: LiveTable, key: ForeignKey, becoming: Becoming) -> int:
    """References that would lead to somebody else become NULL. Returns how many."""
    return execute(
        connection,
        sql.SQL("UPDATE {} AS t SET {} WHERE {}").format(
            table.own_rows,
            sql.SQL(", ").join(sql.SQL("{} = NULL").format(sql.Identifier(c)) for c in key.columns),
            becoming.is_cut("t", key),
        ),
    )


def follow_aside(connection: Connection, aside: Aside, key: ForeignKey, becoming: Becoming) -> int:
    """References of live rows that were set aside get the keys that their targets have afterwards, NULL where
    those would be somebody else's. Returns how many of these are of rows that keep them."""
    kept = identities.pairs(aside.waiting, aside.relation, aside.identity, key.columns)
    cleared = questions.ask(
        connection,
        sql.SQL("SELECT count(*) FROM ({}) AS p WHERE {}").format(kept, becoming.is_cut("p", key)),
    )
    new = zip(becoming.in_order(key), becoming.now, strict=True)
    execute(
        connection,
        sql.SQL("UPDATE {} AS t SET {} FROM {} AS b WHERE {}").format(
            aside.relation,
            sql.SQL(", ").join(
                sql.SQL("{} = {}").format(sql.Identifier(column), sql.Identifier("b", now))
                for column, now in new
            ),
            becoming.relation,
            becoming.is_meant("t", key),
        ),
    )
    return cleared


def move(connection: Connection, table: LiveTable, key: ForeignKey, becoming: Becoming) -> None:
    """References follow to the new keys. The rows are taken out and put back, as two of them may exchange
    values that must be unique at every moment."""
    columns = [c.name for c in table.columns.values() if not c.generated]
    moving = sql.Identifier("pg_temp", "moving")
    execute(
        connection,
        sql.SQL(
            "CREATE TEMPORARY TABLE moving ({names}) AS SELECT {cells} FROM {table} AS t"
            " JOIN {list} AS b ON {meant} WHERE b.now_0 IS NOT NULL"
        ).format(
            names=names(columns),
            cells=becoming.cells(key, columns),
            table=table.own_rows,
            list=becoming.relation,
            meant=becoming.is_meant("t", key),
        ),
    )
    execute(
        connection,
        sql.SQL("DELETE FROM {} AS t WHERE {}").format(table.own_rows, becoming.is_moved("t", key)),
    )
    execute(
        connection,
        sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}").format(
            table.identifier, names(columns), names(columns), moving
        ),
    )
    execute(connection, sql.SQL("DROP TABLE {}").format(moving))
