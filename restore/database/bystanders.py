"""Rows of tables that a restore leaves alone, and that what it writes leans on.

Rows of a file may point at them, and rules of a table (a CHECK whose function looks something up, say)
may read them; without their rows a test restore would fail where the real one does not.
"""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from psycopg2 import sql

from backups import conf
from backups.database.connection import Connection
from restore.database import catalogue

# What nothing declared points at is copied up to this size: a table to look things up in, no archive.
LOOKUP_BYTES = 8 * 1024 * 1024
_SPOOL_BYTES = 16 * 1024 * 1024

Name = tuple[str, str]  # schema and table


@dataclass(frozen=True)
class Bystander:
    """A table whose rows are copied. ``needed``: something that is restored points at it."""

    schema: str
    name: str
    columns: tuple[str, ...]
    partitioned: bool
    needed: bool

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)


_TABLES = """
SELECT n.nspname, c.relname,
       ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
             AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum),
       c.relkind = 'p', c.relpages * 8192::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
  AND NOT row_security_active(c.oid)
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass
                  AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY n.nspname, c.relname
"""


def bystanders(
    connection: Connection, restored: Iterable[str], ours: Iterable[str]
) -> list[Bystander]:
    """Which tables' rows a test restore needs, beside those of the file.

    ``restored``: names of the tables that a file may hold. ``ours``: those whose rows nobody needs.
    """
    written, passed_over = set(restored), set(ours)
    keys = [
        (k.source.schema, k.source.name, k.target.schema, k.target.name) for k in _keys(connection)
    ]
    needed = _pointed_at(written, keys)
    leaning = {(schema, table) for schema, table, _schema, target in keys if target in written}
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        found = [
            Bystander(schema, name, tuple(columns), partitioned, (schema, name) in needed)
            for schema, name, columns, partitioned, size in cursor.fetchall()
            if name not in written
            and name not in passed_over
            and (
                (schema, name) in needed or ((schema, name) not in leaning and size <= LOOKUP_BYTES)
            )
        ]
    return _complete(found, keys)


def _complete(found: list[Bystander], keys: list[tuple[str, str, str, str]]) -> list[Bystander]:
    """Without those that nothing needs and whose own rows point at what does not come along."""
    there = {(table.schema, table.name) for table in found}
    lacking = {(schema, name) for schema, name, *target in keys if tuple(target) not in there}
    kept = [t for t in found if t.needed or (t.schema, t.name) not in lacking]
    return kept if len(kept) == len(found) else _complete(kept, keys)


def _keys(connection: Connection) -> list[catalogue.ForeignKey]:
    return catalogue.foreign_keys(connection)


def _pointed_at(written: set[str], keys: list[tuple[str, str, str, str]]) -> set[Name]:
    """The tables outside that what is written points at, and what these point at in turn."""
    found: set[Name] = set()
    grown = True
    while grown:
        grown = False
        for schema, table, target_schema, target in keys:
            is_of_interest = table in written or (schema, table) in found
            if is_of_interest and target not in written and (target_schema, target) not in found:
                found.add((target_schema, target))
                grown = True
    return found


def copy_rows(
    source: Connection, target: Connection, table: Bystander, check: Callable[[], None]
) -> None:
    """Copy one table's rows, as they are, from one database to another."""
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    whose = table.identifier
    own = whose if table.partitioned else sql.SQL("ONLY {}").format(whose)
    out = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(columns, own)
    back = sql.SQL("COPY {} ({}) FROM STDIN").format(whose, columns)
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as rows:
        with source.cursor() as cursor:
            wait = f"{int(conf.lock_wait_seconds() * 1000)}ms"
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [wait])
            cursor.copy_expert(out, rows)
        check()
        rows.seek(0)
        with target.cursor() as cursor:
            cursor.copy_expert(back, rows)
    check()
