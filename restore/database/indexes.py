"""Indexes that are taken off while many rows are written, and built over all of them at once.

An index is built in half of the time, or less, that it takes to be told of each row. It is only taken off
where PostgreSQL's own text of it, and its comment, say all there is to it, and nothing leans on it. What can
not be put back exactly as it was stays where it is: primary keys, exclusion constraints, indexes of
partitions, those in a tablespace of their own, those that mark a table's order or identity, invalid ones,
those whose building runs code of the application's own, and all where the account may make none.
https://www.postgresql.org/docs/current/populate.html#POPULATE-RM-INDEXES
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable
from restore.database import powers
from restore.database.failures import restore_failure
from restore.database.rules import FIRST_NUMBER_OF_OTHERS

# Memory for one building at a time; the server's own setting where that is more.
_MEMORY_MB = 256


@dataclass(frozen=True)
class SpareIndex:
    """``definition`` is a whole statement, or of a unique constraint what stands behind its name."""

    schema: str
    table: str
    name: str
    definition: str
    comment: str | None
    is_constraint: bool
    constraint_comment: str | None

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    @property
    def table_identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.table)


# Since version 17 an index is built under a search path of its own, so that functions of the application may
# fail then that never failed before; a function may also do whatever else. Those that extensions bring for
# their types do not.
_RUNS_CODE = f"""
    d.refobjid >= {FIRST_NUMBER_OF_OTHERS} AND (
    d.refclassid = 'pg_opclass'::regclass AND NOT EXISTS (
        SELECT FROM pg_depend e WHERE e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e')
    OR d.refclassid = 'pg_type'::regclass AND NOT EXISTS (
        SELECT FROM pg_type t WHERE t.oid = d.refobjid AND t.typtype = 'e')
    OR d.refclassid NOT IN ('pg_class'::regclass, 'pg_constraint'::regclass, 'pg_collation'::regclass,
                            'pg_opclass'::regclass, 'pg_type'::regclass))
"""

_SPARE = f"""
SELECT n.nspname, c.relname, x.relname,
       CASE WHEN k.oid IS NULL THEN pg_get_indexdef(x.oid) ELSE pg_get_constraintdef(k.oid) END,
       obj_description(x.oid, 'pg_class'), k.oid IS NOT NULL, obj_description(k.oid, 'pg_constraint')
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint k ON k.conindid = x.oid AND k.conrelid = c.oid AND k.contype = 'u'
WHERE i.indrelid = ANY (%(tables)s::oid[])
  AND c.relkind = 'r' AND NOT c.relispartition AND c.relpersistence = 'p'
  AND i.indisvalid AND i.indisready AND i.indislive
  AND NOT (i.indisprimary OR i.indisexclusion OR i.indisclustered OR i.indisreplident)
  AND has_schema_privilege(n.oid, 'CREATE')
  AND x.reltablespace = 0 AND x.relam < {FIRST_NUMBER_OF_OTHERS}
  AND (k.oid IS NULL OR x.reloptions IS NULL AND k.conislocal AND k.coninhcount = 0)
  AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = x.oid AND o.oid IS DISTINCT FROM k.oid)
  AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = x.oid AND coalesce(a.attstattarget, -1) >= 0)
  AND NOT EXISTS (
    SELECT FROM pg_depend d
    WHERE (d.refclassid, d.refobjid) IN (
            ('pg_class'::regclass::oid, x.oid), ('pg_constraint'::regclass::oid, k.oid))
      AND d.deptype <> 'i')
  AND NOT EXISTS (
    SELECT FROM pg_depend d
    WHERE (d.classid, d.objid) IN (
            ('pg_class'::regclass::oid, x.oid), ('pg_constraint'::regclass::oid, k.oid))
      AND (d.deptype NOT IN ('a', 'n')
             AND NOT (d.deptype = 'i' AND d.refclassid = 'pg_constraint'::regclass AND d.refobjid = k.oid)
           OR {_RUNS_CODE}))
ORDER BY n.nspname, c.relname, x.relname
"""


class SpareIndexes:
    """``take_off``, and once ``put_back``, in one transaction that has the tables alone."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._off: Sequence[SpareIndex] = ()

    def take_off(self, tables: Iterable[LiveTable], held: Iterable[LiveTable]) -> None:
        """Of ``tables``; of those that are ``held`` the locks are counted. Where the server has no room
        for more locks, or somebody's event triggers would act, all stay."""
        spare = spare_indexes(self._connection, tables)
        if not spare or powers.event_triggers(self._connection):
            return
        # Those that go stay locked to the end, and so are those that come.
        if not powers.locks_for(self._connection, held).fit_with(len(spare)):
            return
        self._off = spare
        plain = [index.identifier for index in spare if not index.is_constraint]
        if plain:
            self._execute("DROP INDEX {}", sql.SQL(", ").join(plain))
        for index in spare:
            if index.is_constraint:
                name = sql.Identifier(index.name)
                self._execute("ALTER TABLE {} DROP CONSTRAINT {}", index.table_identifier, name)

    def put_back(self) -> None:
        """Build them, with what the plan has asked of the rows. Raises RestoreError where rows object."""
        if not self._off:
            return
        # Whatever the account's own settings are: what stood in the database's tablespace stays there.
        self._execute("SET LOCAL default_tablespace = ''")
        self._execute(
            f"SELECT set_config('maintenance_work_mem', '{_MEMORY_MB}MB', true)"
            f" WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < {_MEMORY_MB * 2**20}"
        )
        for index in self._off:
            with restore_failure(constraint=index.name, table=index.table):
                self._build(index)

    def _build(self, index: SpareIndex) -> None:
        if index.is_constraint:
            self._execute(
                "ALTER TABLE {} ADD CONSTRAINT {} {}",
                index.table_identifier,
                sql.Identifier(index.name),
                sql.SQL(index.definition),
            )
        else:
            with self._connection.cursor() as cursor:
                cursor.execute(index.definition)
        if index.comment is not None:
            said = sql.Literal(index.comment)
            self._execute("COMMENT ON INDEX {} IS {}", index.identifier, said)
        if index.constraint_comment is not None:
            self._execute(
                "COMMENT ON CONSTRAINT {} ON {} IS {}",
                sql.Identifier(index.name),
                index.table_identifier,
                sql.Literal(index.constraint_comment),
            )

    def _execute(self, statement: str, *parts: sql.Composable) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(*parts))


def spare_indexes(connection: Connection, tables: Iterable[LiveTable]) -> list[SpareIndex]:
    """The indexes of these tables that can be taken off. Keys that lead to the tables count as leaning on
    an index: take them off first."""
    with connection.cursor() as cursor:
        cursor.execute(_SPARE, {"tables": [table.oid for table in tables]})
        return [SpareIndex(*row) for row in cursor.fetchall()]
