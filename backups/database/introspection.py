"""What the live database has: tables, columns, keys, sequences. Read from the system catalogues.

https://www.postgresql.org/docs/current/catalogs.html
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.artifact.native import Encoding, encoding_of


@dataclass(frozen=True)
class LiveColumn:
    """``output`` is the type's output function: schema and name; empty where no cell of the column can be
    handed to it. ``collatable``: it sorts by language.
    ``base`` is the type of which the same values can be had without the rules of domains, and empty where no
    domain is in it; ``as_text``: that is ``text``, as they are printed. ``sorts_as_its_type``: by no other
    collation than that of its type."""

    name: str
    type: str
    output: tuple[str, ...]
    nullable: bool
    has_default: bool
    generated: bool
    collatable: bool
    base: str = ""
    sorts_as_its_type: bool = True
    as_text: bool = False

    @property
    def encoding(self) -> Encoding:
        return encoding_of(self.type)

    @property
    def made_of(self) -> str:
        """The type whose values its cells have: of a domain the one beneath."""
        return self.base or self.type

    @property
    def is_array(self) -> bool:
        return self.type.endswith("[]")

    def printed(self, cell: sql.Composable) -> sql.Composed:
        """PostgreSQL's own printed form of a cell, live or waiting, as a text. A cast would not do: char(n)
        loses its blanks, inet gains a mask. ``concat`` does for any type, and takes NULL for nothing."""
        if self.output:
            return sql.SQL("textin({}({}))").format(sql.Identifier(*self.output), cell)
        return sql.SQL("CASE WHEN {c} IS DISTINCT FROM NULL THEN concat({c}) END").format(c=cell)


# What rows are read from.
Source = sql.Composable


@dataclass(frozen=True)
class LiveTable:
    """A table of the current schemas that no extension owns. ``estimated_rows`` is the planner's.

    ``source``: what its rows are read from where not all of them can be read.
    """

    oid: int
    schema: str
    name: str
    estimated_rows: int
    partitioned: bool
    columns: dict[str, LiveColumn] = field(default_factory=dict)
    source: Source | None = field(default=None, compare=False)

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    @property
    def own_rows(self) -> Source:
        """The table without those that inherit from it; of a partitioned one, with its partitions."""
        if self.source is not None:
            return self.source
        return self.identifier if self.partitioned else sql.SQL("ONLY {}").format(self.identifier)


@dataclass(frozen=True)
class LiveSequence:
    """``table`` and ``column`` own it; both empty, and ``owner`` 0, where nothing does. ``takers`` are the
    tables whose defaults take numbers from it; they and ``owner`` are oids. Its numbers lie between
    ``minimum`` and ``maximum``; ``rises`` or falls. ``whole``: its column holds whole numbers."""

    schema: str
    name: str
    table: str
    column: str
    owner: int
    takers: tuple[int, ...]
    minimum: int
    maximum: int
    rises: bool
    whole: bool

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)


# Django's own list of what was applied.
MIGRATIONS = "django_migrations"

_NOT_OF_AN_EXTENSION = (
    "NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass"
    " AND e.objid = c.oid AND e.deptype = 'e')"
)

_TABLES = f"""
SELECT c.oid::bigint, n.nspname, c.relname,
       CASE WHEN c.reltuples >= 0 THEN c.reltuples ELSE pg_stat_get_live_tuples(c.oid) END::bigint,
       c.relkind = 'p'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname = ANY (array_remove(current_schemas(false), 'pg_catalog')) AND {_NOT_OF_AN_EXTENSION}
ORDER BY array_position(current_schemas(false), n.nspname) DESC, c.relname
"""

# From PostgreSQL 18 on a column may hold NULLs that were there before it was told not to.
_HOLDS_NULLS = (
    "EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n'"
    " AND NOT k.convalidated AND k.conkey = ARRAY[a.attnum])"
)

# Domains with rules that rows may break, and all types that are made of them; ``wrapped`` in a way that no
# other type has: fields of composites, bounds of ranges, arrays within arrays.
_LENIENT = """
WITH RECURSIVE lenient (oid, wrapped) AS (
    SELECT DISTINCT k.contypid, false FROM pg_constraint k
    WHERE k.contypid <> 0 AND k.contype = 'c' AND NOT k.convalidated
    UNION
    SELECT t.oid, l.wrapped OR t.typtype <> 'd' AND (t.typtype <> 'b' OR e.typtype = 'd' AND EXISTS (
               SELECT FROM pg_type b WHERE b.oid = e.typbasetype AND b.typcategory = 'A'))
    FROM lenient l JOIN pg_type e ON e.oid = l.oid
    JOIN pg_type t ON t.typtype = 'd' AND t.typbasetype = l.oid
      OR t.typcategory = 'A' AND t.typelem = l.oid
      OR t.typtype = 'c' AND EXISTS (SELECT FROM pg_attribute f WHERE f.attrelid = t.typrelid
             AND f.atttypid = l.oid AND f.attnum > 0 AND NOT f.attisdropped)
      OR EXISTS (SELECT FROM pg_range r WHERE r.rngsubtype = l.oid AND t.oid IN (r.rngtypid, r.rngmultitypid))
)"""
# What stands in an index is compared, and keeps its type.
_AS_TEXT = """
coalesce(l.wrapped, false)
AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND a.attnum = ANY (i.indkey))"""
# Domains may be made of domains, and so may the elements of arrays.
_BASE = f"""
CASE WHEN {_AS_TEXT} THEN 'text' WHEN t.typtype <> 'd' AND l.wrapped IS DISTINCT FROM false THEN '' ELSE (
    WITH RECURSIVE made (oid, typmod, brackets, depth) AS (
        SELECT a.atttypid, a.atttypmod, '', 0
        UNION ALL
        SELECT CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.typelem END,
               CASE d.typtype WHEN 'd' THEN d.typtypmod ELSE made.typmod END,
               CASE d.typtype WHEN 'd' THEN made.brackets ELSE '[]' END, made.depth + 1
        FROM made JOIN pg_type d ON d.oid = made.oid
          AND (d.typtype = 'd'
               OR d.typcategory = 'A' AND d.typelem = ANY (ARRAY(SELECT lenient.oid FROM lenient)))
    ) SELECT format_type(oid, typmod) || brackets FROM made ORDER BY depth DESC LIMIT 1) END"""

# An output function may be one of another type, which this one is stored like: refcursor has that of text.
_IS_TAKEN = f"""
(NOT ({_AS_TEXT}) AND (
    f.proargtypes[0] IN (t.oid, t.typbasetype) OR t.typtype NOT IN ('b', 'd')
    OR f.proargtypes[0] IN ('anyarray'::regtype, 'record'::regtype)
    OR EXISTS (SELECT FROM pg_type d WHERE d.oid = t.typbasetype AND d.typtype NOT IN ('b', 'p'))))"""

_COLUMNS = f"""
{_LENIENT}
SELECT a.attrelid::bigint, a.attname, format_type(a.atttypid, a.atttypmod),
       CASE WHEN {_IS_TAKEN} THEN ARRAY[fn.nspname, f.proname]::text[] ELSE '{{}}' END,
       NOT a.attnotnull OR {_HOLDS_NULLS}, a.atthasdef OR a.attidentity <> '',
       a.attgenerated <> '', a.attcollation <> 0, {_BASE}, a.attcollation = t.typcollation, {_AS_TEXT}
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN (SELECT oid, bool_or(wrapped) AS wrapped FROM lenient GROUP BY oid) AS l ON l.oid = a.atttypid
JOIN pg_proc f ON f.oid = t.typoutput
JOIN pg_namespace fn ON fn.oid = f.pronamespace
WHERE a.attrelid = ANY (%s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""

# An owned one, in its table's schema always, is found with the table; of others the first of a name counts.
_SEQUENCES = f"""
SELECT n.nspname, c.relname, coalesce(owner.relname, ''), coalesce(a.attname, ''),
       coalesce(owner.oid, 0)::bigint,
       ARRAY(SELECT DISTINCT f.adrelid::bigint FROM pg_depend t
             JOIN pg_attrdef f ON t.classid = 'pg_attrdef'::regclass AND t.objid = f.oid
             WHERE t.refclassid = 'pg_class'::regclass AND t.refobjid = c.oid),
       s.seqmin, s.seqmax, s.seqincrement > 0,
       coalesce(a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype), false)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_sequence s ON s.seqrelid = c.oid
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
  AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
LEFT JOIN pg_class owner ON owner.oid = d.refobjid
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND {_NOT_OF_AN_EXTENSION}
  AND n.nspname = ANY (array_remove(current_schemas(false), 'pg_catalog'))
  AND NOT EXISTS (
    SELECT FROM pg_class o JOIN pg_namespace h ON h.oid = o.relnamespace
    WHERE o.relname = coalesce(owner.relname, c.relname) AND o.relpersistence <> 't'
      AND (o.relkind = 'S') = (owner.oid IS NULL) AND o.relkind IN ('S', 'r', 'p')
      AND array_position(current_schemas(false), h.nspname)
          < array_position(current_schemas(false), n.nspname))
ORDER BY c.relname COLLATE "C", n.nspname COLLATE "C"
"""


def live_tables(connection: Connection) -> dict[str, LiveTable]:
    """Every table by name. Of equal names in two schemas the one first in the search path counts,
    as it does for Django."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        tables = {row[0]: LiveTable(*row) for row in cursor.fetchall()}
        cursor.execute(_COLUMNS, [list(tables)])
        for oid, name, kind, output, *facts in cursor.fetchall():
            tables[oid].columns[name] = LiveColumn(name, kind, tuple(output), *facts)
    return {table.name: table for table in tables.values()}


def live_sequences(connection: Connection) -> list[LiveSequence]:
    """Those of the tables that ``live_tables`` finds, and those that nothing owns."""
    with connection.cursor() as cursor:
        cursor.execute(_SEQUENCES)
        return [
            LiveSequence(schema, name, table, column, owner, tuple(takers), *facts)
            for schema, name, table, column, owner, takers, *facts in cursor.fetchall()
        ]


def sequence_state(connection: Connection, sequence: LiveSequence) -> tuple[int, bool]:
    """``last_value`` and ``is_called``. Sequences know no snapshot: it may be ahead, never behind."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT last_value, is_called FROM {}").format(sequence.identifier))
        value, called = cursor.fetchone()  # type: ignore[misc]
    return int(value), bool(called)


def count_rows(connection: Connection, tables: Iterable[LiveTable]) -> dict[str, int]:
    """Exact rows of each table, in one statement."""
    wanted = list(tables)
    if not wanted:
        return {}
    counts = [
        sql.SQL("SELECT {}, count(*) FROM {}").format(sql.Literal(t.name), t.own_rows)
        for t in wanted
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(" UNION ALL ").join(counts))
        return {name: int(count) for name, count in cursor.fetchall()}


def server_version(connection: Connection) -> str:
    """Such as ``18.6``."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return str(cursor.fetchone()[0]).split()[0]  # type: ignore[index]


def last_migrations(connection: Connection) -> dict[str, str]:
    """The last applied migration of each app; empty where Django's own table is not there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
        if not cursor.fetchone()[0]:  # type: ignore[index]
            return {}
        cursor.execute(
            "SELECT app, pg_catalog.max(name) FROM django_migrations GROUP BY app ORDER BY app"
        )
        return {str(app): str(name) for app, name in cursor.fetchall()}
