"""What stands around the tables that a restore writes to: foreign keys and triggers."""

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable


@dataclass(frozen=True)
class ForeignKey:
    """One constraint as it stands; ``definition`` is PostgreSQL's own text and restores all of it."""

    name: str
    schema: str
    table: str
    columns: tuple[str, ...]
    target_schema: str
    target_table: str
    target_columns: tuple[str, ...]
    definition: str
    comment: str | None
    validated: bool = True

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.table)

    @property
    def target_identifier(self) -> sql.Identifier:
        return sql.Identifier(self.target_schema, self.target_table)


@dataclass(frozen=True)
class Trigger:
    """A trigger of the application's own; ``firing`` is how it is enabled: O(rigin) or A(lways)."""

    name: str
    schema: str
    table: str
    firing: str

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.table)


_FOREIGN_KEYS = """
SELECT k.conname, n.nspname, c.relname,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u(number, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number
             ORDER BY place),
       tn.nspname, t.relname,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u(number, place)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number
             ORDER BY place),
       pg_get_constraintdef(k.oid), obj_description(k.oid, 'pg_constraint'), k.convalidated
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class t ON t.oid = k.confrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0
ORDER BY n.nspname, c.relname, k.conname
"""

_TRIGGERS = """
SELECT g.tgname, n.nspname, c.relname, g.tgenabled::text
FROM pg_trigger g
JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE g.tgrelid = ANY (%s::oid[]) AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
ORDER BY n.nspname, c.relname, g.tgname
"""


def foreign_keys(connection: Connection) -> list[ForeignKey]:
    """Every foreign key of the database."""
    with connection.cursor() as cursor:
        cursor.execute(_FOREIGN_KEYS)
        return [
            ForeignKey(name, schema, table, tuple(cols), ts, tt, tuple(tcols), *facts)
            for name, schema, table, cols, ts, tt, tcols, *facts in cursor.fetchall()
        ]


def triggers(connection: Connection, tables: Iterable[LiveTable]) -> list[Trigger]:
    """The enabled triggers of these tables that constraints did not make."""
    with connection.cursor() as cursor:
        cursor.execute(_TRIGGERS, [[table.oid for table in tables]])
        return [Trigger(*row) for row in cursor.fetchall()]
