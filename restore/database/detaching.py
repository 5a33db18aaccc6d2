"""What would object to rows or act on them while they are written: taken off, and put back as it was.

Foreign keys, CHECK rules (of domains too), and NOT NULL rules that were never validated are dropped and
added again by PostgreSQL's own text of them; triggers and rewrite rules are silenced. A backup of this
database may hold rows that break a rule: it was never validated, or its keys were off when they came. Those
rows are data and come back; the rule is then put back NOT VALID, which holds for whatever is written from
then on, and the report says so.
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database import together
from backups.database.introspection import LiveTable
from restore.database.attempts import attempt
from restore.database.catalogue import (
    Constraint,
    ForeignKey,
    Switch,
    constraints,
    leaves,
    switches,
)
from restore.database.domains import DomainRule, domain_rules
from restore.database.failures import restore_failure

# Integrity rules that a row breaks, and whatever a rule's own expression says of a value.
_OF_ROWS = ("22", "23")
        if self._could_add(constraint, raising=raising):
            self._execute_all(_commenting(constraint))
            return left
        with restore_failure(constraint=constraint.name, table=constraint.table):
            self._add_unasked(constraint)
        return [LeftOff(constraint.table, constraint.name)]

    def _add_unasked(self, rule: Rule) -> None:
        """As one that was never validated. Before PostgreSQL 18 a partitioned table cannot have a key so, and
        its partitions can."""
        if not attempt(
            self._connection,
            lambda: self._execute_all([_adding(rule, " NOT VALID")]),
            _NOT_OF_PARTITIONED,
        ):
            places = leaves(self._connection, rule.identifier)
            self._execute_all([_adding(rule, " NOT VALID", place) for place in places])
            return
        self._execute_all(_commenting(rule))

    def _could_add(self, constraint: Rule, *, raising: bool) -> bool:
        """As it was. False where rows break it; with ``raising`` that is an error."""
        if raising:
            with restore_failure(constraint=constraint.name, table=constraint.table):
                self._execute_all([_adding(constraint)])
            return True
        return attempt(self._connection, lambda: self._execute_all([_adding(constraint)]), _OF_ROWS)

    def _execute_all(self, statements: Sequence[sql.Composable]) -> None:
        """In their order, in one way to the server."""
        if statements:
            with self._connection.cursor() as cursor:
                cursor.execute(sql.SQL("; ").join(statements))


def _may_break(lenient: Lenient, rule: Rule) -> bool:
    """A domain's rule gives way where it does for one of the tables that have it."""
    tables = rule.tables if isinstance(rule, DomainRule) else (rule.table,)
    return rule.validated and any(lenient(table, rule.name) for table in tables)


def _dropping(rule: Rule) -> sql.Composed:
    return sql.SQL("ALTER {} {} DROP CONSTRAINT {}").format(
        _kind(rule), rule.identifier, sql.Identifier(rule.name)
    )


def _adding(rule: Rule, how: str = "", place: sql.Identifier | None = None) -> sql.Composed:
    return sql.SQL("ALTER {} {} ADD CONSTRAINT {} {}").format(
        _kind(rule), place or rule.identifier, sql.Identifier(rule.name), sql.SQL(rule.definition + how)
    )


def _commenting(rule: Rule) -> list[sql.Composed]:
    if rule.comment is None:
        return []
    return [
        sql.SQL("COMMENT ON CONSTRAINT {} ON {}{} IS {}").format(
            sql.Identifier(rule.name),
            sql.SQL("DOMAIN " if isinstance(rule, DomainRule) else ""),
            rule.identifier,
            sql.Literal(rule.comment),
        )
    ]


def _kind(rule: Rule) -> sql.SQL:
    return sql.SQL("DOMAIN" if isinstance(rule, DomainRule) else "TABLE")


def _switching(switch: Switch, how: str) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} {} {} {}").format(
        switch.only, sql.SQL(how), sql.SQL(switch.kind), sql.Identifier(switch.name)
    )


def _switching_back(switch: Switch) -> sql.Composed:
    return _switching(switch, "ENABLE ALWAYS" if switch.firing == "A" else "ENABLE")
