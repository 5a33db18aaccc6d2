"""What the database holds beside the tables that Django finds by their names: in other schemas, hidden, of
extensions, on other servers, large objects. Read from the system catalogues; of rows only whether there are.

https://www.postgresql.org/docs/current/catalogs.html
"""

from dataclasses import dataclass
from enum import StrEnum

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection


class Kind(StrEnum):
    """Why no backup holds it."""

    ELSEWHERE = "elsewhere"
    HIDDEN = "hidden"
    EXTENSION = "extension"
    EXTENSION_UNSURE = "extension_unsure"
    FOREIGN = "foreign"
    VIEW = "view"
    LARGE_OBJECTS = "large_objects"
    SEQUENCE = "sequence"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Outsider:
    """A relation that backups do not read. ``found``: its bare name means it, for Django as for us."""

    kind: Kind
    schema: str
    name: str
    found: bool
    rows: int = 0

    @property
    def qualified(self) -> str:
        return f"{self.schema}.{self.name}"


LARGE_OBJECTS = ("pg_catalog", "pg_largeobject")

_OF_USERS = (
    "n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"  # users' own may not begin so
)
_OF_AN_EXTENSION = (
    "EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass"
    " AND e.objid = c.oid AND e.deptype = 'e')"
)
_SEARCHED = "n.nspname = ANY (array_remove(current_schemas(false), 'pg_catalog'))"
# Not pg_table_is_visible: a view or a temporary table of the same name would hide it from that.
_FIRST = f"""
({_SEARCHED} AND NOT EXISTS (
    SELECT FROM pg_class o JOIN pg_namespace m ON m.oid = o.relnamespace
    WHERE o.relname = c.relname AND o.oid <> c.oid AND o.relkind IN ('r', 'p', 'f', 'v', 'm')
      AND array_position(current_schemas(false), m.nspname)
          < array_position(current_schemas(false), n.nspname)))"""

# Partitions of a table are read with it, wherever they lie.
_TABLES = f"""
SELECT CASE WHEN {_SEARCHED} THEN 'hidden' ELSE 'elsewhere' END, n.nspname, c.relname, false
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND {_OF_USERS} AND NOT {_OF_AN_EXTENSION} AND NOT c.oid = ANY (%s::oid[])
UNION ALL
SELECT CASE c.relkind WHEN 'f' THEN 'foreign' ELSE 'view' END, n.nspname, c.relname, {_FIRST}
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('f', 'v', 'm') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND {_OF_USERS} AND NOT {_OF_AN_EXTENSION}
UNION ALL
SELECT 'unreadable', n.nspname, c.relname, true
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = ANY (%s::oid[]) AND NOT has_table_privilege(c.oid, 'SELECT')
ORDER BY 2, 3, 1
"""

# Sequences that number a column are read with its table; others only where they are found by name.
_SEQUENCES = f"""
SELECT n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND {_OF_USERS} AND NOT {_OF_AN_EXTENSION}
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                  AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
                  AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i'))
  AND (NOT {_SEARCHED} OR EXISTS (
    SELECT FROM pg_class o JOIN pg_namespace m ON m.oid = o.relnamespace
    WHERE o.relkind = 'S' AND o.relname = c.relname AND o.oid <> c.oid
      AND array_position(current_schemas(false), m.nspname)
          < array_position(current_schemas(false), n.nspname)))
ORDER BY 1, 2
"""

# A condition, where the extension marked its table as one that holds rows of users (the words after
# the table's name in pg_dump's own question); NULL where it did not.
# https://www.postgresql.org/docs/current/extend-extensions.html#EXTEND-EXTENSIONS-CONFIG-TABLES
_OF_EXTENSIONS = f"""
SELECT n.nspname, c.relname, {_FIRST},
       (SELECT x.extcondition[array_position(x.extconfig, c.oid)] FROM pg_extension x
        WHERE c.oid = ANY (x.extconfig))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND {_OF_AN_EXTENSION}
ORDER BY 1, 2
"""


def outsiders(connection: Connection, inside: list[int]) -> list[Outsider]:
    """All of them; ``inside`` are the oids of the tables that backups find. Views that Django does not
    take for tables harm nobody; they are listed so that a model of one can be told so."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, [inside, inside])
        found = [Outsider(Kind(kind), *names) for kind, *names in cursor.fetchall()]
        cursor.execute(_SEQUENCES)
        found += [
            Outsider(Kind.SEQUENCE, schema, name, found=False) for schema, name in cursor.fetchall()
        ]
    return [*found, *_of_extensions(connection), *_large_objects(connection)]


def _of_extensions(connection: Connection) -> list[Outsider]:
    found = []
    with connection.cursor() as cursor:
        cursor.execute(_OF_EXTENSIONS)
        for schema, name, by_name, condition in cursor.fetchall():
            rows = _rows(connection, sql.Identifier(schema, name), condition or "")
            if rows:
                kind = Kind.EXTENSION_UNSURE if condition is None else Kind.EXTENSION
                found.append(Outsider(kind, schema, name, by_name, rows))
    return found


def _rows(connection: Connection, table: sql.Identifier, condition: str) -> int:
    """How many rows of users a table has; 1 where this account may not ask."""
    question = sql.SQL("SELECT count(*) FROM {} {}").format(table, sql.SQL(condition))
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT outsiders")
        try:
            cursor.execute(question)
            return int(cursor.fetchone()[0])  # type: ignore[index]
        except (psycopg2.ProgrammingError, psycopg2.DataError):
            return 1
        finally:
            cursor.execute("ROLLBACK TO SAVEPOINT outsiders")
            cursor.execute("RELEASE SAVEPOINT outsiders")


def _large_objects(connection: Connection) -> list[Outsider]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_largeobject_metadata")
        count = int(cursor.fetchone()[0])  # type: ignore[index]
    return [Outsider(Kind.LARGE_OBJECTS, *LARGE_OBJECTS, False, rows=count)] if count else []
