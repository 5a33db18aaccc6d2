"""What would object to rows or act on them while they are written: taken off, and put back as it was.

Foreign keys, CHECK rules (of domains too), and NOT NULL rules that were never validated are dropped and
added again by PostgreSQL's own text of them; triggers and rewrite rules are silenced. A backup of this
database may hold rows that break a rule: it was never validated, or its keys were off when they came. Those
rows are data and come back; the rule is then put back NOT VALID, which holds for whatever is written from
then on, and the report says so.
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable
from restore.database.attempts import attempt
from restore.database.catalogue import Constraint, ForeignKey, Switch, constraints, switches
from restore.database.domains import DomainRule, domain_rules
from restore.database.failures import restore_failure

# Integrity rules that a row breaks, and whatever a rule's own expression says of a value.
_OF_ROWS = ("22", "23")


# Of a table and its rule.
Lenient = Callable[[str, str], bool]
Rule = Constraint | ForeignKey | DomainRule


@dataclass(frozen=True)
class LeftOff:
    """A rule that some rows break, so that it is back without having been validated."""

    table: str
    name: str


class Detached:
    """Rules and triggers of the tables that a restore writes to: ``detach``, and once ``attach``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._constraints: Sequence[Constraint] = ()
        self._keys: Sequence[ForeignKey] = ()
        self._switches: Sequence[Switch] = ()
        self._domains: Sequence[DomainRule] = ()

    def detach(self, keys: Sequence[ForeignKey], tables: Iterable[LiveTable]) -> None:
        """Foreign keys go first, before any other statement: dropping them later fails with pending
        trigger events."""
        held = list(tables)
        self._keys = keys
        self._constraints = constraints(self._connection, held)
        self._switches = switches(self._connection, held)
        self._domains = domain_rules(self._connection, held)
        for key in keys:
            self._alter(key.identifier, "DROP CONSTRAINT {}", sql.Identifier(key.name))
        for constraint in self._constraints:
            self._alter(
                constraint.identifier, "DROP CONSTRAINT {}", sql.Identifier(constraint.name)
            )
        for rule in self._domains:
            self._alter(
                rule.identifier, "DROP CONSTRAINT {}", sql.Identifier(rule.name), of="DOMAIN"
            )
        for switch in self._switches:
            self._alter(switch.only, f"DISABLE {switch.kind} {{}}", sql.Identifier(switch.name))

    def attach(self, lenient: Lenient) -> list[LeftOff]:
        """Put everything back, which validates what was valid. Returns the rules that rows break.

        ``lenient``: whether such a rule is put back NOT VALID. Where it is not, raises RestoreError.
        """
        left: list[LeftOff] = []
        # Of a rule that partitions have too, the partitions' come first and the table's joins them.
        for constraint in reversed(self._constraints):
            left += self._add(constraint, lenient)
        for key in self._keys:
            left += self._add(key, lenient)
        for rule in self._domains:
            left += self._add(rule, _for_any(lenient, rule))
        for switch in self._switches:
            how = "ENABLE ALWAYS" if switch.firing == "A" else "ENABLE"
            self._alter(switch.only, f"{how} {switch.kind} {{}}", sql.Identifier(switch.name))
        return left

    def _add(self, constraint: Rule, lenient: Lenient) -> list[LeftOff]:
        left: list[LeftOff] = []
        may_be_broken = constraint.validated and lenient(constraint.table, constraint.name)
        if not self._could_add(constraint, raising=not may_be_broken):
            with restore_failure(constraint=constraint.name, table=constraint.table):
                self._add_as(constraint, f"{constraint.definition} NOT VALID")
            left = [LeftOff(constraint.table, constraint.name)]
        if constraint.comment is not None:
            self._execute(
                sql.SQL("COMMENT ON CONSTRAINT {} ON {}{} IS {}").format(
                    sql.Identifier(constraint.name),
                    sql.SQL("DOMAIN " if isinstance(constraint, DomainRule) else ""),
                    constraint.identifier,
                    sql.Literal(constraint.comment),
                )
            )
        return left

    def _could_add(self, constraint: Rule, *, raising: bool) -> bool:
        """As it was. False where rows break it; with ``raising`` that is an error."""
        if raising:
            with restore_failure(constraint=constraint.name, table=constraint.table):
                self._add_as(constraint, constraint.definition)
            return True
        return attempt(
            self._connection, lambda: self._add_as(constraint, constraint.definition), _OF_ROWS
        )

    def _add_as(self, constraint: Rule, definition: str) -> None:
        self._alter(
            constraint.identifier,
            "ADD CONSTRAINT {} {}",
            sql.Identifier(constraint.name),
            sql.SQL(definition),
            of="DOMAIN" if isinstance(constraint, DomainRule) else "TABLE",
        )

    def _alter(
        self, relation: sql.Composable, what: str, *parts: sql.Composable, of: str = "TABLE"
    ) -> None:
        self._execute(sql.SQL(f"ALTER {of} {{}} ").format(relation) + sql.SQL(what).format(*parts))

    def _execute(self, query: sql.Composable) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(query)


def _for_any(lenient: Lenient, rule: DomainRule) -> Lenient:
    """A domain's rule gives way where it does for one of the tables that have it."""
    return lambda _table, name: any(lenient(table, name) for table in rule.tables)
