"""What the types of a project are made of, by the names that columns have them under."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveTable


@dataclass(frozen=True)
class Shapes:
    """``domains``: what each is made of; ``composites``: the types of its fields, in their order."""

    domains: Mapping[str, str] = field(default_factory=dict)
    composites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


_SHAPES = """
WITH RECURSIVE used (oid) AS (
    SELECT DISTINCT a.atttypid FROM pg_attribute a
    WHERE a.attrelid = ANY (%s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
    UNION
    SELECT made.oid FROM used JOIN pg_type t ON t.oid = used.oid
    CROSS JOIN LATERAL (
        SELECT t.typbasetype WHERE t.typtype = 'd'
        UNION ALL
        SELECT t.typelem WHERE t.typcategory = 'A'
        UNION ALL
        SELECT f.atttypid FROM pg_attribute f
        WHERE t.typtype = 'c' AND f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped
    ) AS made(oid)
    WHERE made.oid <> 0
)
SELECT format_type(t.oid, NULL), t.typtype = 'd',
       CASE t.typtype WHEN 'd' THEN ARRAY[format_type(t.typbasetype, t.typtypmod)]
       ELSE ARRAY(SELECT format_type(f.atttypid, f.atttypmod) FROM pg_attribute f
                  WHERE f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped
                  ORDER BY f.attnum) END
FROM used JOIN pg_type t ON t.oid = used.oid
WHERE t.typtype IN ('c', 'd')
"""


def shapes_of(connection: Connection, tables: Iterable[LiveTable]) -> Shapes:
    """The domains and composites among the types of these tables' columns, and in one another."""
    with connection.cursor() as cursor:
        cursor.execute(_SHAPES, [[table.oid for table in tables]])
        found = cursor.fetchall()
    return Shapes(
        domains={name: parts[0] for name, is_domain, parts in found if is_domain},
        composites={name: tuple(parts) for name, is_domain, parts in found if not is_domain},
    )
