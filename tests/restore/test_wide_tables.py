"""A table with as many columns as a table may have, of which a joined row would have twice too many."""

from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql

from backups.database.connection import connected
from backups.database.introspection import LiveColumn
from restore.database import side_by_side
from restore.database.side_by_side import Asked
from restore.database.verification import many_as_waiting

pytestmark = pytest.mark.django_db(transaction=True)
OUTPUT = (("pg_catalog", "int4out"), True, False, False, False)
NAMES = ["id", *(f"c{number}" for number in range(1599))]


def wide(session: Any) -> Any:
    """A live table and its waiting rows: one is the same, one differs, one is new and one goes."""
    columns = ", ".join(f"{name} int" for name in NAMES)
    with session.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE live ({columns}); CREATE TEMP TABLE waiting ({columns});"
            "INSERT INTO live (id, c1598) VALUES (1, 1), (2, 2), (3, 3);"
            "INSERT INTO waiting (id, c1598) VALUES (1, 1), (2, 0), (4, 4)"
        )
    table = SimpleNamespace(
        name="live",
        own_rows=sql.Identifier("live"),
        columns={name: LiveColumn(name, "integer", *OUTPUT) for name in NAMES},
    )
    target = SimpleNamespace(table=table, withheld=())
    return SimpleNamespace(target=target, columns=NAMES, relation=sql.Identifier("waiting"))


def test_it_is_compared_all_the_same() -> None:
    with connected(purpose="test") as session:
        waiting = wide(session)
        assert many_as_waiting(session, [(waiting, ["id"])]) == {}
        found = side_by_side.compare_apart(session, Asked(waiting, ["id"], NAMES))
        assert (found.changed.rows, found.dropped.rows, found.added) == (1, 1, 1)
        with session.cursor() as cursor:
            cursor.execute("TRUNCATE waiting; INSERT INTO waiting TABLE live")
        assert many_as_waiting(session, [(waiting, ["id"])]) == {"live": 3}
        both = (sql.SQL(", ").join(sql.Identifier(side, name) for name in NAMES) for side in "st")
        behind = sql.SQL(
            "SELECT count(*) FILTER (WHERE record_image_eq(ROW({}), ROW({})))"
            " FROM waiting s LEFT JOIN live t ON s.id = t.id"
        ).format(*both)
        with session.cursor() as cursor, pytest.raises(psycopg2.errors.TooManyColumns):
            cursor.execute(behind)
        session.rollback()
