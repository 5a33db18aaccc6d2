"""The rules of the tables that a restore writes to, in PostgreSQL's own words: unique indexes, CHECK and
exclusion constraints, generated columns, partitions. They are asked of a file's waiting rows as they stand.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable
from backups.database.rules import CONDITION, INDEX_COLUMNS, TAIL, TERMS, check_rules, unique_rules
from backups.database.rules import CheckRule as CheckRule
from backups.database.rules import UniqueRule as UniqueRule

# Objects with lower numbers are PostgreSQL's own.
FIRST_NUMBER_OF_OTHERS = 16384


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
    """A generated column, whose expression may fail. ``columns`` are those that it is made of. ``stored``:
    computed when a row is written; ``filled``: and never NULL then."""

    table: str
    name: str
    columns: tuple[str, ...]
    expression: str
    stored: bool
    filled: bool


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


_PLAIN = f"""
SELECT c.relname, x.relname, {INDEX_COLUMNS}, {TAIL}
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
WHERE i.indrelid = ANY (%s::oid[]) AND i.indislive AND NOT i.indisunique AND NOT i.indisexclusion
ORDER BY c.relname, i.indexrelid
"""

_EXCLUSIONS = f"""
SELECT c.relname, k.conname, {INDEX_COLUMNS}, {TERMS},
       ARRAY(SELECT format('OPERATOR(%%I.%%s)', n.nspname, o.oprname)
             FROM pg_catalog.unnest(k.conexclop) WITH ORDINALITY AS e(oid, place)
             JOIN pg_operator o ON o.oid = e.oid JOIN pg_namespace n ON n.oid = o.oprnamespace
             ORDER BY place),
       {CONDITION}, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_index i ON i.indexrelid = k.conindid JOIN pg_class c ON c.oid = k.conrelid
WHERE k.conrelid = ANY (%s::oid[]) AND k.contype = 'x'
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
       pg_get_expr(e.adbin, e.adrelid), a.attgenerated = 's',
       a.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'n'
                                    AND a.attnum = ANY (k.conkey) AND NOT k.convalidated)
FROM pg_attrdef e JOIN pg_class c ON c.oid = e.adrelid
JOIN pg_attribute a ON a.attrelid = e.adrelid AND a.attnum = e.adnum
WHERE e.adrelid = ANY (%s::oid[]) AND a.attgenerated <> ''
ORDER BY c.relname, a.attnum
"""

# The default partition's condition excludes the others'; of one without others there is none (NULL).
_PARTITIONS = """
SELECT c.relname,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
       ARRAY(SELECT coalesce(pg_get_partition_constraintdef(t.relid), 'true')
             FROM pg_partition_tree(c.oid) AS t WHERE t.isleaf AND t.relid <> c.oid)
FROM pg_class c WHERE c.oid = ANY (%s::oid[]) AND c.relkind = 'p'
ORDER BY c.relname
"""


@dataclass(frozen=True)
class SureIndexes:
    """By table and name. ``page_bytes`` is the size of a page, on which an entry must find room."""

    names: frozenset[tuple[str, str]]
    page_bytes: int


# 403 is the number of the method. A class for more than one type asks what others say of its elements.
_SURE = f"""
SELECT c.relname, x.relname
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
WHERE i.indrelid = ANY (%s::oid[]) AND x.relam = 403 AND i.indexprs IS NULL AND i.indpred IS NULL
  AND NOT EXISTS (
    SELECT FROM unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[])
                AS k(number, class, sorting)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
    LEFT JOIN pg_opclass o ON o.oid = k.class
    LEFT JOIN pg_type t ON t.oid = o.opcintype
    WHERE i.indnkeyatts <> i.indnatts
       OR o.oid IS NULL OR o.oid >= {FIRST_NUMBER_OF_OTHERS} OR t.typtype = 'p'
       OR i.indisunique AND (NOT o.opcdefault OR k.sorting <> a.attcollation))
"""


def sure_indexes(connection: Connection, tables: Iterable[LiveTable]) -> SureIndexes:
    """The B-trees of PostgreSQL's own kind over whole columns of these tables: nothing that such an index
    asks of a value can fail, an entry of it only by its width or, where it is unique, by a value that stands
    twice for the columns' own equality too."""
    with connection.cursor() as cursor:
        cursor.execute(_SURE, [[table.oid for table in tables]])
        names = frozenset((table, name) for table, name in cursor.fetchall())
        cursor.execute("SELECT current_setting('block_size')::int")
        (page_bytes,) = cursor.fetchone()  # type: ignore[misc]
    return SureIndexes(names, int(page_bytes))


def rules_of(connection: Connection, tables: Iterable[LiveTable], *, plain: bool = True) -> Rules:
    """Every rule of these tables, primary keys included; indexes that are not unique only with ``plain``."""
    oids = [table.oid for table in tables]

    def ask(query: str) -> list[tuple[object, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(query, [oids])
            return [tuple(_frozen(value) for value in row) for row in cursor]

    return Rules(
        unique=unique_rules(connection, oids),
        checks=check_rules(connection, oids),
        exclusions=tuple(ExclusionRule(*row) for row in ask(_EXCLUSIONS)),  # type: ignore[arg-type]
        plain_indexes=tuple(
            PlainIndex(*row)  # type: ignore[arg-type]
            for row in (ask(_PLAIN) if plain else ())
        ),
        generated=tuple(GeneratedRule(*row) for row in ask(_GENERATED)),  # type: ignore[arg-type]
        partitions=tuple(
            PartitionRule(table, "", columns, conditions)  # type: ignore[arg-type]
            for table, columns, conditions in ask(_PARTITIONS)
        ),
    )


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
