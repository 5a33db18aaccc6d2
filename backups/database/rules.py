"""The rules that both a backup and a restore ask about, in PostgreSQL's own words: unique indexes, CHECK
constraints and foreign keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection


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
    validated: bool = True

    @property
    def is_broken(self) -> sql.Composed:
        return sql.SQL("({}) IS FALSE").format(sql.SQL(self.condition))


@dataclass(frozen=True)
class End:
    """The table at one end of a foreign key. ``partitioned``: its rows lie in partitions; of any other its
    own rows are meant, as a key says nothing of those that inherit from it. ``whole`` is what ``known`` is of
    the table that it is a partition of, or its own; ``condition`` tells which rows of that are its."""

    schema: str
    name: str
    partitioned: bool
    known: str
    whole: str
    condition: str

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    @property
    def rows(self) -> sql.Composable:
        return self.identifier if self.partitioned else sql.SQL("ONLY {}").format(self.identifier)


@dataclass(frozen=True)
class ForeignKey:
    """One constraint as it stands; ``definition`` is PostgreSQL's own text and restores all of it.

    ``table`` and ``target_table`` are the names by which ``live_tables`` knows the ends, or have a schema and
    a full stop before them, where it does not know them. ``enforced``: it binds rows. ``period``: the last of
    the columns are spans of time, of which all must be covered by those of targets. ``cleared``: the columns
    that become NULL where its target goes, if the database is told so; ``to_clear`` are those, or all.
    """

    name: str
    source: End
    columns: tuple[str, ...]
    target: End
    target_columns: tuple[str, ...]
    cleared: tuple[str, ...]
    definition: str
    comment: str | None
    validated: bool
    enforced: bool
    period: bool

    @property
    def table(self) -> str:
        return self.source.known

    @property
    def target_table(self) -> str:
        return self.target.known

    @property
    def identifier(self) -> sql.Identifier:
        return self.source.identifier

    @property
    def to_clear(self) -> tuple[str, ...]:
        return self.cleared or self.columns

    def leads_to(
        self,
        source: str,
        targets: sql.Composable,
        condition: sql.Composable = sql.SQL("true"),  # noqa: B008 - it is a constant
    ) -> sql.Composed:
        """Whether the reference of the row ``source``, which is filled, leads to one of ``targets``, which
        are called ``o`` in the ``condition``, and may be rows of the whole table."""
        pairs = [
            sql.SQL("o.{} = {}").format(sql.Identifier(other), sql.Identifier(source, own))
            for own, other in zip(self.columns, self.target_columns, strict=True)
        ]
        # What the condition of a partition names are columns of the nearest table, which is ``o``.
        condition = sql.SQL("{} AND {}").format(condition, sql.SQL(self.target.condition))
        if not self.period:
            return sql.SQL("EXISTS (SELECT FROM {} AS o WHERE {} AND {})").format(
                targets, sql.SQL(" AND ").join(pairs), condition
            )
        return sql.SQL(
            "coalesce((SELECT pg_catalog.range_agg(o.{}) FROM {} AS o WHERE {}) @> {}, false)"
        ).format(
            sql.Identifier(self.target_columns[-1]),
            targets,
            sql.SQL(" AND ").join([*pairs[:-1], condition]),
            sql.Identifier(source, self.columns[-1]),
        )


# Columns of plain terms in their order, then those that expressions and the condition look at.
INDEX_COLUMNS = """
ARRAY(SELECT a.attname::text
      FROM (SELECT number, place FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY
                                 AS k(number, place) WHERE place <= i.indnkeyatts
            UNION ALL
            SELECT d.refobjsubid::int2, 1000 FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
              AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid) AS u
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.number AND u.number > 0
      GROUP BY a.attname ORDER BY pg_catalog.min(place), a.attname)"""
# To have a plain column printed takes several times as long as to look its name up.
TERMS = """
ARRAY(SELECT CASE number WHEN 0 THEN pg_get_indexdef(i.indexrelid, place::int, false) ELSE (
          SELECT quote_ident(a.attname) FROM pg_attribute a
          WHERE a.attrelid = i.indrelid AND a.attnum = number) END
      FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
      WHERE place <= i.indnkeyatts ORDER BY place)"""
CONDITION = "coalesce(pg_get_expr(i.indpred, i.indrelid), '')"
# Behind the index's own name, which could hold anything.
TAIL = """
(SELECT substr(whole, length(quote_ident(x.relname)) + strpos(
            substr(whole, length(quote_ident(x.relname)) + 1), ' USING '))
 FROM (SELECT pg_get_indexdef(i.indexrelid) OFFSET 0) AS printed(whole))"""

_UNIQUE = f"""
SELECT c.relname, x.relname, {INDEX_COLUMNS}, {TERMS}, {CONDITION},
       NOT i.indisprimary
       AND coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false), {TAIL}
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
WHERE i.indrelid = ANY (%s::oid[]) AND i.indisunique AND i.indislive AND (i.indisvalid OR i.indisready)
ORDER BY c.relname, i.indexrelid
"""

# Rules that are not enforced exist from PostgreSQL 18 on.
_CHECKS = """
SELECT c.relname, k.conname,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) ORDER BY a.attnum),
       pg_get_expr(k.conbin, k.conrelid),
       EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_constraint'::regclass
               AND d.objid = k.oid AND d.refclassid = 'pg_proc'::regclass),
       k.convalidated
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE k.conrelid = ANY (%s::oid[]) AND k.contype = 'c'
  AND coalesce((pg_catalog.to_jsonb(k) ->> 'conenforced')::boolean, true)
ORDER BY c.relname, k.conname
"""

# The types of columns of ``part``, each with those that it is made of: of domains, elements of arrays, fields
# of composites, bounds of ranges. ``source`` yields the ``value`` of that type in a row; ``within`` another
# type than a domain. To be put behind WITH RECURSIVE, where ``%%`` is ``%``.
DOMAINS = """
domain (relation, number, oid, source, within) AS (
    SELECT a.attrelid, a.attnum, a.atttypid, format('SELECT %%I AS value', a.attname), false FROM part
    JOIN pg_attribute a ON a.attrelid = part.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid AND (t.typtype IN ('d', 'c', 'r', 'm') OR t.typcategory = 'A')
    UNION
    SELECT domain.relation, domain.number, made.oid, made.source, domain.within OR t.typtype <> 'd'
    FROM domain JOIN pg_type t ON t.oid = domain.oid
    CROSS JOIN LATERAL (
        SELECT t.typbasetype, domain.source WHERE t.typtype = 'd'
        UNION ALL
        SELECT t.typelem, format(
            'SELECT u AS value FROM (%%s) AS s CROSS JOIN LATERAL pg_catalog.unnest(s.value) AS u',
            domain.source)
        WHERE t.typcategory = 'A' AND t.typtype = 'b'
        UNION ALL
        SELECT f.atttypid, format(
            'SELECT (s.value).%%I AS value FROM (%%s) AS s WHERE s.value IS DISTINCT FROM NULL',
            f.attname, domain.source)
        FROM pg_attribute f
        WHERE t.typtype = 'c' AND f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped
        UNION ALL
        SELECT r.rngsubtype, format(
            'SELECT u.value FROM (%%s) AS s CROSS JOIN LATERAL'
            ' (VALUES (pg_catalog.lower(s.value)), (pg_catalog.upper(s.value))) AS u(value)'
            ' WHERE u.value IS NOT NULL', domain.source)
        FROM pg_range r WHERE t.typtype IN ('r', 'm') AND t.oid IN (r.rngtypid, r.rngmultitypid)
    ) AS made(oid, source)
    WHERE made.oid <> 0
)"""

# A domain's rule speaks of VALUE. Of its NOT NULL the server does not vouch for every row: an outer join, or
# a query without rows, yields a NULL that no rule was asked about.
_OF_DOMAINS = f"""
WITH RECURSIVE part (oid) AS (SELECT pg_catalog.unnest(%s::oid[])), {DOMAINS}
SELECT c.relname, r.name, ARRAY[a.attname::text], string_agg(r.condition, ' AND '),
       bool_or(r.calls_functions), bool_and(r.validated)
FROM domain JOIN pg_class c ON c.oid = domain.relation
JOIN pg_attribute a ON a.attrelid = domain.relation AND a.attnum = domain.number
JOIN pg_type t ON t.oid = domain.oid
CROSS JOIN LATERAL (
    SELECT k.conname AS name,
           format('(SELECT bool_and((%%s) IS NOT FALSE) FROM (%%s) AS of_domain)',
                  pg_get_expr(k.conbin, 0), domain.source) AS condition,
           EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_constraint'::regclass
                   AND d.objid = k.oid AND d.refclassid = 'pg_proc'::regclass) AS calls_functions,
           k.convalidated AS validated
    FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'
    UNION ALL
    SELECT t.typname, format('(SELECT bool_and(value IS NOT NULL) FROM (%%s) AS of_domain)', domain.source),
           false, false
    WHERE t.typnotnull AND NOT domain.within
) AS r
GROUP BY c.relname, r.name, t.oid, a.attname, a.attnum
ORDER BY c.relname, r.name, a.attnum
"""

# As ``live_tables`` names them: of equal names the first in the search path counts, and no partition does.
_KNOWN = """
CASE WHEN {0}.relispartition OR {1}.nspname <> ALL (array_remove(current_schemas(false), 'pg_catalog'))
     OR EXISTS (
         SELECT FROM pg_class f JOIN pg_namespace m ON m.oid = f.relnamespace
         WHERE f.relname = {0}.relname AND f.relkind IN ('r', 'p') AND f.relpersistence <> 't'
           AND array_position(current_schemas(false), m.nspname)
               < array_position(current_schemas(false), {1}.nspname))
     THEN {1}.nspname || '.' || {0}.relname ELSE {0}.relname END"""

# Keys not enforced and those of periods exist from PostgreSQL 18 on, columns to be cleared from 15.
_FOREIGN_KEYS = f"""
WITH relation AS MATERIALIZED (
    SELECT c.oid, pg_partition_root(c.oid) AS root, n.nspname::text AS schema, c.relname::text AS name,
           {_KNOWN.format("c", "n")} AS known, (c.relkind = 'p')::text AS partitioned,
           coalesce(CASE WHEN c.relispartition THEN pg_get_partition_constraintdef(c.oid) END, 'true')
               AS condition
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace <> 'pg_catalog'::regnamespace
), tip AS MATERIALIZED (
    SELECT r.oid, r.schema, r.name,
           ARRAY[r.schema, r.name, r.partitioned, r.known, w.known, r.condition] AS facts
    FROM relation r JOIN relation w ON w.oid = coalesce(r.root, r.oid)
)
SELECT k.conname, s.facts,
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u(number, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number
             ORDER BY place),
       t.facts,
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS u(number, place)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number
             ORDER BY place),
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = k.conrelid AND k.confdeltype = 'n' AND NOT a.attnotnull
               AND pg_catalog.to_jsonb(a.attnum) <@ coalesce(
                     nullif(j.known -> 'confdelsetcols', 'null'::jsonb), j.known -> 'conkey')),
       pg_get_constraintdef(k.oid), obj_description(k.oid, 'pg_constraint'), k.convalidated,
       coalesce((j.known ->> 'conenforced')::boolean, true),
       coalesce((j.known ->> 'conperiod')::boolean, false)
FROM pg_constraint k JOIN tip s ON s.oid = k.conrelid JOIN tip t ON t.oid = k.confrelid
CROSS JOIN LATERAL (SELECT pg_catalog.to_jsonb(k) OFFSET 0) AS j(known)
WHERE k.contype = 'f' AND k.conparentid = 0
ORDER BY s.schema COLLATE "C", s.name COLLATE "C", k.conname
"""


def unique_rules(connection: Connection, oids: Sequence[int]) -> tuple[UniqueRule, ...]:
    """The unique indexes of these tables, primary keys included.

    PostgreSQL's words for an index are those of now, not of the snapshot: one that somebody has dropped
    since has none (NULL), and says nothing of any row any more.
    """
    with connection.cursor() as cursor:
        cursor.execute(_UNIQUE, [list(oids)])
        return tuple(
            UniqueRule(table, name, tuple(columns), tuple(terms), *facts)
            for table, name, columns, terms, *facts in cursor.fetchall()
            if None not in (*terms, *facts)
        )


def check_rules(connection: Connection, oids: Sequence[int]) -> tuple[CheckRule, ...]:
    """The enforced CHECK constraints of these tables, and the rules of the domains of their columns."""
    found = []
    with connection.cursor() as cursor:
        for query in (_CHECKS, _OF_DOMAINS):
            cursor.execute(query, [list(oids)])
            found += [
                CheckRule(table, name, tuple(columns), *facts)
                for table, name, columns, *facts in cursor.fetchall()
            ]
    return tuple(found)


def foreign_keys(connection: Connection) -> list[ForeignKey]:
    """Every foreign key of the database."""
    with connection.cursor() as cursor:
        cursor.execute(_FOREIGN_KEYS)
        return [
            ForeignKey(
                name,
                _end(*source),
                tuple(cols),
                _end(*target),
                tuple(others),
                tuple(cleared),
                *facts,
            )
            for name, source, cols, target, others, cleared, *facts in cursor.fetchall()
        ]


def _end(schema: str, name: str, partitioned: str, known: str, whole: str, condition: str) -> End:
    return End(schema, name, partitioned == "true", known, whole, condition)
