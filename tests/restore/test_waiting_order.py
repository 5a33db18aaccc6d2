"""Waiting rows lie in the order of the file's: by their place a refused row is found in the file, and so read
they are printed as the file has them."""

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from psycopg2 import sql

from backups.database.connection import Connection, connected
from restore.database import waiting_tables
from restore.database.waiting_tables import fill_waiting

# A large row leaves room on the page that it does not fit into, for a smaller one that comes later.
SIZES = [(4000, 4500, 3000, 2500, 900)[n * n % 5] for n in range(2000)]


@pytest.fixture
def connection(db) -> Iterator[Connection]:
    with connected(purpose="test") as made:
        made.autocommit = True
        yield made


def filled(connection: Connection, lines: list[str]) -> Any:
    """``head`` is only looked at where a row is refused."""
    relation = sql.Identifier("pg_temp", "waiting_0")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE waiting_0 (n integer, filler text STORAGE PLAIN)")
    target = SimpleNamespace(head=SimpleNamespace(key="things"))
    waiting = SimpleNamespace(relation=relation, columns=("n", "filler"), target=target)
    fill_waiting(connection, waiting, iter([line.encode() for line in lines]))  # type: ignore[arg-type]


def as_they_lie(connection: Connection) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT n FROM waiting_0 ORDER BY ctid")
        return [n for (n,) in cursor]


LINES = [f"{n}\t{'x' * size}\n" for n, size in enumerate(SIZES)]


def test_rows_lie_in_the_order_in_which_they_came(connection) -> None:
    filled(connection, LINES)
    assert as_they_lie(connection) == [*range(len(SIZES))]


def test_in_storage_that_was_there_before_they_would_not(connection, monkeypatch) -> None:
    monkeypatch.setattr(waiting_tables, "_storage_of_its_own", lambda *_: contextlib.nullcontext())
    filled(connection, LINES)
    assert as_they_lie(connection) != [*range(len(SIZES))]


def test_a_row_that_is_refused_leaves_an_empty_table_and_a_connection_that_works(
    connection,
) -> None:
    with pytest.raises(Exception, match="row"):
        filled(connection, [*LINES, "no number\tx\n"])
    assert as_they_lie(connection) == []
