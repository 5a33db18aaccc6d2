"""The rules of the tables that a restore writes to: unique indexes and CHECK constraints, in SQL.

PostgreSQL says them in its own words, which are asked of a staged file as they stand.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable


@dataclass(frozen=True)
class UniqueRule:
    """A unique index. ``terms`` are its columns and expressions, ``condition`` is that of a partial one
    or empty, ``columns`` all that it looks at. ``nulls_equal``: two NULLs collide too."""

    table: str
    columns: tuple[str, ...]
    terms: tuple[str, ...]
    condition: str
    nulls_equal: bool

    @property
    def term_list(self) -> sql.Composed:
        return sql.SQL(", ").join(map(sql.SQL, self.terms))

    @property
    def covers(self) -> sql.Composed:
        """Whether it says anything of a row."""
        conditions = [f"({self.condition})"] if self.condition else []
        filled = [] if self.nulls_equal else [f"{term} IS NOT NULL" for term in self.terms]
        return sql.SQL(" AND ").join(map(sql.SQL, [*conditions, *filled] or ["true"]))


@dataclass(frozen=True)
class CheckRule:
    """A CHECK constraint; ``condition`` must not be false for any row."""

    table: str
    name: str
    columns: tuple[str, ...]
    condition: str

    @property
    def is_broken(self) -> sql.Composed:
        return sql.SQL("({}) IS FALSE").format(sql.SQL(self.condition))


# Columns of plain terms in their order, then those that expressions and the condition look at.
_UNIQUE = """
SELECT c.relname,
       ARRAY(SELECT a.attname::text
             FROM (SELECT number, place FROM unnest(i.indkey::int2[]) WITH ORDINALITY
                                        AS k(number, place) WHERE place <= i.indnkeyatts
                   UNION ALL
                   SELECT d.refobjsubid::int2, 1000 FROM pg_depend d
                   WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                     AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid) AS u
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.number AND u.number > 0
             GROUP BY a.attname ORDER BY min(place), a.attname),
       ARRAY(SELECT pg_get_indexdef(i.indexrelid, n, false)
             FROM generate_series(1, i.indnkeyatts) AS n ORDER BY n),
       coalesce(pg_get_expr(i.indpred, i.indrelid), ''),
       coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE i.indrelid = ANY (%s::oid[]) AND i.indisunique AND i.indisvalid
ORDER BY c.relname, i.indexrelid
"""

# Rules that are not enforced exist from PostgreSQL 18 on.
_CHECKS = """
SELECT c.relname, k.conname,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) ORDER BY a.attnum),
       pg_get_expr(k.conbin, k.conrelid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE k.conrelid = ANY (%s::oid[]) AND k.contype = 'c'
  AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
ORDER BY c.relname, k.conname
"""


def unique_rules(connection: Connection, tables: Iterable[LiveTable]) -> list[UniqueRule]:
    """What may not stand twice in these tables, primary keys included."""
    with connection.cursor() as cursor:
        cursor.execute(_UNIQUE, [[table.oid for table in tables]])
        return [
            UniqueRule(name, tuple(columns), tuple(terms), condition, nulls)
            for name, columns, terms, condition, nulls in cursor
        ]


def check_rules(connection: Connection, tables: Iterable[LiveTable]) -> list[CheckRule]:
    """What must hold for each row of these tables."""
    with connection.cursor() as cursor:
        cursor.execute(_CHECKS, [[table.oid for table in tables]])
        return [CheckRule(name, rule, tuple(columns), c) for name, rule, columns, c in cursor]
