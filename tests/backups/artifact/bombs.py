"""Small files that would become large: in the memory, on the disk, or in time.

Each writes itself to a path, and says which codes may refuse it (an empty one: it is sound, and only has to
stay within bounds) and the most bytes that reading it may take.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import zstandard

from backups.artifact.manifest import Column, SectionHead
from tests.backups.artifact.corpus import with_line
from tests.backups.artifact.documents import document, head, text

MEBIBYTE = 1024 * 1024
ROW_LIMIT = 8 * MEBIBYTE
# Four times the limit of a row, and the blocks that are read at a time.
ROW_MEMORY = 4 * ROW_LIMIT + 4 * 512 * 1024

TOO_LONG = ("artifact.line_too_long",)
TOO_MANY = ("artifact.too_many", "artifact.line_too_long")
Bomb = tuple[tuple[str, ...], int, Callable[[Path], None]]


def _compressed(parts: Iterable[bytes]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with (
            path.open("wb") as stored,
            zstandard.ZstdCompressor(level=1).stream_writer(stored) as out,
        ):
            for part in parts:
                out.write(part)

    return make


def _written(make: Callable[[], bytes]) -> Callable[[Path], None]:
    return lambda path: (path.write_bytes(make()), None)[1]


def _endless_rows() -> Iterable[bytes]:
    whole = document({"people": [b'{"id":"1","name":"Noa"}']})
    start = whole.index(b'{"id"')
    yield whole[:start]
    block = b'{"id":"1","name":"Noa"},\n' * 40_000
    for _ in range(3 * 1024):
        yield block


def _endless_head() -> Iterable[bytes]:
    yield b'{"format":"backupsvc/1","type":"'
    for _ in range(3 * 1024):
        yield b"x" * MEBIBYTE


def _endless_content() -> Iterable[bytes]:
    whole = document({"people": []})
    start = whole.index(b'},\n"sequences"')
    entry = (
        b'"1": {"state":"embedded","name":"a","media_type":"b","locators":[],"size_bytes":1,"sha256":"'
        + b"0" * 64
        + b'","content":\n"'
    )
    yield whole[:start] + entry
    for _ in range(3 * 1024):
        yield b"QUFB" * (MEBIBYTE // 4)


def _row_of(type_: str, cell: Callable[[int], bytes]) -> Callable[[Path], None]:
    """One row just below the limit."""
    encoding = "json" if type_ == "jsonb" else "native"
    section = SectionHead("n", "app_n", ("id",), (text("id"), Column("c", type_, encoding)))  # type: ignore[arg-type]
    row = b'{"id":"1","c":' + cell(ROW_LIMIT - 100) + b"}"
    return _written(lambda: document({"n": [row]}, heads=[section]))


def _list_of(element: bytes) -> Callable[[int], bytes]:
    return lambda size: (
        b"[" + (element + b",") * ((size - 10) // (len(element) + 1)) + element + b"]"
    )


def _named_over_and_over(size: int) -> bytes:
    return b'"1"' + b',"c":"1"' * (size // 10)


def _keys(key: bytes, size: int) -> Callable[[], bytes]:
    many = b"[" + (key + b",") * (size // (len(key) + 1)) + key + b"]"
    return lambda: with_line("gap", lambda raw: raw.replace(b'["1",["2","3"]]', many))


def _locators(size: int) -> Callable[[], bytes]:
    one = b'{"value":"","storage":"","uses":[]}'
    many = b'"locators":[' + (one + b",") * (size // (len(one) + 1)) + one + b"]"
    return lambda: with_line("gap", lambda raw: raw[: raw.index(b'"locators"')] + many + b"}")


def _head_of(member: bytes) -> Callable[[], bytes]:
    return lambda: with_line(
        "head", lambda raw: raw.replace(b'"sections":', member + b',"sections":')
    )


BOMBS: dict[str, Bomb] = {
    "3 GiB of rows": (("artifact.too_large",), ROW_MEMORY, _compressed(_endless_rows())),
    "3 GiB of head": (
        ("artifact.layout", "artifact.too_large"),
        ROW_MEMORY,
        _compressed(_endless_head()),
    ),
    "3 GiB of content": (("artifact.too_large",), ROW_MEMORY, _compressed(_endless_content())),
    "a row ten times the limit": (
        TOO_LONG,
        ROW_MEMORY,
        _written(
            lambda: document({"n": [b'{"id":"1","name":"' + b"x" * (10 * ROW_LIMIT) + b'"}']})
        ),
    ),
    "a text of the limit": (
        ("",),
        ROW_MEMORY,
        _row_of("text", lambda size: b'"' + b"x" * (size - 2) + b'"'),
    ),
    "an array of empty texts": (("",), ROW_MEMORY, _row_of("text[]", _list_of(b'""'))),
    "an array of short texts": (("",), ROW_MEMORY, _row_of("text[]", _list_of(b'"ab"'))),
    "an array of numbers": (("",), ROW_MEMORY, _row_of("integer[]", _list_of(b"7"))),
    "an array of fractions": (("",), ROW_MEMORY, _row_of("real[]", _list_of(b"1"))),
    "an array of flags": (("",), ROW_MEMORY, _row_of("boolean[]", _list_of(b"true"))),
    "an array of lists": (("artifact.row",), ROW_MEMORY, _row_of("text[]", _list_of(b"[]"))),
    "JSON of lists": (("",), ROW_MEMORY, _row_of("jsonb", _list_of(b"[]"))),
    "JSON of long numbers": (
        ("artifact.row",),
        ROW_MEMORY,
        _row_of("jsonb", _list_of(b"1e1000")),
    ),
    "JSON nested without end": (
        ("artifact.row",),
        ROW_MEMORY,
        _row_of("jsonb", lambda size: b"[" * size),
    ),
    "backslashes before a NUL": (
        ("",),
        ROW_MEMORY,
        _row_of("jsonb", lambda size: b'"' + b"\\" * (size // 2 * 2 - 100) + b'u0000"'),
    ),
    "a name over and over": (("artifact.row",), ROW_MEMORY, _row_of("text", _named_over_and_over)),
    "digits without end": (
        ("artifact.row",),
        ROW_MEMORY,
        _row_of("integer", lambda size: b"9" * size),
    ),
    "a file with two million keys": (
        TOO_MANY,
        ROW_MEMORY,
        _written(_keys(b'""', 8 * MEBIBYTE - 1000)),
    ),
    "a file with keys of no parts": (TOO_MANY, ROW_MEMORY, _written(_keys(b"[]", 60 * MEBIBYTE))),
    "a file with 60 MiB of locators": (TOO_MANY, ROW_MEMORY, _written(_locators(60 * MEBIBYTE))),
    "lists in the head": (
        TOO_MANY,
        ROW_MEMORY,
        _written(_head_of(b'"x":' + _list_of(b"[]")(7 * MEBIBYTE))),
    ),
    "names in the head": (
        TOO_MANY,
        ROW_MEMORY,
        _written(_head_of(b'"left_out":' + _list_of(b'"a"')(7 * MEBIBYTE))),
    ),
    "1,600 columns in each of 900 rows": (
        ("",),
        ROW_MEMORY,
        _written(
            lambda: document(
                {"n": [b"{" + b",".join(b'"c%d":"x"' % n for n in range(1600)) + b"}"] * 900},
                heads=[head("n", *(text(f"c{n}") for n in range(1600)), primary_key=("c0",))],
            )
        ),
    ),
}
