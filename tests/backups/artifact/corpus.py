"""The hostile corpus: each law of docs/artifact-format.md broken one at a time, with a right digest.

``CORPUS`` has the documents by name, each with the codes that may refuse it. The document that all are made
of is sound; what each of them changes is the only thing wrong with it.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from backups.artifact.manifest import Column, SectionHead
from backups.artifact.tail import AlteredCell, FileHead, Locator, Reason, Sequence, Use
from tests.backups.artifact.documents import document, embedded, resealed, text

HEAD = ("artifact.manifest", "artifact.format", "artifact.version", "artifact.layout")
DAMAGED = ("artifact.damaged",)
ROW = ("artifact.row",)
CUT = ("artifact.truncated", "artifact.damaged", "artifact.layout", "artifact.format")
MANY = ("artifact.too_many",)

Json = Any
Made = Callable[[], bytes]
Case = tuple[tuple[str, ...], Made]

KINDS = {
    "whole": ("integer", "native", "7"),
    "small": ("smallint", "native", "7"),
    "big": ("bigint", "native", "-9223372036854775808"),
    "float": ("double precision", "native", "-0.5"),
    "flag": ("boolean", "native", "true"),
    "words": ("text[]", "native", '["a","b"]'),
    "wholes": ("integer[]", "native", "[1,2]"),
    "floats": ("real[]", "native", "[0.5]"),
    "flags": ("boolean[]", "native", "[true]"),
    "short": ("character varying(9)", "native", '"x"'),
    "exact": ("numeric(65,30)", "text", '"1.5"'),
    "deep": ("jsonb", "json", '{"a": [1]}'),
}


def sound() -> bytes:
    """Two sections, a row of every encoding, a file of each state, a sequence, an altered cell."""
    kinds = [Column(name, type_, encoding) for name, (type_, encoding, _) in KINDS.items()]  # type: ignore[arg-type]
    cells = "".join(f',"{name}":{cell}' for name, (_, _, cell) in KINDS.items())
    rows = {
        "people": [b'{"id":"1","name":"Noa"}', b'{"id":"2","name":"Zo"}'],
        "kinds": [('{"id":"1"' + cells + "}").encode()],
        "rooms": [],
    }
    people = SectionHead(
        "people", "app_people", ("id",), (text("id"), text("name")), generated=("initials",)
    )
    heads = [
        people,
        SectionHead("kinds", "app_kinds", ("id",), (text("id"), *kinds)),
        SectionHead("rooms", "app_rooms", ("id", "name"), (text("id"), text("name"))),
    ]
    used = [Locator("b.png", "default", [Use("people", "name", ["1", ["2", "3"]])])]
    missing = FileHead("gap", "b.png", "image/png", used, reason=Reason("file.missing", "Gone."))
    large = FileHead("skipped", "c.png", "image/png", used, reason=Reason("file.large", "Large."))
    return document(
        rows,  # type: ignore[arg-type]
        heads=heads,
        files=[embedded(b"abcdefgh" * 5, "a.png"), (missing, b""), (large, b"")],
        sequences=[Sequence("app_people_id_seq", "people", 7, True)],
        altered=[AlteredCell("people", "1", "name")],
    )


# Where members stand: the first line that begins so, what is in front of the JSON, and behind it.
_PLACES = {
    "head": (b"{", b"", b","),
    "embedded": (b'"1": ', b'"1": ', b',"content":'),
    "gap": (b'"2": ', b'"2": ', b","),
    "sequences": (b'"sequences": ', b'"sequences": ', b","),
    "altered": (b'"altered": ', b'"altered": ', b","),
    "statistics": (b'"statistics": ', b'"statistics": ', b","),
    "integrity": (b'"integrity": ', b'"integrity": ', b"}"),
}
# These lines end with the brace that is left out, or with another's.
_OPEN = ("head", "embedded")
CODES = {"head": HEAD} | dict.fromkeys([*_PLACES][1:], DAMAGED)


def with_line(place: str, edit: Callable[[bytes], bytes]) -> bytes:
    """The sound document with one line's JSON edited, and a digest that agrees."""
    begins, before, behind = _PLACES[place]
    lines = sound().split(b"\n")
    at = next(i for i, line in enumerate(lines) if line.startswith(begins))
    body = lines[at].removeprefix(before).removesuffix(behind)
    closing = b"}" if place in _OPEN else b""
    lines[at] = before + edit(body + closing).removesuffix(closing) + behind
    whole = b"\n".join(lines)
    return whole if place == "integrity" else resealed(whole)


def member_of(place: str) -> Json:
    found: list[Json] = []

    def look(raw: bytes) -> bytes:
        found.append(json.loads(raw))
        return raw

    with_line(place, look)
    return found[0]


def _dumped(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


Path = tuple[str | int, ...]


def paths(value: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Every value in a document; of lists of alike ones the first is enough."""
    if path:
        yield path, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from paths(inner, (*path, name))
    elif isinstance(value, list) and value:
        yield from paths(value[0], (*path, 0))


def _with(value: Json, path: Path, new: Json) -> Json:
    """A copy of a document with another value at a path; ``...`` takes it away."""
    copy = json.loads(json.dumps(value))
    inner = copy
    for step in path[:-1]:
        inner = inner[step]
    if new is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = new
    return copy


def _wrong(value: Json) -> dict[str, Json]:
    """Values of other kinds than this one's, by what they are."""
    if isinstance(value, bool):
        return {"null": None, "a number": 1, "a string": "true"}
    if isinstance(value, int):
        return {
            "null": None,
            "a string": "7",
            "a fraction": 1.5,
            "a flag": True,
            "too much": 10**30,
        }
    if isinstance(value, str):
        return {"null": None, "a number": 7, "a list": ["x"], "NUL": "a\0b"}
    if isinstance(value, list):
        return {"null": None, "an object": {}, "a string": "x"}
    return {"null": None, "a list": [], "a string": "x"}


# Members that may be absent, which then say the same as an empty list, an empty text, or none.
ABSENT = {
    ("created_by", "name"),
    ("created_by", "email"),
    ("sections", 0, "redacted"),
    ("sections", 0, "generated"),
    ("files", "not_included"),
    ("files", "not_included_local"),
    ("files", "not_included_in_rows"),
    ("schema", "migrations", "studio"),
}
# Numbers that may be below nothing.
SIGNED = {(0, "last_value")}
# What may stand there: a key of several parts, and texts that the digest does not cover and that only make
# a file foreign. Of numbers that no sequence has, and keys that no row has, the plan says whose they are.
ALLOWED = {
    "embedded locators.0.uses.0.keys.0: a list",
    "gap locators.0.uses.0.keys.0: a list",
    "sequences 0.last_value: too much",
    "embedded locators.0.uses.0.keys.0: NUL",
    "gap locators.0.uses.0.keys.0: NUL",
}


def _members() -> Iterator[tuple[str, Case]]:
    """Every member of every line: of another kind, missing, twice, unknown, below nothing."""
    for place in _PLACES:
        whole, codes = member_of(place), CODES[place]
        for path, value in paths(whole):
            named = f"{place} {'.'.join(map(str, path))}"
            for what, wrong in _wrong(value).items():
                yield f"{named}: {what}", (codes, _edited(place, _with(whole, path, wrong)))
            if isinstance(value, int) and not isinstance(value, bool) and path not in SIGNED:
                yield f"{named}: below nothing", (codes, _edited(place, _with(whole, path, -1)))
            if isinstance(path[-1], str) and path not in ABSENT:
                yield f"{named}: missing", (codes, _edited(place, _with(whole, path, ...)))
            if isinstance(value, dict):
                extra = _with(whole, (*path, "x\u200bx"), 1)
                yield f"{named}: an unknown member", (codes, _edited(place, extra))


def _edited(place: str, value: Json) -> Made:
    return lambda: with_line(place, lambda raw: _dumped(value))


def _replaced(old: bytes, new: bytes) -> Made:
    def make() -> bytes:
        whole = sound()
        assert whole.count(old) >= 1, old
        return resealed(whole.replace(old, new, 1))

    return make


def _head(**members: Json) -> Made:
    return lambda: with_line("head", lambda raw: _dumped(json.loads(raw) | members))


def _section(number: int = 0, **members: Json) -> Made:
    def edit(raw: bytes) -> bytes:
        head = json.loads(raw)
        head["sections"][number] |= members
        return _dumped(head)

    return lambda: with_line("head", edit)


def _reordered(raw: bytes) -> bytes:
    members = list(json.loads(raw).items())
    return _dumped(dict([members[0], members[2], members[1], *members[3:]]))


LAWS: dict[str, Case] = {
    "another format": (HEAD, _head(format="backupsvc/2")),
    "no format of ours": (HEAD, _head(format="dump/1")),
    "another type": (HEAD, _head(type="partial")),
    "a Complete file that leaves columns out": (HEAD, _section(redacted=["secret"])),
    "an empty key": (HEAD, _section(key="")),
    "a name without end": (HEAD, _section(table="x" * 5000)),
    "a moment of no calendar": (HEAD, _head(created_at="2026-02-30T00:00:00+00:00")),
    "a moment elsewhere": (HEAD, _head(created_at="2026-01-02T03:04:05+02:00")),
    "a moment of nowhere": (HEAD, _head(created_at="2026-01-02T03:04:05")),
    "words for a moment": (HEAD, _head(created_at="yesterday")),
    "an installation of other letters": (HEAD, _head(installation="<b>0123456789abcd")),
    "an installation and a line feed": (HEAD, _head(installation="0" * 16 + "\n")),
    "a fingerprint cut short": (HEAD, _head(schema={"fingerprint": "0" * 63, "migrations": {}})),
    "members of the head in another order": (HEAD, lambda: with_line("head", _reordered)),
    "a table left out that is there": (HEAD, _head(left_out=["app_people"])),
    "a table left out twice": (HEAD, _head(left_out=["a", "a"])),
    "a key column twice": (HEAD, _section(primary_key=["id", "id"])),
    "a key column that is not there": (HEAD, _section(primary_key=["nothing"])),
    "no key": (HEAD, _section(primary_key=[])),
    "a generated column that is in the rows": (HEAD, _section(generated=["name"])),
    "a generated column twice": (HEAD, _section(generated=["x", "x"])),
    "a section's key twice": (HEAD, _section(key="rooms")),
    "a table twice": (HEAD, _section(table="app_rooms")),
    "an encoding of its own": (HEAD, _replaced(b'"encoding":"json"', b'"encoding":"hex"')),
    "an encoding of another type": (HEAD, _replaced(b'"encoding":"json"', b'"encoding":"text"')),
    "a head nested without end": (
        HEAD,
        lambda: with_line("head", lambda r: b'{"format":' + b"[" * 99999),
    ),
    "a number without end in the head": (
        HEAD,
        _replaced(b'"created_at":"2026', b'"x":' + b"9" * 9999 + b',"created_at":"2026'),
    ),
    "no bytes of UTF-8 in the head": (HEAD, _replaced(b'"name":"Noa"', b'"name":"\xff"')),
    "half a surrogate in the head": (HEAD, _replaced(b'"name":"Noa"', b'"name":"\\ud800"')),
    "NaN in the head": (HEAD, _replaced(b'"migrations":{', b'"migrations":{"x":NaN,')),
    "a section of the data that the head lacks": (DAMAGED, _replaced(b'"rooms": [', b'"halls": [')),
    "a section twice": (DAMAGED, _replaced(b'"rooms": [', b'"people": [')),
    "sections in another order": (
        DAMAGED,
        lambda: resealed(
            sound().replace(b'"kinds": [', b'"x": [', 1).replace(b'"rooms": [', b'"kinds": [', 1)
        ),
    ),
    "a blank behind a bracket": (DAMAGED, _replaced(b'"rooms": [\n', b'"rooms": [ \n')),
    "no files": (DAMAGED, _replaced(b'"files": {', b'"filez": {')),
    "files numbered otherwise": (DAMAGED, _replaced(b'"1": {"state"', b'"2": {"state"')),
    "a state of its own": (DAMAGED, _replaced(b'"state":"gap"', b'"state":"gone"')),
    "a gap with a size": (DAMAGED, _replaced(b'{"state":"gap"', b'{"state":"gap","size_bytes":1')),
    "a gap with content": (DAMAGED, _replaced(b'{"state":"gap"', b'{"state":"embedded"')),
    "content of another hash": (DAMAGED, _replaced(b"YWJjZGVmZ2h", b"YWJjZGVmZ2H")),
    "content with a line break": (DAMAGED, _replaced(b"YWJjZGVmZ2h", b"YWJj\nZGVmZ2h")),
    "content with a blank": (DAMAGED, _replaced(b"YWJjZGVmZ2h", b"YWJj ZGVmZ2h")),
    "content of the alphabet for URLs": (DAMAGED, _replaced(b"YWJjZGVmZ2h", b"YWJjZGVmZ2-")),
    "content without padding": (DAMAGED, _replaced(b'=="}', b'"}')),
    "content without its quotation mark": (DAMAGED, _replaced(b'\n"YWJj', b"\nYWJj")),
    "a hash in capitals": (
        DAMAGED,
        lambda: with_line("embedded", lambda r: r.replace(b'"sha256":"', b'"sha256":"A')),
    ),
    "an altered cell of no section": (
        DAMAGED,
        lambda: with_line("altered", lambda r: r.replace(b"people", b"x")),
    ),
    "an altered cell of no column": (
        DAMAGED,
        lambda: with_line("altered", lambda r: r.replace(b'"name"', b'"x"')),
    ),
    "an altered cell twice": (
        DAMAGED,
        lambda: with_line("altered", lambda r: _dumped(json.loads(r) * 2)),
    ),
    "too many altered cells": (
        MANY,
        lambda: with_line(
            "altered",
            lambda r: _dumped(
                [{"section": "people", "key": str(n), "column": "name"} for n in range(100_001)]
            ),
        ),
    ),
    "an altered cell's key of two parts": (
        DAMAGED,
        lambda: with_line("altered", lambda r: r.replace(b'"1"', b'["1","2"]')),
    ),
    "a marked column with a row": (
        DAMAGED,
        lambda: with_line("altered", lambda r: r.replace(b'"column"', b'"marked":true,"column"')),
    ),
    "too many sequences": (
        MANY,
        lambda: with_line(
            "sequences",
            lambda r: _dumped(
                [
                    {"name": str(n), "section": "", "last_value": 1, "is_called": True}
                    for n in range(10_001)
                ]
            ),
        ),
    ),
    "too many columns": (
        (*MANY, *HEAD),
        _section(
            columns=[{"name": f"c{n}", "type": "text", "encoding": "native"} for n in range(1_601)]
        ),
    ),
    "too many key columns": ((*MANY, *HEAD), _section(primary_key=["id"] * 33)),
    "too many values": (
        MANY,
        lambda: with_line("altered", lambda r: b"[" + b"[]," * 2_000_001 + b"[]]"),
    ),
    "rows nobody counted": (
        DAMAGED,
        _replaced(b'"statistics": {"rows":3', b'"statistics": {"rows":4'),
    ),
    "bytes of a section": (
        DAMAGED,
        _replaced(b'"people":{"rows":2,"bytes":4', b'"people":{"rows":2,"bytes":5'),
    ),
    "a section that is not there is counted": (
        DAMAGED,
        _replaced(
            b'"sections":{"people":{"rows"',
            b'"sections":{"x":{"rows":0,"bytes":0,"sha256":"' + b"0" * 64 + b'"},"people":{"rows"',
        ),
    ),
    "more local ones than all": (
        DAMAGED,
        _replaced(b'"not_included_local":0', b'"not_included_local":1'),
    ),
    "skipped ones": (DAMAGED, _replaced(b'"skipped":1', b'"skipped":0')),
    "gaps": (DAMAGED, _replaced(b'"gaps":1', b'"gaps":2')),
    "locators": (DAMAGED, _replaced(b'"files":{"locators":3', b'"files":{"locators":4')),
    "another algorithm": (
        DAMAGED,
        lambda: with_line("integrity", lambda r: r.replace(b"sha256", b"md5")),
    ),
    "another digest": (
        DAMAGED,
        lambda: with_line("integrity", lambda r: _dumped(json.loads(r) | {"digest": "0" * 64})),
    ),
    "a byte order mark": (HEAD, lambda: resealed(b"\xef\xbb\xbf" + sound())),
    "a byte behind the end": (DAMAGED, lambda: sound() + b"\n"),
    "another document behind the end": (DAMAGED, lambda: sound() + sound()),
    "line feeds of Windows": ((*HEAD, *DAMAGED), lambda: resealed(sound().replace(b"\n", b"\r\n"))),
    "no comma between rows": (DAMAGED, _replaced(b'Noa"},\n{"id":"2"', b'Noa"}\n{"id":"2"')),
    "a comma behind the last row": (DAMAGED, _replaced(b'Zo"}\n', b'Zo"},\n')),
    "an empty line between rows": (DAMAGED, _replaced(b'Noa"},\n', b'Noa"},\n\n')),
    "two rows on a line": (ROW + DAMAGED, _replaced(b'Noa"},\n', b'Noa"},')),
    "nothing": (CUT, lambda: b""),
    "a brace": (CUT, lambda: b"{"),
    "blanks": (CUT, lambda: b" " * 100),
    "an empty object": (CUT, lambda: b"{}\n"),
    "a list": (CUT, lambda: b"[]\n"),
    "NUL bytes": (CUT, lambda: bytes(1000)),
}

# What may not stand in a cell, by column: JSON, as it is written into the row.
CELLS = {
    "id": ["7", "true", '["1"]', '{"a":1}', '"a\\u0000"', '"\\ud800"', '"\\udc00x"', '"a', "'a'"],
    "whole": [
        "2147483648",
        "-2147483649",
        "1.0",
        "1e3",
        '"7"',
        "true",
        "[7]",
        "9" * 5000,
        "01",
        "+1",
        "0x1",
        "NaN",
        "1" + "0" * 400,
    ],
    "small": ["32768", "-32769", "3e1"],
    "big": ["9223372036854775808", "-9223372036854775809", "1e30", "Infinity"],
    "float": [
        '"1.5"',
        "true",
        '"nan"',
        '"-NaN"',
        "[1.5]",
        "NaN",
        "-Infinity",
        ".5",
        "1.",
        '"Infinity "',
    ],
    "flag": ["1", '"t"', '"true"', "[true]"],
    "words": [
        "7",
        '["a",null]',
        '["a",7]',
        '[["a"]]',
        '["a\\u0000"]',
        '["\\ud800"]',
        '{"a":1}',
        '"{a\\u0000}"',
        "[,]",
    ],
    "wholes": ["[2147483648]", "[1.0]", '["1"]', "[null]", "[true]", "[[1]]", "7"],
    "floats": ["[null]", '["x"]', "[true]", "[[0.5]]", '[" 1"]'],
    "flags": ["[1]", '["true"]', "[null]"],
    "short": ["7", '"\\u0000"'],
    "exact": ["1.5", "7", "true", '["1.5"]', '"1\\u0000"'],
    "deep": [
        '{"a":',
        '{"a":"\\u0000"}',
        '{"a":"\\ud800"}',
        "nul",
        "[1,]",
        "{a:1}",
        '"\x01"',
        "01",
        "[" * 70000 + "]" * 70000,
    ],
}


def _cells() -> Iterator[tuple[str, Case]]:
    kinds = {"id": ("text", "native", '"1"'), **KINDS}
    for name, cells in CELLS.items():
        for number, cell in enumerate(cells):
            made = _row(name, kinds[name][2], cell)
            yield f"cell {name} {number}: {cell[:20]!a}", (ROW, made)


def _row(name: str, old: str, new: str) -> Made:
    """The row of the section of kinds with another cell, counted anew."""

    def make() -> bytes:
        kinds = [Column(n, t, e) for n, (t, e, _) in KINDS.items()]  # type: ignore[arg-type]
        cells = {"id": '"1"'} | {n: cell for n, (_, _, cell) in KINDS.items()} | {name: new}
        row = "{" + ",".join(f'"{n}":{cell}' for n, cell in cells.items()) + "}"
        head = SectionHead("kinds", "app_kinds", ("id",), (text("id"), *kinds))
        return document({"kinds": [row.encode("utf-8", "surrogatepass")]}, heads=[head])

    return make


ROWS = {
    "no object": b'["1","a"]',
    "nothing": b"",
    "a column missing": b'{"id":"1"}',
    "a column that is not declared": b'{"id":"1","name":"a","more":"b"}',
    "a column twice": b'{"id":"1","name":"a","name":"b"}',
    "a column twice, escaped": b'{"id":"1","name":"a","n\\u0061me":"b"}',
    "a key twice": b'{"id":"1","id":"2","name":"a"}',
    "something behind the row": b'{"id":"1","name":"a"}x',
    "a row cut short": b'{"id":"1","name":"a"',
    "bytes that are no UTF-8": b'{"id":"1","name":"\xff"}',
    "an overlong NUL": b'{"id":"1","name":"\xc0\x80"}',
    "half a surrogate as bytes": b'{"id":"1","name":"\xed\xa0\x80"}',
    "a control character": b'{"id":"1","name":"\x01"}',
    "a raw NUL": b'{"id":"1","name":"\x00"}',
    "an escape of its own": b'{"id":"1","name":"\\x"}',
    "null for a row": b"null",
    "a remark": b'{"id":"1","name":"a"}//',
}


def _rows() -> Iterator[tuple[str, Case]]:
    for name, row in ROWS.items():
        yield f"row: {name}", (ROW, lambda row=row: document({"people": [row]}))  # type: ignore[misc]


def _cuts() -> Iterator[tuple[str, Case]]:
    """The document cut at forty places, and before its last byte."""
    size = len(sound())
    for at in sorted({*range(1, size, size // 40), size - 1, size - 2}):
        yield f"cut at {at:05}", (CUT, lambda at=at: sound()[:at])  # type: ignore[misc]


def _flips() -> Iterator[tuple[str, Case]]:
    """A byte changed at forty places, and the digest not."""
    size = len(sound())
    end = sound().rindex(b'"integrity": ')
    for at in range(7, end, size // 40):
        yield f"changed at {at:05}", ((*HEAD, *DAMAGED, *CUT, *ROW), lambda at=at: _flipped(at))  # type: ignore[misc]


def _flipped(at: int) -> bytes:
    whole = bytearray(sound())
    whole[at] ^= 1
    return bytes(whole)


def _all() -> Iterator[tuple[str, Case]]:
    yield from LAWS.items()
    yield from _members()
    yield from _cells()
    yield from _rows()
    yield from _cuts()
    yield from _flips()


CORPUS: dict[str, Case] = {name: case for name, case in _all() if name not in ALLOWED}
# Documents that look odd and are sound.
SOUND: dict[str, Made] = {name: made for name, (_, made) in _all() if name in ALLOWED}
# By what they are about, so that a test can take many at a time.
GROUPS = {
    "laws": list(LAWS),
    **{place: [n for n in CORPUS if n.startswith(f"{place} ")] for place in CODES},
    **{
        kind: [n for n in CORPUS if n.startswith(f"{kind}")]
        for kind in ("cell", "row:", "cut", "changed")
    },
}
