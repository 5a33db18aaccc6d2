"""Generated columns of waiting rows, computed as the live table computes them: rules and keys may look at
them, and a file never has them."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from restore.database.catalogue import ForeignKey
from restore.database.rules import GeneratedRule, Rules
from restore.database.waiting_tables import WaitingTable


def with_generated(
    connection: Connection,
    waiting: Mapping[str, WaitingTable],
    rules: Rules,
    keys: Collection[ForeignKey],
) -> dict[str, WaitingTable]:
    """The same tables; those with generated columns that a unique value, a rule or a key looks at have these
    too. ``connection`` is in autocommit. Where a row's value cannot be computed, all are NULL: the plan tells
    of that by the column's own rule."""
    known = {(rule.table, rule.name): rule for rule in rules.generated}
    made: dict[str, WaitingTable] = dict(waiting)
    for table, name in _looked_at(rules, keys):
        rule, rows = known.get((table, name)), made.get(table)
        if rule is None or rows is None or not set(rule.columns) <= set(rows.columns):
            continue
        _add(connection, rows, rule)
        made[table] = replace(rows, generated=(*rows.generated, name))
    return made


def _looked_at(rules: Rules, keys: Collection[ForeignKey]) -> list[tuple[str, str]]:
    named = [(rule.table, name) for rule in rules.unique for name in rule.columns]
    named += [(rule.table, name) for rule in rules.checks for name in rule.columns]
    named += [(rule.table, name) for rule in rules.exclusions for name in rule.columns]
    for key in keys:
        named += [(key.source.whole, name) for name in key.columns]
        named += [(key.target.whole, name) for name in key.target_columns]
    return list(dict.fromkeys(named))


def _add(connection: Connection, rows: WaitingTable, rule: GeneratedRule) -> None:
    column = sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(
        rows.relation,
        sql.Identifier(rule.name),
        sql.SQL(rows.target.table.columns[rule.name].made_of),
    )
    computed = sql.SQL("{} GENERATED ALWAYS AS ({}) STORED").format(
        column, sql.SQL(rule.expression)
    )
    with connection.cursor() as cursor:
        try:
            cursor.execute(computed)
        except psycopg2.OperationalError:
            raise
        except psycopg2.Error:
            cursor.execute(column)
