"""How the server prints rows: byte for byte what row_to_json makes of the whole row."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from psycopg2 import sql

from backups.database import introspection, row_stream
from backups.database.connection import Connection, connected
from backups.database.introspection import LiveColumn
from backups.database.row_stream import copy_lines, rows_query
from backups.database.table_reading import TableReading, reading
from backups.registry import COMPLETE, SAFE, Scope, registry
from backups.services import composing
from tests.roundtrip import hostile
from tests.roundtrip.engine import back_up, data_part, document, writing
from tests.zoo import rows, types

Left = Mapping[str, bool]


@pytest.fixture
def session() -> Iterator[Connection]:
    with writing() as cursor:
        rows.fill(cursor)
        hostile.fill_studio(cursor, long_bytes=100_000)
    with connected(purpose="test") as made:
        yield made


def row_to_json(item: TableReading) -> sql.Composable:
    """The rows as the first release printed them, which the format's page describes."""
    left = item.content_left_out
    plain = [c for c in item.columns if c.encoding != "json"]
    embedded = [c for c in item.columns if c.encoding == "json"]
    record = sql.SQL("(SELECT row_to_json(r.*) FROM (SELECT {}) AS r)::text").format(
        sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(_of_the_row(c, left), sql.Identifier(c.name)) for c in plain
        )
    )
    members = sql.SQL(" || ").join(
        [
            sql.SQL("coalesce({} || {}::text, '')").format(
                sql.Literal(row_stream._member(c.name)), row_stream._content(c, left)
            )
            for c in embedded
        ]
        or [sql.Literal("")]
    )
    return sql.SQL("SELECT left({}, -1) || {} || '}}' FROM {} AS t ORDER BY {}").format(
        record,
        members,
        item.table.own_rows,
        sql.SQL(", ").join(map(row_stream._in_order, item.primary_key)),
    )


def _of_the_row(column: LiveColumn, left_out: Left) -> sql.Composable:
    return row_stream._printed(column, left_out)


def printed(session: Connection, query: sql.Composable) -> bytes:
    blocks: list[bytes] = []
    copy_lines(session, query, blocks.append)
    return b"".join(blocks)


def readings(session: Connection, scope: Scope) -> list[TableReading]:
    tables = introspection.live_tables(session)
    made = [reading(section, scope, tables) for section in registry.in_scope(scope)]
    return [item for item in made if any(c.encoding != "json" for c in item.columns)]


@pytest.mark.parametrize("scope", [SAFE, COMPLETE])
def test_every_row_is_printed_as_row_to_json_prints_it(session: Connection, scope: Scope):
    filled = 0
    for item in readings(session, scope):
        expected = printed(session, row_to_json(item))
        assert printed(session, rows_query(item)) == expected, item.table.name
        filled += bool(expected)
    assert filled > 40


def test_every_type_is_among_them(session: Connection):
    with session.cursor() as cursor:
        known = set(map(types.column_name, rows.types_of_this_server(cursor)))
    read = {c.name for i in readings(session, COMPLETE) for c in i.columns if "zoo" in i.table.name}
    assert known <= read


def test_a_type_that_wants_escaping_and_is_not_escaped_would_be_seen(
    session: Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(row_stream, "_NOTHING_TO_ESCAPE", {"bytea", "text", "json"})
    with pytest.raises(AssertionError):
        test_every_row_is_printed_as_row_to_json_prints_it(session, COMPLETE)


class AtOnce:
    """Work that is not behind anybody."""

    def __class_getitem__(cls, _item: Any) -> type["AtOnce"]:
        return cls

    def __init__(self, work: Any, **_: Any) -> None:
        self.put = work

    def __enter__(self) -> "AtOnce":
        return self

    def __exit__(self, *_: object) -> None: ...

    def drain(self) -> None: ...


def test_a_document_has_the_bytes_that_one_thread_and_row_to_json_gave_it(
    session: Connection, monkeypatch: pytest.MonkeyPatch
):
    now = data_part(document(back_up(SAFE)))
    monkeypatch.setattr(row_stream, "rows_query", row_to_json)
    monkeypatch.setattr(composing, "Behind", AtOnce)
    assert data_part(document(back_up(SAFE))) == now
    assert len(now) > 100_000
