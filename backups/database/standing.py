"""Whether tables are still what they were at an instant: the same storage under the same names.

Catalogue tables show a REPEATABLE READ transaction what was there at its instant; functions such as
``pg_relation_filenode`` go by what is there now, as every statement does when it opens a table.
"""

from collections.abc import Iterable, Mapping

from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable

# By kind and oid, what a label of an enumeration or a member of a composite type is called.
Types = Mapping[tuple[str, int, int], str]

_STORAGE = """
WITH RECURSIVE tree(relation) AS (
  SELECT pg_catalog.unnest(%s::oid[])
  UNION
  SELECT i.inhrelid FROM pg_inherits i JOIN tree ON i.inhparent = tree.relation
)
SELECT c.oid::bigint, c.relfilenode::bigint FROM pg_class c JOIN tree ON tree.relation = c.oid
"""

# Locks tell what a statement opened, by whatever name. Indexes may have come since.
_MOVED = """
WITH known AS MATERIALIZED (
  SELECT relation, file FROM unnest(%(tables)s::oid[], %(files)s::oid[]) AS t(relation, file)
)
SELECT EXISTS (
  SELECT FROM pg_locks l LEFT JOIN pg_class c ON c.oid = l.relation
  WHERE l.locktype = 'relation' AND l.pid = pg_backend_pid() AND l.granted
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.relation NOT IN (SELECT relation FROM known)
    AND (c.relkind IN ('r', 'p', 'f') AND c.relnamespace <> 'pg_catalog'::regnamespace
         OR c.oid IS NULL AND pg_get_indexdef(l.relation) IS NULL)
) OR EXISTS (
  SELECT FROM known
  WHERE file <> 0 AND pg_relation_filenode(relation) IS DISTINCT FROM file
)
"""

_TYPES = """
SELECT 'label', e.enumtypid::bigint, e.oid::bigint, e.enumlabel FROM pg_enum e
UNION ALL
SELECT 'member', c.oid::bigint, a.attnum, a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind = 'c' AND a.attnum > 0 AND NOT a.attisdropped
  AND c.relnamespace <> ALL ('{pg_catalog,information_schema}'::regnamespace[])
"""


def storage(connection: Connection, tables: Iterable[LiveTable]) -> dict[int, int]:
    """The tables with all their partitions and heirs, each with the file that holds its rows; 0 where
    it has none of its own."""
    with connection.cursor() as cursor:
        cursor.execute(_STORAGE, [[table.oid for table in tables]])
        return dict(cursor.fetchall())


def has_moved(connection: Connection, storage: Mapping[int, int]) -> bool:
    """Whether the transaction has opened other tables than these, or one of them has its rows
    elsewhere now: it was rewritten, emptied by TRUNCATE, or dropped."""
    asked = {"tables": list(storage), "files": list(storage.values())}
    with connection.cursor() as cursor:
        cursor.execute(_MOVED, asked)
        return bool(cursor.fetchone()[0])  # type: ignore[index]


def types(connection: Connection) -> Types:
    """What the labels and members of the database's own types are called."""
    with connection.cursor() as cursor:
        cursor.execute(_TYPES)
        return {(kind, owner, number): name for kind, owner, number, name in cursor.fetchall()}


def are_still(then: Types, now: Types) -> bool:
    """Whether everything is called as it was. New labels do no harm: no row of the instant has them."""
    members = {key[1] for key in then if key[0] == "member"}
    grown = any(
        kind == "member" and owner in members for kind, owner, _ in now.keys() - then.keys()
    )
    return not grown and all(now.get(key) == name for key, name in then.items())
