"""Fills the zoo: rows that exercise what each table is there for, written with plain SQL."""

from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tests.zoo import ddl
from tests.zoo.types import NEWER_VALUES, OPTIONAL_FEATURE, TYPES, column_name

Rows = list[tuple[Any, ...]]

PLAIN: dict[str, tuple[list[str], Rows]] = {
    "zoo_serial": (["note"], [("one",), ("two",), ("three",)]),
    "zoo_alwaysidentity": (["note"], [("a",), ("b",)]),
    "zoo_descending": (["note"], [("down",), ("further down",)]),
    "zoo_computed": (["price"], [("1.5000",), ("-99999999.9999",)]),
    "zoo_keeper": (["id", "name"], [(1, "Ada"), (2, ""), (3, "Çelik")]),
    "zoo_animal": (["id", "name"], [(1, "giraffe"), (2, "parrot"), (3, "\\N")]),
    "zoo_parrot": (["animal_ptr_id", "words"], [(2, '["hello", 1e400]'), (3, "null")]),
    "zoo_animal_keepers": (["animal_id", "keeper_id"], [(1, 1), (1, 2), (3, 1)]),
    "zoo_animal_friends": (["from_animal_id", "to_animal_id"], [(1, 2), (2, 1)]),
    "zoo_feeding": (
        ["animal_id", "day", "grams"],
        [(1, "2000-01-01", 0.1), (1, "infinity", "NaN"), (2, "0001-01-01 BC", None)],
    ),
    "zoo_shy": (["is_hidden"], [(True,), (False,), (True,)]),
    "zoo_branch": (["id", "parent_id"], [(3, 3), (2, 3), (1, 2), (4, None)]),
    "zoo_chicken": (["id", "hatched_from_id"], [(1, 2), (2, 1)]),
    "zoo_egg": (["id", "laid_by_id"], [(1, 1), (2, 2)]),
    "Weird Name": (
        ["order", "a column", "UPPER", "Upper", "Käse 🧀"],
        [("", "a b", "U", "u", '{"k": 1.0}'), ("Z", "", "", "", None), ("é", "'", '"', "\\", "[]")],
    ),
    "zoo_initials": (
        ["r", "t", "o", "value", "key"],
        [("r", "t", '{"r": -0}', "v", "k"), ("", "", None, "", ""), ("\t", "\n", "null", "\r", ",")],
    ),
    'zoo "quoted" 100%': (
        ['the "id"', "100%s", "back\\slash", "two\nlines", '{"json"}\t:', '"'],
        [("1", "%s", "\\", "a\nb", "[1.10]", "{1,2}"), ("2", "", "", "", None, "{{1},{NULL}}")],
    ),
    "zoo_collated": (["word"], [(w,) for w in ("zebra", "Äpfel", "apple", "Zebra", "_", "a b", "ab")]),
    "zoo_documentkey": (["document"], [('{"a": 1}',), ("null",), ("[]",), ('"\\n"',), ("1e400",)]),
    "zoo_caseless": (["label"], [("b",), ("A",), ("é",), ("É x",)]),
    "zoo_exclusive": (["place", "span"], [(0, "[1,5)"), (1, "[5,)"), (2, "empty")]),
    "zoo_target": (["id", "code", "part"], [(1, "a", 1), (2, "it's", 2)]),
    "zoo_reading": (
        ["year", "number", "note"],
        [(1999, 1, "old"), (2001, 1, "new"), (1999, 2, None), (-5, 1, "")],
    ),
    "zoo_vessel": (["id", "name"], [(1, "raft"), (2, "jug")]),
    "zoo_boat": (["id", "name", "oars"], [(1, "canoe", 0), (3, "galley", 60)]),
}  # fmt: skip

# Altered by its own triggers on the way in, so the rows are not what is written here.
TRIGGERED = [("first", 1), ("second", -5)]
POINTERS = [(1, 999, "a", "a", 1), (2, 1, "it's", None, None), (None, None, None, "it's", 2)]


def fill(cursor: Cursor) -> None:
    """Give every table of the zoo its rows; the sequences move as they do in life."""
    fill_every_type(cursor)
    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    for table, (columns, rows) in PLAIN.items():
        insert(cursor, table, columns, rows)
    insert(cursor, "zoo_altered", ["note", "times"], TRIGGERED)
    _fill_pointers(cursor)
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    cursor.execute("SELECT nextval('zoo_alone'), nextval('zoo_alone')")
    cursor.execute("SELECT setval('zoo_animal_id_seq', 777, false)")


def fill_every_type(cursor: Cursor) -> None:
    """A row of NULLs, then as many rows as the type with the most values has values."""
    types = types_of_this_server(cursor)
    longest = max(len(values) for values in types.values())
    columns = [column_name(sql_type) for sql_type in types]
    insert(cursor, "zoo_everytype", columns, [(None,) * len(columns)])
    for index in range(longest):
        literals = [
            sql.SQL("{}::{}").format(sql.Literal(values[index % len(values)]), sql.SQL(sql_type))
            for sql_type, values in types.items()
        ]
        cursor.execute(
            sql.SQL("INSERT INTO zoo_everytype ({}) VALUES ({})").format(
                sql.SQL(", ").join(map(sql.Identifier, columns)), sql.SQL(", ").join(literals)
            )
        )


def types_of_this_server(cursor: Cursor) -> dict[str, list[str]]:
    """``TYPES`` without values that this server is too old for or was not built for."""
    version = cursor.connection.server_version
    types = {
        sql_type: [v for v in values if version >= NEWER_VALUES.get((sql_type, v), 0)]
        for sql_type, values in TYPES.items()
    }
    if not _takes(cursor, OPTIONAL_FEATURE):
        del types[OPTIONAL_FEATURE]
    return types


def _takes(cursor: Cursor, sql_type: str) -> bool:
    cursor.execute("SAVEPOINT attempt")
    try:
        cursor.execute(f"SELECT ''::{sql_type}")
    except psycopg2.errors.FeatureNotSupported:
        return False
    finally:
        cursor.execute("ROLLBACK TO attempt")
    return True


def insert(cursor: Cursor, table: str, columns: list[str], rows: Rows) -> None:
    """Plain INSERTs, in the order given."""
    for row in rows:
        cursor.execute(
            sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, columns)),
                sql.SQL(", ").join(map(sql.Literal, row)),
            )
        )


def _fill_pointers(cursor: Cursor) -> None:
    """One of them leads nowhere: it was there before the key that is not validated."""
    cursor.execute("ALTER TABLE zoo_pointer DROP CONSTRAINT zoo_unchecked")
    columns = ["deferred", "unchecked", "emptied", "both_code", "both_part"]
    insert(cursor, "zoo_pointer", columns, POINTERS)
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    cursor.execute(ddl.UNCHECKED)
    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
