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


# Columns of plain terms in their order, then those that expressions and the condition look at.
INDEX_COLUMNS = """
ARRAY(SELECT a.attname::text
      FROM (SELECT number, place FROM unnest(i.indkey::int2[]) WITH ORDINALITY
                                 AS k(number, place) WHERE place <= i.indnkeyatts
            UNION ALL
            SELECT d.refobjsubid::int2, 1000 FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
              AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid) AS u
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.number AND u.number > 0
      GROUP BY a.attname ORDER BY min(place), a.attname)"""
TERMS = """
ARRAY(SELECT pg_get_indexdef(i.indexrelid, n, false)
      FROM generate_series(1, i.indnkeyatts) AS n ORDER BY n)"""
CONDITION = "coalesce(pg_get_expr(i.indpred, i.indrelid), '')"
# Behind the index's own name, which could hold anything.
TAIL = """
substr(pg_get_indexdef(i.indexrelid), length(quote_ident(x.relname)) + strpos(
    substr(pg_get_indexdef(i.indexrelid), length(quote_ident(x.relname)) + 1), ' USING '))"""

_UNIQUE = f"""
SELECT c.relname, x.relname, {INDEX_COLUMNS}, {TERMS}, {CONDITION},
       coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false), {TAIL}
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
  AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
ORDER BY c.relname, k.conname
"""

# The domains of columns of ``part``, each with those that it is made of. To be put behind WITH RECURSIVE.
DOMAINS = """
domain (relation, number, oid) AS (
    SELECT a.attrelid, a.attnum, a.atttypid FROM part
    JOIN pg_attribute a ON a.attrelid = part.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid AND t.typtype = 'd'
    UNION
    SELECT domain.relation, domain.number, b.oid FROM domain
    JOIN pg_type t ON t.oid = domain.oid JOIN pg_type b ON b.oid = t.typbasetype AND b.typtype = 'd'
)"""

# A domain's rule speaks of VALUE. Of its NOT NULL the server does not vouch for every row: an outer join, or
# a query without rows, yields a NULL that no rule was asked about.
_OF_DOMAINS = f"""
WITH RECURSIVE part (oid) AS (SELECT unnest(%s::oid[])), {DOMAINS}
SELECT c.relname, r.name, ARRAY[a.attname::text], r.condition, r.calls_functions, r.validated
FROM domain JOIN pg_class c ON c.oid = domain.relation
JOIN pg_attribute a ON a.attrelid = domain.relation AND a.attnum = domain.number
JOIN pg_type t ON t.oid = domain.oid
CROSS JOIN LATERAL (
    SELECT k.conname AS name,
           format('(SELECT %%s FROM (SELECT %%I AS value) AS of_domain)',
                  pg_get_expr(k.conbin, 0), a.attname) AS condition,
           EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_constraint'::regclass
                   AND d.objid = k.oid AND d.refclassid = 'pg_proc'::regclass) AS calls_functions,
           k.convalidated AS validated
    FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'
    UNION ALL
    SELECT t.typname, format('(%%I IS NOT NULL)', a.attname), false, false WHERE t.typnotnull
) AS r
ORDER BY c.relname, r.name, a.attnum
"""

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
            ForeignKey(name, schema, table, tuple(cols), ts, tt, tuple(tcols), *facts)
            for name, schema, table, cols, ts, tt, tcols, *facts in cursor.fetchall()
        ]
