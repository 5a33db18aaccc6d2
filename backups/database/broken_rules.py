"""Rows that break a rule of their own table, as they were at a snapshot's instant.

They exist: rules are added NOT VALID, keys were off during an import, a function's answer changed, an index
lost its order when the server's collation did. A backup holds them like all others; whoever restores it
had better know before that day.
"""

import contextlib
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection

from backups.database import together
from backups.database.damage import BY_INDEX
from backups.database.introspection import LiveTable
from backups.database.rules import (
    ForeignKey,
    UniqueRule,
    check_rules,
    foreign_keys,
    unique_rules,
)

# Somebody may wait for a lock behind the backup, and this session behind them.
LOCK_WAIT = "2s"
# One of a rule that calls a function for each row, say.
QUESTION_TAKES_AT_MOST = "10min"


class Kind(StrEnum):
    """``DUPLICATE``: of these rows no restore can bring back all. ``INVALID_INDEX``: it is not used."""

    REFERENCE = "reference"
    CHECK = "check"
    NOT_NULL = "not_null"
    DUPLICATE = "duplicate"
    INVALID_INDEX = "invalid_index"


@dataclass(frozen=True)
class Question:
    """A rule; ``query`` counts the rows that break it, and is None where there is nothing to count.
    ``target``: the table that a reference leads to."""

    kind: Kind
    table: str
    rule: str
    query: sql.Composable | None
    target: str = ""

    def is_quick(self, few_rows: Container[str]) -> bool:
        """Whether it looks at nothing but tables of ``few_rows``, and calls no function of others."""
        return (
            self.query is not None
            and self.kind is not Kind.CHECK
            and self.table in few_rows
            and (not self.target or self.target in few_rows)
        )


# Not validated NOT NULL exists from PostgreSQL 18 on.
_NOT_NULLS = """
SELECT c.oid::bigint, k.conname, a.attname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
WHERE k.conrelid = ANY (%s::oid[]) AND k.contype = 'n' AND NOT k.convalidated
ORDER BY c.relname, k.conname
"""

_INVALID = """
SELECT c.relname, x.relname FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
WHERE i.indrelid = ANY (%s::oid[]) AND NOT i.indisvalid
ORDER BY c.relname, x.relname
"""


def see_instant(connection: Connection, instant: str) -> None:
    """Let the session see what ``Snapshot.export`` named, and ask each question for a while only."""
    connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION SNAPSHOT %s", [instant])
        for name, value in {
            "lock_timeout": LOCK_WAIT,
            "statement_timeout": QUESTION_TAKES_AT_MOST,
            "max_parallel_workers_per_gather": "0",
        }.items():
            cursor.execute("SELECT set_config(%s, %s, false)", [name, value])


def distrust_indexes(connection: Connection) -> None:
    """Look at the rows themselves from here on: the order of an index may be what is broken. Catalogues
    take twenty times as long that way, so ask them before."""
    with connection.cursor() as cursor:
        for name in BY_INDEX:
            cursor.execute("SELECT set_config(%s, 'off', false)", [name])


def cancel_quietly(connection: Connection) -> None:
    """Let the question under way end in None."""
    with contextlib.suppress(psycopg2.Error):
        connection.cancel()


def questions(
    connection: Connection, asked: Sequence[LiveTable], known: Sequence[LiveTable]
) -> list[Question]:
    """What can be asked of the rows of ``asked``; of keys those that lead to one of ``known``."""
    tables = {table.name: table for table in asked}
    oids = [table.oid for table in asked]
    return [
        *_references(connection, asked, known),
        *_checks(connection, tables, oids),
        *(
            Question(Kind.DUPLICATE, rule.table, rule.name, _repeated(tables[rule.table], rule))
            for rule in unique_rules(connection, oids)
        ),
        *_not_nulls(connection, asked),
        *_invalid(connection, oids),
    ]


def answer(connection: Connection, question: Question) -> int | None:
    """How many rows break the rule; None where that cannot be found out. Leaves no lock behind."""
    if question.query is None:
        return 0
    found = answers(connection, [question])
    return found[0] if found else None


def answers(connection: Connection, asked: Sequence[Question]) -> list[int] | None:
    """``answer`` for many in one statement; None where one of them cannot be asked, or all take too long."""
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT question")
        try:
            return together.numbers(connection, [one.query for one in asked if one.query])
        except psycopg2.Error:
            return None
        finally:
            if not connection.closed:
                cursor.execute("ROLLBACK TO SAVEPOINT question")
                cursor.execute("RELEASE SAVEPOINT question")


def _references(
    connection: Connection, asked: Sequence[LiveTable], known: Sequence[LiveTable]
) -> Iterator[Question]:
    tables = {(table.schema, table.name): table for table in asked}
    targets = {(table.schema, table.name): table for table in known}
    for key in foreign_keys(connection):
        table = tables.get((key.source.schema, key.source.name))
        target = targets.get((key.target.schema, key.target.name))
        if table and target and key.enforced:
            query = _dangling(table, target, key)
            yield Question(Kind.REFERENCE, key.table, key.name, query, key.target_table)


def _dangling(table: LiveTable, target: LiveTable, key: ForeignKey) -> sql.Composable:
    """A key of several columns says nothing of a row that has NULL in one, unless it is MATCH FULL."""
    filled = [sql.SQL("s.{} IS NOT NULL").format(sql.Identifier(own)) for own in key.columns]
    return sql.SQL("SELECT count(*) FROM {} AS s WHERE {} AND NOT {}").format(
        table.own_rows, sql.SQL(" AND ").join(filled), key.leads_to("s", target.own_rows)
    )


def _checks(
    connection: Connection, tables: dict[str, LiveTable], oids: list[int]
) -> Iterator[Question]:
    """The server vouches for all that it has validated, but for the answers of functions."""
    for rule in check_rules(connection, oids):
        if rule.calls_functions or not rule.validated:
            query = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(
                tables[rule.table].own_rows, rule.is_broken
            )
            yield Question(Kind.CHECK, rule.table, rule.name, query)


def _repeated(table: LiveTable, rule: UniqueRule) -> sql.Composable:
    """The rows that are too many."""
    return sql.SQL(
        "SELECT coalesce(sum(r.n - 1), 0) FROM (SELECT count(*) AS n FROM (SELECT {} FROM {} WHERE {}) AS t"
        " GROUP BY {} HAVING count(*) > 1) AS r"
    ).format(rule.term_list, table.own_rows, rule.covers, sql.SQL(", ").join(rule.names))


def _not_nulls(connection: Connection, asked: Sequence[LiveTable]) -> Iterator[Question]:
    tables = {table.oid: table for table in asked}
    with connection.cursor() as cursor:
        cursor.execute(_NOT_NULLS, [list(tables)])
        for oid, name, column in cursor.fetchall():
            query = sql.SQL("SELECT count(*) FROM {} WHERE {} IS NULL").format(
                tables[oid].own_rows, sql.Identifier(column)
            )
            yield Question(Kind.NOT_NULL, tables[oid].name, name, query)


def _invalid(connection: Connection, oids: list[int]) -> Iterator[Question]:
    with connection.cursor() as cursor:
        cursor.execute(_INVALID, [oids])
        for table, name in cursor.fetchall():
            yield Question(Kind.INVALID_INDEX, table, name, None)
