"""Rules of the domains that columns of written tables have, which rows of a backup may break.

A domain's rule is asked whenever a value becomes one of the domain, so that old rows could not be put back: a
rule that was added NOT VALID, or one whose function answers otherwise today. Such rules are taken off and put
back like those of tables. A NOT NULL of a domain cannot be put back over a NULL that stands in a row, so it
stays, and such a NULL is written as the domain's own.
https://www.postgresql.org/docs/current/sql-createdomain.html
"""

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveColumn, LiveTable
from backups.database.rules import DOMAINS
from restore.database.catalogue import PARTS


@dataclass(frozen=True)
class DomainRule:
    """A CHECK of a domain; ``table`` is the first that has it, of those that were asked for, and ``tables``
    are all of these."""

    name: str
    schema: str
    domain: str
    definition: str
    comment: str | None
    validated: bool
    tables: tuple[str, ...]

    @property
    def table(self) -> str:
        return self.tables[0]

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.domain)


# What the server vouches for no old row breaks. Of others' domains nothing can be taken off, and a rule of a
# domain within other types can only be put back as one that was never validated.
_RULES = f"""{PARTS}, {DOMAINS}
SELECT k.conname, n.nspname, t.typname, pg_get_constraintdef(k.oid),
       obj_description(k.oid, 'pg_constraint'), k.convalidated,
       pg_catalog.array_agg(DISTINCT c.relname::text ORDER BY c.relname::text)
FROM pg_constraint k JOIN domain ON domain.oid = k.contypid
JOIN pg_type t ON t.oid = k.contypid JOIN pg_namespace n ON n.oid = t.typnamespace
JOIN part ON part.oid = domain.relation JOIN pg_class c ON c.oid = domain.relation
WHERE k.contype = 'c' AND pg_has_role(t.typowner, 'USAGE')
  AND (NOT k.convalidated
       OR NOT domain.within
       AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_constraint'::regclass
                  AND d.objid = k.oid AND d.refclassid = 'pg_proc'::regclass))
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass
                  AND d.objid = t.oid AND d.deptype = 'e')
GROUP BY k.oid, k.conname, n.nspname, t.typname, k.convalidated
ORDER BY n.nspname, t.typname, k.conname
"""


def domain_rules(connection: Connection, tables: Iterable[LiveTable]) -> list[DomainRule]:
    """Those that rows of these tables may break, and that this account may take off."""
    with connection.cursor() as cursor:
        cursor.execute(_RULES, [[table.oid for table in tables]])
        return [
            DomainRule(name, schema, domain, definition, comment, validated, tuple(names))
            for name, schema, domain, definition, comment, validated, names in cursor.fetchall()
        ]


def as_own(table: LiveTable, column: LiveColumn, cell: sql.Composable) -> sql.Composable:
    """A cell of the base type as the column's own. A NULL comes out of a query without rows: there no rule is
    asked. (``IS NULL`` is true of a composite with nothing in its members, which is a value.)"""
    if not column.base:
        return cell
    return sql.SQL(
        "CASE WHEN ({cell}) IS NOT DISTINCT FROM NULL THEN (SELECT n.{name} FROM {table} AS n WHERE false)"
        " ELSE ({cell})::{kind} END"
    ).format(
        cell=cell,
        name=sql.Identifier(column.name),
        table=table.identifier,
        kind=sql.SQL(column.type),
    )
