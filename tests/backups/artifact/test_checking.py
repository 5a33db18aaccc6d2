"""A block of rows that is told at once: "yes" is never more than what the look at each row says."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.artifact.checking import BlockCheck
from backups.artifact.manifest import Column, SectionHead
from backups.artifact.rows import RowCodec
from backups.errors import ArtifactError

COLUMNS = (
    Column("id", "text", "native"),
    Column("n", "integer", "native"),
    Column("f", "double precision", "native"),
    Column("ok", "boolean", "native"),
    Column("at", "date", "text"),
    Column("tags", "text[]", "native"),
    Column("doc", "jsonb", "json"),
)
HEAD = SectionHead("things", "app_things", ("id",), COLUMNS)
ROW = b'{"id":"a","n":1,"f":0.5,"ok":true,"at":"2026-01-02","tags":["x"],"doc":{"a": [1, 2]}}'
NULLS = b'{"id":"b","n":null,"f":null,"ok":null,"at":null,"tags":null}'


def is_sound(*rows: bytes, head: SectionHead = HEAD) -> bool:
    return BlockCheck(head).is_sound(b"".join(row + b"\n" for row in rows))


def is_row(row: bytes, head: SectionHead = HEAD) -> bool:
    try:
        RowCodec(head).cells(row)
    except ArtifactError:
        return False
    return True


@pytest.mark.parametrize(
    "row",
    [
        ROW,
        NULLS,
        ROW.replace(b"0.5", b"1"),
        ROW.replace(b"0.5", b"1e+20"),
        ROW.replace(b"0.5", b"-0"),
        ROW.replace(b"0.5", b'"NaN"'),
        ROW.replace(b'"a"', '"é \u2028"'.encode()),
        ROW.replace(b'"a"', rb'"say \"so\": \\ \n\t\b\u001f"'),
        ROW.replace(b'["x"]', b'"[0:0]={x}"'),
        ROW.replace(b'["x"]', b"[]"),
        ROW.replace(b'{"a": [1, 2]}', b"null"),
        ROW.replace(b'{"a": [1, 2]}', '{"é": 1, "b\\":": 1.50}'.encode()),
    ],
)
def test_rows_as_postgresql_prints_them_are_told_at_once(row: bytes):
    assert is_row(row)
    assert is_sound(ROW, row, NULLS)


@pytest.mark.parametrize(
    "row",
    [
        ROW.replace(b'"n":1', b'"n":1,"n":1'),
        ROW.replace(b'"n":1', b'"n" :1,"n":1'),
        ROW.replace(b'"doc":{', b'"doc":{},"doc":{'),
        ROW.replace(b'"n":1', b'"n":2147483648'),
        ROW.replace(b'"n":1', b'"n":1.0'),
        ROW.replace(b'"n":1', b'"n":"1"'),
        ROW.replace(b'"n":1,', b""),
        ROW.replace(b'"n":1', b'"n":1,"new":1'),
        ROW.replace(b"0.5", b'"much"'),
        ROW.replace(b"0.5", b"[1]"),
        ROW.replace(b'["x"]', b"[1]"),
        ROW.replace(b'["x"]', b'["x",null]'),
        ROW.replace(b'"a",', b'"\\u0000",'),
        ROW.replace(b'{"a": [1, 2]}', b'"\\u0000"'),
        ROW.replace(b'{"a": [1, 2]}', b'"\xff"'),
        ROW.replace(b'"a",', b'"\xff",'),
        ROW.replace(b"true", b"1"),
        ROW + b"," + ROW,
        ROW + ROW,
        ROW + b" " + ROW,
        ROW[:-1],
        b"",
        b"[]",
        b"null",
    ],
)
def test_what_is_no_row_is_never_told_to_be_one(row: bytes):
    assert not is_row(row)
    assert not is_sound(ROW, row, NULLS)
    assert not is_sound(row)


def test_two_rows_in_a_line_do_not_make_up_for_one_in_two_lines():
    two = NULLS + NULLS
    halves = ROW.replace(b'{"a": [1, 2]}', b'[{"x":1},\n{"y":2}]')
    assert halves.count(b"\n") == 1
    assert not is_sound(two, halves)
    assert not is_sound(ROW.replace(b'"n":1', b'"n":\n1'), two)


@pytest.mark.parametrize("change", [(b":1,", b": 1,"), (b'"id"', b'"\\u0069d"'), (b"0.5", b"5e-1")])
def test_what_is_written_otherwise_is_looked_at_row_by_row(change: tuple[bytes, bytes]):
    row = ROW.replace(*change)
    assert is_row(row)
    assert is_sound(row) is (change[0] == b"0.5")


def test_names_that_no_structure_can_have_are_looked_at_row_by_row():
    head = SectionHead("odd", "odd", ('a"b',), (Column('a"b', "text", "native"),))
    assert is_row(b'{"a\\"b":"x"}', head)
    assert not is_sound(b'{"a\\"b":"x"}', head=head)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**33), 2**33) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
ROWS = st.fixed_dictionaries(
    {column.name: VALUES for column in COLUMNS[:-1]}, optional={"doc": VALUES, "more": VALUES}
)


@given(st.lists(ROWS, min_size=1, max_size=3), st.booleans())
def test_yes_is_never_more_than_each_row_says(rows: list[dict[str, Any]], tight: bool):
    between = (",", ":") if tight else None
    lines = [json.dumps(r, separators=between, ensure_ascii=False) for r in rows]
    try:
        block = [line.encode() for line in lines]
    except UnicodeEncodeError:
        return
    if is_sound(*block):
        assert all(map(is_row, block))
