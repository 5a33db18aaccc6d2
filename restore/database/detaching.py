"""What would object to rows or act on them while they are written: taken off, and put back as it was.

Foreign keys, CHECK rules (of domains too), and NOT NULL rules that were never validated are dropped and
added again by PostgreSQL's own text of them; triggers and rewrite rules are silenced; rows of a published
table that nothing tells apart may be changed meanwhile. A backup of this
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
    Identity,
    Switch,
    constraints,
    leaves,
    switches,
    valid_heirs,
    without_identity,
)
from restore.database.domains import DomainRule, domain_rules
from restore.database.failures import restore_failure

# Integrity rules that a row breaks, and whatever a rule's own expression says of a value.
_OF_ROWS = ("22", "23")
# What names a row, and so the rule: see ``failures``.
_OF_A_ROW = (*_OF_ROWS, "54")
_NOT_OF_PARTITIONED = ("42809", "0A000")


# Of a table and its rule.
Lenient = Callable[[str, str], bool]
Rule = Constraint | ForeignKey | DomainRule


@dataclass(frozen=True)
class LeftOff:
    """A rule that some rows break, so that it is back without having been validated."""

    table: str
    name: str


class Detached:
    """Rules and triggers of the tables that a restore writes to: ``detach``, of more tables again, and once
    ``attach``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._constraints: Sequence[Constraint] = ()
        self._keys: Sequence[ForeignKey] = ()
        self._switches: Sequence[Switch] = ()
        self._domains: Sequence[DomainRule] = ()
        self._identities: Sequence[Identity] = ()
        self._valid_heirs: Sequence[Constraint] = ()

    def detach(self, keys: Sequence[ForeignKey], tables: Iterable[LiveTable]) -> None:
        """Foreign keys go first, before any other statement: dropping them later fails with pending
        trigger events."""
        held = list(tables)
        found, acting = constraints(self._connection, held), switches(self._connection, held)
        domains = domain_rules(self._connection, held)
        anonymous, heirs = (
            without_identity(self._connection, held),
            valid_heirs(self._connection, held),
        )
        rules: list[Rule] = [*keys, *found, *domains]
        off = [_switching(switch, "DISABLE") for switch in acting]
        told_apart = [_identifying(identity, "FULL") for identity in anonymous]
        self._execute_all([*map(_dropping, rules), *off, *told_apart])
        self._keys = [*self._keys, *keys]
        self._constraints = [*self._constraints, *found]
        self._switches = [*self._switches, *acting]
        self._domains = [*self._domains, *domains]
        self._identities = [*self._identities, *anonymous]
        self._valid_heirs = [*self._valid_heirs, *heirs]

    def attach(self, lenient: Lenient) -> list[LeftOff]:
        """Put everything back, which validates what was valid. Returns the rules that rows break.

        ``lenient``: whether such a rule is put back NOT VALID. Where it is not, raises RestoreError.
        """
        left: list[LeftOff] = []
        # Of a rule that partitions have too, the partitions' come first and the table's joins them.
        rules: list[Rule] = [*reversed(self._constraints), *self._keys, *self._domains]
        for may_be_broken, some in itertools.groupby(rules, lambda rule: _may_break(lenient, rule)):
            if may_be_broken:
                for rule in some:
                    left += self._add(rule, raising=False)
            else:
                self._add_all([*some])
        left += [
            LeftOff(rule.table, rule.name) for rule in self._valid_heirs if not self._holds(rule)
        ]
        self._execute_all([_switching_back(switch) for switch in self._switches])
        self._execute_all([_identifying(was, was.clause) for was in self._identities])
        return left

    def _holds(self, rule: Constraint) -> bool:
        """Validate what came back with a parent's that was not."""
        statement = sql.SQL("ALTER TABLE {} VALIDATE CONSTRAINT {}").format(
            rule.identifier, sql.Identifier(rule.name)
        )
        return attempt(self._connection, lambda: self._execute_all([statement]), _OF_ROWS)

    def _add_all(self, rules: Sequence[Rule]) -> None:
        """Rules that rows may not break: many at once, and where one is refused one by one, for its name."""
        for some in together.some_at_once(rules):
            statements = [s for rule in some for s in (_adding(rule), *_commenting(rule))]
            if not attempt(self._connection, partial(self._execute_all, statements), _OF_A_ROW):
                for rule in some:
                    self._add(rule, raising=True)

    def _add(self, constraint: Rule, *, raising: bool) -> list[LeftOff]:
        if self._could_add(constraint, raising=raising):
            self._execute_all(_commenting(constraint))
            return []
        with restore_failure(constraint=constraint.name, table=constraint.table):
            self._add_unasked(constraint)
        return [LeftOff(constraint.table, constraint.name)]

    def _add_unasked(self, rule: Rule) -> None:
        """As one that was never validated. Before PostgreSQL 18 a partitioned table cannot have a key so, and
        its partitions can."""
        alone = partial(self._execute_all, [_adding(rule, " NOT VALID"), *_commenting(rule)])
        if not attempt(self._connection, alone, _NOT_OF_PARTITIONED):
            places = leaves(self._connection, rule.identifier)
            self._execute_all([_adding(rule, " NOT VALID", place) for place in places])

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
        _kind(rule),
        place or rule.identifier,
        sql.Identifier(rule.name),
        sql.SQL(rule.definition + how),
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
    firing = {"A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}
    return _switching(switch, firing.get(switch.firing, "ENABLE"))


def _identifying(identity: Identity, how: str) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} REPLICA IDENTITY {}").format(identity.identifier, sql.SQL(how))
