"""Fills every column of the studio with values that are easily bent on the way to a file and back.

Every value of a kind goes through every column of that kind: ordinary, empty, NULL where it may be,
extreme and hostile ones. Rows are linked by their number, so that keys and references stay unique.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.apps import apps
from django.db.models import Field, Model
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

TEXTS = (
    "ordinary", "", " ", 'it\'s "quoted"', "back\\slash\\", "\\N", "\\.", "\\x00", "\\u0000", "\n",
    "\r", "\r\n", "\t", "a\tb\nc\rd", "\x01\x02\x03\x08\x0c\x1f", "\x7f\x80\x9f", "\u2028\u2029",
    "\u00a0\u200b\ufeff", "😀👩\u200d👩\u200d👧🇩🇪", "\u05e9\u05dc\u05d5\u05dd \u202e\u05e2\u05d5\u05dc\u05dd",
    "e\u0301 é", "\ud7ff\ue000\uffff\U0010ffff",
    "null", "NULL", "true", "-0", "[]", '{"json": "looking"}', '{a,"b",NULL}', '{"a":1}\n]',
    '],\n"files": {', "</script><script>", "'; DROP TABLE studio_user; --", "%s %(x)s {0} $1",
    "../../etc/passwd",
)  # fmt: skip
DOCUMENTS = (
    '{"ordinary": [1, true, null, "text"]}', "null", "{}", "[]", '""', "0", "-0", "true", "1e400",
    "-1e-400", "1.10", "18446744073709551616", "9007199254740993", "-9223372036854775809", "1E5",
    '{"a\\"b": 1, "a\\\\b": 2, "": 3, "é\\n": 4, "\\u2028": 5}', '"\\u0001\\b\\f\\n\\r\\t\\u007f"',
    '"\\\\u0000"', '"😀 \\ud83d\\ude00"', "[" * 200 + "]" * 200, '{"a":' * 200 + "1" + "}" * 200,
    "[" * 3000 + "]" * 3000, '["\\\\N", "\\\\.", "\\t"]', "[0.1, 1e308, 5e-324, -1.5e-7]",
)  # fmt: skip
TEXT_ARRAYS = (
    ["ordinary", "two"], [], [""], ["NULL", None, "null"], ["a,b", 'c"d', "e\\f", "{}", " "],
    ["\n", "\t", "\r", "\\N", "\\.", "\x7f", "😀"],
)  # fmt: skip
ARRAY_LITERALS = ("{{a,b},{c,NULL}}", "[2:3]={x,y}", "[0:0][-1:-1]={{z}}", "{NULL}")
MOMENTS = (
    "2024-02-29 12:34:56.789012+00", "1970-01-01 00:00:00+00", "infinity", "-infinity",
    "0044-03-15 08:00:00+00 BC", "294276-12-31 23:59:59.999999+00", "1900-01-01 00:00:00.1+05:53:28",
)  # fmt: skip
VALUES: dict[str, Sequence[Any]] = {
    "text": TEXTS,
    "boolean": (True, False),
    "integer": (1, 0, -1, 2147483647, -2147483648),
    "bigint": (1, 0, -1, 9223372036854775807, -9223372036854775808),
    "double precision": (1.5, 0, -0.0, 0.1, 1e308, -1.7976931348623157e308, 5e-324, "NaN", "-Infinity"),
    "numeric(65,30)": ("1.5", "0", "-" + "9" * 35 + "." + "9" * 30, "0." + "0" * 29 + "1", "NaN"),
    "timestamp with time zone": MOMENTS,
    "jsonb": DOCUMENTS,
    "text[]": (*TEXT_ARRAYS, *ARRAY_LITERALS),
}  # fmt: skip
ROWS = max(map(len, VALUES.values())) + 1


def models() -> list[type[Model]]:
    """The studio's 82."""
    return list(apps.get_app_config("studio").get_models(include_auto_created=True))


def columns_of(model: type[Model]) -> list[Field]:
    return [field for field in model._meta.local_concrete_fields if field.column]


def fill_studio(cursor: Cursor, *, long_bytes: int) -> None:
    """``ROWS`` rows in every table, with one text of ``long_bytes`` in every column without index."""
    types, indexed = _types(cursor), _indexed(cursor)
    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    for model in models():
        table = model._meta.db_table
        makers = [
            _maker(
                field,
                types[table, field.column],
                long_bytes * ((table, field.column) not in indexed),
            )
            for field in columns_of(model)
        ]
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(sql.Identifier(field.column) for field in columns_of(model)),
            sql.SQL(", ").join([sql.Placeholder()] * len(makers)),
        )
        for number in range(ROWS):
            cursor.execute(statement, [make(number) for make in makers])
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _maker(field: Field, sql_type: str, long_bytes: int) -> Callable[[int], Any]:
    """What the column holds in the n-th row."""
    if field.remote_field:
        target = _maker(field.target_field, sql_type, 0)
        return lambda number: None if field.null and number % 3 == 2 else target(number)
    values = list(VALUES[sql_type])
    if sql_type == "text" and long_bytes:
        values[0] = "long é\\\n" + "x" * long_bytes
    # Not only unique columns: several may be unique together.
    if sql_type == "text" and not field.null:
        return lambda number: values[number] if number < len(values) else f"{values[3]} {number}"
    if field.null:
        values.append(None)
    return lambda number: values[number % len(values)]


def _types(cursor: Cursor) -> dict[tuple[str, str], str]:
    cursor.execute(
        "SELECT attrelid::regclass::text, attname::text, format_type(atttypid, atttypmod)"
        " FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped"
        " AND attrelid IN (SELECT oid FROM pg_class WHERE relname LIKE 'studio_%' AND relkind = 'r')"
    )
    return {(table, column): kind for table, column, kind in cursor.fetchall()}


def _indexed(cursor: Cursor) -> set[tuple[str, str]]:
    """Columns that an index holds: their values cannot be long."""
    cursor.execute(
        "SELECT indrelid::regclass::text, attname::text FROM pg_index JOIN pg_attribute"
        " ON attrelid = indrelid AND attnum = ANY (indkey)"
    )
    return set(cursor.fetchall())
