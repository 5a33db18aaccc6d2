"""How much there is, roughly and at once: the planner's own numbers, for pages that must be quick."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

# A table that was never analysed has reltuples -1; the statistics collector then knows better.
# https://www.postgresql.org/docs/current/catalog-pg-class.html
# Not pg_relation_size: it locks the table, and would wait for whoever restores or alters it.
_ESTIMATE = """
SELECT coalesce(sum(CASE WHEN c.reltuples >= 0 THEN c.reltuples
                         ELSE pg_stat_get_live_tuples(c.oid) END)
                FILTER (WHERE c.relname = ANY (%s)), 0)::bigint,
       coalesce(sum(CASE WHEN c.reltuples >= 0 THEN c.reltuples
                         ELSE pg_stat_get_live_tuples(c.oid) END), 0)::bigint,
       coalesce(sum(c.relpages::bigint), 0) * current_setting('block_size')::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relname = ANY (%s) 
  AND n.nspname = ANY (array_remove(current_schemas(false), 'pg_catalog'))
"""


@dataclass(frozen=True)
class Estimate:
    """``own_rows`` are of tables of the project, ``rows`` of all. ``bytes`` are those of all on disk; what
    a backup writes is of the same order. They are 0 until the tables have been analysed once."""

    own_rows: int
    rows: int
    bytes: int


def estimate(own: Iterable[str], framework: Iterable[str]) -> Estimate:
    """One look into the catalogue, on Django's own connection: for tables of the project, and of Django."""
    named = [*own]
    with connection.cursor() as cursor:
        cursor.execute(_ESTIMATE, [named, [*named, *framework]])
        own_rows, rows, size = cursor.fetchone() or (0, 0, 0)
    return Estimate(int(own_rows), int(rows), int(size))
