"""A block of rows made into COPY lines a column at a time: the lines that ``RowCodec`` makes, or none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.artifact import checking, columns
from backups.artifact.columns import BlockColumns, copy_lines, need_care
from backups.artifact.manifest import Column, SectionHead
from backups.artifact.rows import RowCodec

HEAD = SectionHead(
    "things",
    "app_things",
    ("id",),
    (
        Column("id", "text", "native"),
        Column("n", "bigint", "native"),
        Column("f", "real", "native"),
        Column("ok", "boolean", "native"),
        Column("at", "date", "text"),
        Column("tags", "text[]", "native"),
        Column("counts", "integer[]", "native"),
        Column("flags", "boolean[]", "native"),
        Column("doc", "jsonb", "json"),
    ),
)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


def at_once(*rows: bytes) -> bytes | None:
    block = b"".join(row + b"\n" for row in rows)
    cells = BlockColumns(HEAD).cells(block)
    return None if cells is None else copy_lines(cells, careful=need_care(block))


def one_by_one(*rows: bytes) -> bytes:
    codec = RowCodec(HEAD)
    return "".join(codec.copy_line(row) + "\n" for row in rows).encode()


def printed(row: dict[str, Any]) -> bytes:
    """As the server prints it: without blanks, and without the key of a document that is NULL."""
    plain = {name: value for name, value in row.items() if name != "doc" or value is not ...}
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode()


def nullable(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


ROWS = st.fixed_dictionaries(
    {
        "id": TEXT,
        "n": nullable(st.integers(-(2**63), 2**63 - 1)),
        "f": nullable(st.integers(-99, 99)),
        "ok": nullable(st.booleans()),
        "at": nullable(st.sampled_from(["2026-11-27", "infinity", "0044-03-15 BC"])),
        "tags": nullable(st.lists(TEXT, max_size=3)),
        "counts": nullable(st.lists(st.integers(-9, 9), max_size=3) | st.just("[0:0]={7}")),
        "flags": nullable(st.lists(st.booleans(), max_size=3)),
        "doc": st.just(...) | st.none() | TEXT | st.dictionaries(TEXT, st.lists(TEXT, max_size=2)),
    }
)


@given(st.lists(ROWS.map(printed), min_size=1, max_size=5))
def test_the_lines_are_those_that_are_made_one_by_one(rows: list[bytes]) -> None:
    found = at_once(*rows)
    assert found is None or found == one_by_one(*rows)


ORDINARY = {
    **{"id": 'a\tb\n"c"\\ é Ω \x7f', "n": 1, "f": 0.5, "ok": True, "at": None},
    **{"tags": ['x "y"', ""], "counts": [], "flags": [False], "doc": {"a": [1, None], "b": "\\N"}},
}


@pytest.mark.parametrize(
    "change",
    [{}, {"doc": None}, {"doc": ...}, {"id": "\\N", "n": None}, {"tags": None}, {"id": ""}],
)
def test_what_the_server_prints_is_made_at_once(change: dict[str, Any]) -> None:
    row = printed(ORDINARY | change)
    assert at_once(row, row) == one_by_one(row, row)


@pytest.mark.parametrize("letter", "\0\1\2")
def test_letters_that_stand_between_cells_are_left_to_the_other(letter: str) -> None:
    assert at_once(printed(ORDINARY | {"id": letter})) is None


def test_without_that_two_cells_would_become_three(monkeypatch) -> None:
    monkeypatch.setattr(columns, "_ESCAPED", ())
    row = printed(ORDINARY | {"id": "\2"})
    assert at_once(row) != one_by_one(row)


def test_rows_that_are_long_are_left_to_the_other(monkeypatch) -> None:
    monkeypatch.setattr(checking, "LONG_BLOCK", 10)
    assert at_once(printed(ORDINARY)) is None


def test_what_is_no_row_is_left_to_the_other() -> None:
    assert at_once(printed(ORDINARY | {"n": "one"})) is None
