"""What stands around the tables that a restore writes to: keys, rules, triggers."""

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable
from backups.database.rules import ForeignKey as ForeignKey
from backups.database.rules import foreign_keys as foreign_keys


@dataclass(frozen=True)
class Constraint:
    """A rule of one table that can be taken off: a CHECK, or a NOT NULL that was never validated."""

    name: str
    schema: str
    table: str
    definition: str
    comment: str | None
    validated: bool

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.table)


@dataclass(frozen=True)
class Switch:
    """A trigger or a rewrite rule of the application's own, which acts by itself when rows are written.

    ``kind`` is TRIGGER or RULE; ``firing`` is how it is enabled: O(rigin), A(lways) or R(eplica), which acts
    where somebody has set the account's session_replication_role.
    """

    kind: str
    name: str
    schema: str
    table: str
    firing: str

    @property
    def only(self) -> sql.Composed:
        """The table without its partitions, which are switched one by one, as each may stand otherwise."""
        return sql.SQL("ONLY {}").format(sql.Identifier(self.schema, self.table))


@dataclass(frozen=True)
class Identity:
    """By what a publication tells rows of a table apart, where that lets none be changed or removed."""

    schema: str
    table: str
    clause: str

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.table)


# The tables with all their partitions, a table before its partitions.
PARTS = """
WITH RECURSIVE part (oid, depth) AS (
    SELECT pg_catalog.unnest(%s::oid[]), 0
    UNION
    SELECT i.inhrelid, part.depth + 1 FROM part
    JOIN pg_class c ON c.oid = part.oid AND c.relkind = 'p'
    JOIN pg_inherits i ON i.inhparent = part.oid
)"""

_CONSTRAINTS = f"""{PARTS}
SELECT k.conname, n.nspname, c.relname, pg_get_constraintdef(k.oid),
       obj_description(k.oid, 'pg_constraint'), k.convalidated
FROM pg_constraint k JOIN part ON part.oid = k.conrelid
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (k.contype = 'c' OR k.contype = 'n' AND NOT k.convalidated) AND k.conislocal
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_constraint'::regclass
                  AND d.objid = k.oid AND d.deptype = 'e')
ORDER BY part.depth, n.nspname, c.relname, k.conname
"""

# Taking a table's rule off takes it off all heirs, and where it comes back as never validated, so do theirs
# though of their own rows it may have been proven.
_VALID_HEIRS = """
WITH RECURSIVE heir (oid) AS (
    SELECT pg_catalog.unnest(%s::oid[])
    UNION
    SELECT i.inhrelid FROM heir JOIN pg_inherits i ON i.inhparent = heir.oid
)
SELECT k.conname, n.nspname, c.relname, pg_get_constraintdef(k.oid), NULL, true
FROM heir
JOIN pg_inherits i ON i.inhparent = heir.oid
JOIN pg_constraint u ON u.conrelid = i.inhparent AND u.contype IN ('c', 'n') AND NOT u.convalidated
JOIN pg_constraint k ON k.conrelid = i.inhrelid AND k.contype = u.contype AND k.conname = u.conname
  AND k.convalidated AND NOT k.conislocal
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
ORDER BY n.nspname, c.relname, k.conname
"""

_SWITCHES = f"""{PARTS}
SELECT s.kind, s.name, n.nspname, c.relname, s.firing
FROM (SELECT 'TRIGGER' AS kind, tgname AS name, tgrelid AS relation, tgenabled::text AS firing
      FROM pg_trigger WHERE NOT tgisinternal
      UNION ALL
      SELECT 'RULE', rulename, ev_class, ev_enabled::text FROM pg_rewrite WHERE rulename <> '_RETURN'
     ) AS s
JOIN part ON part.oid = s.relation
JOIN pg_class c ON c.oid = s.relation JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE s.firing IN ('O', 'A', 'R')
ORDER BY part.depth, n.nspname, c.relname, s.kind, s.name
"""


# NOTHING, a key that is not there, an index that has gone. A partition's own is what counts.
_WITHOUT_IDENTITY = f"""{PARTS}
SELECT DISTINCT n.nspname, c.relname, CASE c.relreplident WHEN 'd' THEN 'DEFAULT' ELSE 'NOTHING' END
FROM part JOIN pg_class c ON c.oid = part.oid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE EXISTS (SELECT FROM pg_publication WHERE pubupdate OR pubdelete)
  AND CASE c.relreplident
      WHEN 'n' THEN true
      WHEN 'f' THEN false
      WHEN 'i' THEN NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident)
      ELSE NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
      END
ORDER BY 1, 2
"""


def without_identity(connection: Connection, tables: Iterable[LiveTable]) -> list[Identity]:
    """Of these tables and their partitions those whose rows nobody may change or remove, should a publication
    have them: https://www.postgresql.org/docs/current/logical-replication-publication.html"""
    with connection.cursor() as cursor:
        cursor.execute(_WITHOUT_IDENTITY, [[table.oid for table in tables]])
        return [Identity(*row) for row in cursor.fetchall()]


def leaves(connection: Connection, table: sql.Identifier) -> list[sql.Identifier]:
    """The partitions of a partitioned table that have no partitions themselves."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT n.nspname, c.relname FROM pg_partition_tree({}::regclass) AS t"
                " JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE t.isleaf ORDER BY 1, 2"
            ).format(sql.Literal(table.as_string(connection)))
        )
        return [sql.Identifier(schema, name) for schema, name in cursor.fetchall()]


def constraints(connection: Connection, tables: Iterable[LiveTable]) -> list[Constraint]:
    """The rules of these tables and their partitions that can be taken off, a table's before its
    partitions'. Those that partitions only inherit go and come with the table's."""
    with connection.cursor() as cursor:
        cursor.execute(_CONSTRAINTS, [[table.oid for table in tables]])
        return [Constraint(*row) for row in cursor.fetchall()]


def valid_heirs(connection: Connection, tables: Iterable[LiveTable]) -> list[Constraint]:
    """Rules that partitions and heirs of these tables only inherit, validated where their parent's is not."""
    with connection.cursor() as cursor:
        cursor.execute(_VALID_HEIRS, [[table.oid for table in tables]])
        return [Constraint(*row) for row in cursor.fetchall()]


def switches(connection: Connection, tables: Iterable[LiveTable]) -> list[Switch]:
    """The enabled triggers and rewrite rules of these tables and their partitions, but for those that
    constraints made."""
    with connection.cursor() as cursor:
        cursor.execute(_SWITCHES, [[table.oid for table in tables]])
        return [Switch(*row) for row in cursor.fetchall()]
