"""The rules of the tables that a restore writes to, in PostgreSQL's own words: unique indexes, CHECK and
exclusion constraints, generated columns, partitions. They are asked of a file's waiting rows as they stand.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable


@dataclass(frozen=True)
class UniqueRule:
    """A unique index. ``terms`` are its columns and expressions, ``condition`` is that of a partial one
    or empty, ``columns`` all that it looks at. ``nulls_equal``: two NULLs collide too. ``tail`` is its
    definition from USING on."""

    table: str
    name: str
    columns: tuple[str, ...]
    terms: tuple[str, ...]
    condition: str
    nulls_equal: bool
    tail: str

    @property
    def names(self) -> list[sql.Identifier]:
        """What the terms are called in ``term_list``."""
        return [sql.Identifier(f"__term_{place}") for place in range(len(self.terms))]

    @property
    def term_list(self) -> sql.Composed:
        """The terms as a select list. They must be grouped by their names alone: a constant, the idiom of
        a table with one row, would be taken for a position."""
        return sql.SQL(", ").join(
            sql.SQL("({}) AS {}").format(sql.SQL(term), name)
            for term, name in zip(self.terms, self.names, strict=True)
        )

    @property
    def covers(self) -> sql.Composed:
        """Whether it says anything of a row."""
        conditions = [f"({self.condition})"] if self.condition else []
        filled = [] if self.nulls_equal else [f"({term}) IS NOT NULL" for term in self.terms]
        return sql.SQL(" AND ").join(map(sql.SQL, [*conditions, *filled] or ["true"]))


@dataclass(frozen=True)
class CheckRule:
    """A CHECK constraint; ``condition`` must not be false for any row. ``calls_functions``: it calls some
    that are not PostgreSQL's own, which may look at tables that are yet to be filled."""

    table: str
    name: str
    columns: tuple[str, ...]
    condition: str
    calls_functions: bool = False

    @property
    def is_broken(self) -> sql.Composed:
        return sql.SQL("({}) IS FALSE").format(sql.SQL(self.condition))


@dataclass(frozen=True)
class ExclusionRule:
    """An exclusion constraint; of ``terms`` and ``operators`` the n-th belong together."""

    table: str
    name: str
    columns: tuple[str, ...]
    terms: tuple[str, ...]
    operators: tuple[str, ...]
    condition: str
    definition: str


@dataclass(frozen=True)
class PlainIndex:
    """An index that is not unique. It too can refuse a row: one that is too long for it."""

    table: str
    name: str
    columns: tuple[str, ...]
    tail: str


@dataclass(frozen=True)
class GeneratedRule:
    """A generated column, whose expression may fail."""

    table: str
    name: str
    columns: tuple[str, ...]
    expression: str


@dataclass(frozen=True)
class PartitionRule:
    """A partitioned table: a row must satisfy one of ``conditions``, those of its partitions."""

    table: str
    name: str
    columns: tuple[str, ...]
    conditions: tuple[str, ...]

    @property
    def is_broken(self) -> sql.Composed:
        fits = sql.SQL(" OR ").join(sql.SQL("({})").format(sql.SQL(c)) for c in self.conditions)
        return sql.SQL("({}) IS NOT TRUE").format(fits if self.conditions else sql.SQL("false"))


@dataclass(frozen=True)
class Rules:
    """All of them."""

    unique: tuple[UniqueRule, ...] = ()
    checks: tuple[CheckRule, ...] = ()
    exclusions: tuple[ExclusionRule, ...] = ()
    plain_indexes: tuple[PlainIndex, ...] = ()
    generated: tuple[GeneratedRule, ...] = ()
    partitions: tuple[PartitionRule, ...] = ()


# Columns of plain terms in their order, then those that expressions and the condition look at.
_INDEX_COLUMNS = """
ARRAY(SELECT a.attname::text
      FROM (SELECT number, place FROM unnest(i.indkey::int2[]) WITH ORDINALITY
                                 AS k(number, place) WHERE place <= i.indnkeyatts
            UNION ALL
            SELECT d.refobjsubid::int2, 1000 FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
              AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid) AS u
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.number AND u.number > 0
      GROUP BY a.attname ORDER BY min(place), a.attname)"""
_TERMS = """
ARRAY(SELECT pg_get_indexdef(i.indexrelid, n, false)
      FROM generate_series(1, i.indnkeyatts) AS n ORDER BY n)"""
_CONDITION = "coalesce(pg_get_expr(i.indpred, i.indrelid), '')"
# Behind the index's own name, which could hold anything.
_TAIL = """
substr(pg_get_indexdef(i.indexrelid), length(quote_ident(x.relname)) + strpos(
    substr(pg_get_indexdef(i.indexrelid), length(quote_ident(x.relname)) + 1), ' USING '))"""

_UNIQUE = f"""
SELECT c.relname, x.relname, {_INDEX_COLUMNS}, {_TERMS}, {_CONDITION},
       coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false), {_TAIL}
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
WHERE i.indrelid = ANY (%s::oid[]) AND i.indisunique AND i.indislive AND (i.indisvalid OR i.indisready)
ORDER BY c.relname, i.indexrelid
"""

_PLAIN = f"""
SELECT c.relname, x.relname, {_INDEX_COLUMNS}, {_TAIL}
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
WHERE i.indrelid = ANY (%s::oid[]) AND i.indislive AND NOT i.indisunique AND NOT i.indisexclusion
ORDER BY c.relname, i.indexrelid
"""

_EXCLUSIONS = f"""
SELECT c.relname, k.conname, {_INDEX_COLUMNS}, {_TERMS},
       ARRAY(SELECT format('OPERATOR(%%I.%%s)', n.nspname, o.oprname)
             FROM unnest(k.conexclop) WITH ORDINALITY AS e(oid, place)
             JOIN pg_operator o ON o.oid = e.oid JOIN pg_namespace n ON n.oid = o.oprnamespace
             ORDER BY place),
       {_CONDITION}, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_index i ON i.indexrelid = k.conindid JOIN pg_class c ON c.oid = k.conrelid
WHERE k.conrelid = ANY (%s::oid[]) AND k.contype = 'x'
ORDER BY c.relname, k.conname
"""

# Rules that are not enforced exist from PostgreSQL 18 on.
_CHECKS = """
SELECT c.relname, k.conname,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) ORDER BY a.attnum),
       pg_get_expr(k.conbin, k.conrelid),
       EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_constraint'::regclass
               AND d.objid = k.oid AND d.refclassid = 'pg_proc'::regclass)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE k.conrelid = ANY (%s::oid[]) AND k.contype = 'c'
  AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
ORDER BY c.relname, k.conname
"""

_GENERATED = """
SELECT c.relname, a.attname,
       ARRAY(SELECT b.attname::text FROM pg_depend d
             JOIN pg_attribute b ON b.attrelid = d.refobjid AND b.attnum = d.refobjsubid
             WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = a.attnum
               AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid > 0
             UNION
             SELECT b.attname::text FROM pg_depend d
             JOIN pg_attribute b ON b.attrelid = d.refobjid AND b.attnum = d.refobjsubid
             WHERE d.classid = 'pg_attrdef'::regclass AND d.objid = e.oid
               AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
               AND d.refobjsubid NOT IN (0, a.attnum)),
       pg_get_expr(e.adbin, e.adrelid)
FROM pg_attrdef e JOIN pg_class c ON c.oid = e.adrelid
JOIN pg_attribute a ON a.attrelid = e.adrelid AND a.attnum = e.adnum
WHERE e.adrelid = ANY (%s::oid[]) AND a.attgenerated = 's'
ORDER BY c.relname, a.attnum
"""

# The default partition's condition excludes the others', so it says nothing about what fits.
_PARTITIONS = """
SELECT c.relname,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
       ARRAY(SELECT pg_get_partition_constraintdef(t.relid) FROM pg_partition_tree(c.oid) AS t
             WHERE t.isleaf AND t.relid <> c.oid)
FROM pg_class c WHERE c.oid = ANY (%s::oid[]) AND c.relkind = 'p'
ORDER BY c.relname
"""


def rules_of(connection: Connection, tables: Iterable[LiveTable]) -> Rules:
    """Every rule of these tables, primary keys included."""
    oids = [table.oid for table in tables]

    def ask(query: str) -> list[tuple[object, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(query, [oids])
            return [tuple(_frozen(value) for value in row) for row in cursor]

    return Rules(
        unique=tuple(UniqueRule(*row) for row in ask(_UNIQUE)),  # type: ignore[arg-type]
        checks=tuple(CheckRule(*row) for row in ask(_CHECKS)),  # type: ignore[arg-type]
        exclusions=tuple(ExclusionRule(*row) for row in ask(_EXCLUSIONS)),  # type: ignore[arg-type]
        plain_indexes=tuple(PlainIndex(*row) for row in ask(_PLAIN)),  # type: ignore[arg-type]
        generated=tuple(GeneratedRule(*row) for row in ask(_GENERATED)),  # type: ignore[arg-type]
        partitions=tuple(
            PartitionRule(table, "", columns, conditions)  # type: ignore[arg-type]
            for table, columns, conditions in ask(_PARTITIONS)
        ),
    )


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
