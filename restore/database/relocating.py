"""Letting rows point to the new names of files: those rows that the file lists, and nothing else."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.artifact.rows import copy_text
from backups.artifact.tail import Locator
from backups.database.introspection import LiveColumn
from backups.database.table_reading import column_of
from backups.registry import JsonAddress
from backups.registry.json_path import Step, parse
from restore.database.copying import copy_in
from restore.database.targets import Target
from restore.exchanging import exchanged

_MOVED = sql.Identifier("pg_temp", "moved")
_DOCUMENTS = 200
_BOUND = re.compile(r"^character( varying)?\(\d+\)")


@dataclass(frozen=True)
class Move:
    """In the row with this key, one value of a column becomes another."""

    key: tuple[str, ...]
    old: str
    new: str


def point_to_new_names(
    connection: Connection, targets: Mapping[str, Target], renamed: Iterable[tuple[Locator, str]]
) -> None:
    """``targets`` by section; ``renamed`` are locators of the file, each with the value it gets."""
    moves: defaultdict[tuple[str, str], list[Move]] = defaultdict(list)
    for locator, new in renamed:
        for use in locator.uses:
            moves[use.section, use.column] += [
                Move((key,) if isinstance(key, str) else tuple(key), locator.value, new)
                for key in use.keys
            ]
    for (section, named), found in moves.items():
        target = targets.get(section)
        if target is None:
            continue  # of that section nothing came
        # The file's name for the column may be an earlier one; a column that has gone holds nothing.
        column = dict(target.loads).get(named)
        if column is not None and _locates_files(target, column):
            _Column(connection, target, target.table.columns[column]).move(found)


def _locates_files(target: Target, column: str) -> bool:
    """Whether a declaration says so. The plan refuses files that name other columns; whatever it may miss,
    no role or password is a name of a file."""
    section = target.reading.section
    return any(column_of(section.model, file.field) == column for file in section.files)


class _Column:
    """One column of one table, while its moves lie in a temporary table."""

    def __init__(self, connection: Connection, target: Target, column: LiveColumn) -> None:
        self._connection = connection
        self._table = target.table.own_rows
        self._column = column
        self._name = sql.Identifier(column.name)
        self._key = target.reading.primary_key
        self._paths = [
            parse(locator.path)
            for locator in target.reading.section.files
            if isinstance(locator, JsonAddress)
            and column_of(target.reading.section.model, locator.field) == column.name
        ]

    def move(self, moves: Sequence[Move]) -> None:
        self._list(moves)
        if self._paths:
            self._exchange_in_documents()
        elif self._column.is_array:
            self._exchange_in_arrays()
        else:
            self._exchange("m.new_", "t.{c}::text = m.old_")
        self._execute("DROP TABLE {m}")

    def _list(self, moves: Sequence[Move]) -> None:
        """``turn_`` numbers the moves of one row: a statement can change it once."""
        keys = sql.SQL(", ").join(sql.SQL("{} text").format(k) for k in self._listed_key())
        self._execute("CREATE TEMPORARY TABLE moved ({k}, old_ text, new_ text, turn_ int)", k=keys)
        names = [*(f"key_{n}" for n in range(len(self._key))), "old_", "new_", "turn_"]
        turns: defaultdict[tuple[str, ...], int] = defaultdict(int)

        def lines() -> Iterator[bytes]:
            for move in moves:
                turns[move.key] += 1
                cells = [*move.key, move.old, move.new, str(turns[move.key])]
                yield (copy_text(cells, careful=True) + "\n").encode()

        copy_in(self._connection, _MOVED, names, lines())
        self._execute("ANALYZE {m}")

    def _exchange(self, value: str, condition: str) -> int:
        return self._execute(
            f"UPDATE {{t}} AS t SET {{c}} = ({value})::{{unbounded}} FROM {{m}} AS m"
            f" WHERE {{same}} AND {condition}"
        )

    def _exchange_in_arrays(self) -> None:
        turn = 1
        value = "array_replace(t.{c}::text[], m.old_, m.new_)"
        while self._exchange(value, f"m.turn_ = {turn}"):
            turn += 1

    def _exchange_in_documents(self) -> None:
        """In batches out of a cursor, as each document passes through Python."""
        query = self._format(
            "SELECT pg_catalog.array_agg(m.old_), pg_catalog.array_agg(m.new_), t.{c}::text, {k}"
            " FROM {t} AS t JOIN {m} AS m ON {same} GROUP BY t.{c}::text, {k}",
            k=sql.SQL(", ").join(sql.SQL("m.{}").format(k) for k in self._listed_key()),
        )
        with self._connection.cursor("documents") as cursor:
            cursor.execute(query)
            while rows := cursor.fetchmany(_DOCUMENTS):
                self._write(
                    [
                        (_with_new_names(text, self._paths, dict(zip(old, new, strict=True))), key)
                        for old, new, text, *key in rows
                    ]
                )

    def _write(self, documents: Sequence[tuple[str, Sequence[str]]]) -> None:
        rows = sql.SQL(", ").join(
            sql.SQL("({}, {})").format(
                sql.SQL("{}::{}").format(sql.Literal(text), sql.SQL(self._column.type)),
                sql.SQL(", ").join(
                    sql.SQL("{}::{}").format(sql.Literal(part), sql.SQL(column.type))
                    for part, column in zip(key, self._key, strict=True)
                ),
            )
            for text, key in documents
        )
        same = sql.SQL(" AND ").join(
            sql.SQL("t.{} = d.{}").format(sql.Identifier(c.name), listed)
            for c, listed in zip(self._key, self._listed_key(), strict=True)
        )
        self._execute(
            "UPDATE {t} AS t SET {c} = d.document_ FROM (VALUES {rows}) AS d(document_, {k})"
            " WHERE {by_key}",
            rows=rows,
            k=sql.SQL(", ").join(self._listed_key()),
            by_key=same,
        )

    def _listed_key(self) -> list[sql.Identifier]:
        return [sql.Identifier(f"key_{number}") for number in range(len(self._key))]

    def _format(self, query: str, **more: sql.Composable) -> sql.Composed:
        same = sql.SQL(" AND ").join(
            sql.SQL("t.{}::text = m.{}").format(sql.Identifier(c.name), listed)
            for c, listed in zip(self._key, self._listed_key(), strict=True)
        )
        # A type's name comes out of the catalogue, in the form in which SQL takes it.
        # A cast to it would cut off what is too long, without a word; storing it refuses that.
        unbounded = sql.SQL(_BOUND.sub("text", self._column.made_of))
        return sql.SQL(query).format(
            t=self._table, c=self._name, m=_MOVED, unbounded=unbounded, same=same, **more
        )

    def _execute(self, query: str, **more: sql.Composable) -> int:
        with self._connection.cursor() as cursor:
            cursor.execute(self._format(query, **more))
            return int(cursor.rowcount)


def _with_new_names(text: str, paths: Sequence[tuple[Step, ...]], names: Mapping[str, str]) -> str:
    document = text.encode()
    for path in paths:
        document = exchanged(document, path, names)
    return document.decode()
