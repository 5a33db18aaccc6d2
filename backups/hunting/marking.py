"""A marker in the place of each secret, cell by cell, so that every cell stays what its type takes.

What a cell is follows from its column: a text, an array of texts, a JSON document, bytes. Where no marker can
stand (numbers, times, UUIDs) the cell that *is* a secret, or an array that has one, becomes NULL; where a
value leads to another row (keys) it is left, and counted: a key that everybody may read opens nothing by
being read once more.
"""

import functools
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import msgspec

from backups.artifact import raw_json
from backups.artifact.manifest import SectionHead
from backups.artifact.rows import RowCodec
from backups.hunting import credentials
from backups.hunting.cells import Marked, RowPlaces, TextMarker, by_row, members, with_rows
from backups.hunting.forms import SHORTEST
from backups.hunting.marks import Marks
from backups.hunting.matcher import WORD, Hit, Matcher, Place

# Into so many parts a block is divided of whose rows one has something behind escapes.
_APART = 16

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|-?\d[0-9.eE+-]*+', re.DOTALL)
_BYTES = re.compile(rb"\\+x((?:[0-9a-f]{2})+)")
_VALUES = re.compile(rb'[^"\\\[\](){},]+')
_LIMIT = re.compile(r"\((\d+)\)")
_NUMBERS = (
    r"smallint|integer|bigint|real|double precision|numeric(?:\(\d+,-?\d+\))?|money|oid|boolean"
    r"|bit(?: varying)?(?:\(\d+\))?"
)
_TIMES = (
    r"date|(?:time|timestamp)(?:\(\d\))? with(?:out)? time zone"
    r"|interval(?: (?:year|month|day|hour|minute|second|to| )+)?(?:\(\d\))?"
)
_OTHERS = (
    r"uuid|inet|cidr|macaddr8?|point|line|lseg|box|path|polygon|circle"
    r"|(?:int4|int8|num|ts|tstz|date)(?:multi)?range"
)
# PostgreSQL's own types whose values are never a text with something else in it. Whole names: those of
# an application's types may begin or end like them.
_NO_TEXT = re.compile(rf"(?:{_NUMBERS}|{_TIMES}|{_OTHERS})(?:\[\])?").fullmatch


class Holds(Enum):
    """What a column's cells are, to who puts a marker into them. ``DISTINCT``: texts of which no two may be
    alike."""

    KEY = "key"
    DISTINCT = "distinct"
    TEXT = "text"
    DOCUMENT = "document"
    BYTES = "bytes"
    VALUE = "value"
    REQUIRED_VALUE = "required value"


def kind_of(type_: str, *, nullable: bool) -> Holds:
    """What cells of this type are, where no rule of the table says more."""
    if _NO_TEXT(type_):
        return Holds.VALUE if nullable else Holds.REQUIRED_VALUE
    if type_.startswith("bytea"):
        return Holds.BYTES
    return Holds.DOCUMENT if type_ in ("json", "jsonb") else Holds.TEXT


@dataclass
class Found:
    """What one section, or all, had: cells by the column of the secret that was in them, cells that were
    left, and credentials that no column holds, by kind."""

    cells: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    credentials: Counter[str] = field(default_factory=Counter)


# What may become a marker and nothing else.
_BARE = (Holds.TEXT, Holds.DISTINCT, Holds.DOCUMENT, Holds.BYTES)
Note = Callable[[str | list[str], str], None]


class SectionMarker:
    """Takes the rows of one section. ``holds`` says of each of its columns what it holds; ``note`` is told
    the key and the column of each cell that was altered."""

    def __init__(
        self,
        head: SectionHead,
        holds: Mapping[str, Holds],
        matcher: Matcher,
        found: Found,
        note: Note,
        *,
        mask_credentials: bool = False,
    ) -> None:
        self._head = head
        self._holds = holds
        self._matcher = matcher
        self._found = found
        self._note = note
        self._mask = mask_credentials
        self._key = RowCodec(head).key
        self._types = {column.name: column for column in head.columns}
        self._has_bytes = has_bytes(head, holds)
        texts = [name for name in self._types if holds[name] in (Holds.TEXT, Holds.DOCUMENT)]
        self._texts = TextMarker(head, texts, matcher)
        self._names = {name: msgspec.json.encode(name) for name in self._types}

    def rows(self, block: bytes) -> bytes:
        """Whole rows, each with its line feed. What holds nothing comes back as it is."""
        if self._has_bytes:
            return b"".join([self._row(row) + b"\n" for row in block[:-1].split(b"\n")])
        found = list(by_row(block, self._matcher.places(block)))
        marked = self._quickly(block, found)
        # Without those that stand beside an escape and are marked already.
        without = with_rows(block, found, [row.text if row else None for row in marked])
        if self._matcher.is_veiled(without, in_rows=True):
            return self._apart(block)
        texts = [
            self._noted(quick) if quick else self._row_with(block[first:end], first, here)
            for (first, end, here), quick in zip(found, marked, strict=True)
        ]
        return with_rows(block, found, texts)

    def _apart(self, block: bytes) -> bytes:
        """A block with something behind escapes: fewer rows at a time, until it is known which have it."""
        rows = block[:-1].split(b"\n")
        if len(rows) == 1:
            return self._row(rows[0]) + b"\n"
        step = -(-len(rows) // _APART)
        some = (rows[start : start + step] for start in range(0, len(rows), step))
        return b"".join([self.rows(b"\n".join(few) + b"\n") for few in some])

    def _quickly(self, block: bytes, found: Sequence[RowPlaces]) -> list[Marked | None]:
        """What can be done at once for each of these rows; says nothing to anybody yet."""
        marked = [
            None
            if self._mask or any(number == WORD for _start, _end, number in here)
            else self._texts.marked(block, first, end, here)
            for first, end, here in found
        ]
        # Markers may bring the halves of something together.
        if found and self._matcher.has_part(b"\n".join([row.text for row in marked if row])):
            return [None] * len(found)
        return marked

    def _noted(self, marked: Marked) -> bytes:
        for name, secrets in marked.altered.items():
            for secret in secrets:
                self._found.cells[secret] += 1
            self._note(marked.key[0] if len(marked.key) == 1 else list(marked.key), name)
        return marked.text

    def _row_with(self, row: bytes, first: int, places: Sequence[Place]) -> bytes:
        """A row that begins at ``first``, in which parts of forms, or words, stand at these places and
        nowhere else."""
        wanted = [
            (start - first, end - first) for start, end, n in places if self._mask or n != WORD
        ]
        if wanted:
            cells = members(row)
            row = self._marked(row, cells, self._cells_at(row, cells, wanted), veiled=False)
        if any(number == WORD for _start, _end, number in places):
            credentials.count(row, self._found.credentials)
        return row

    def _cells_at(
        self, row: bytes, cells: Mapping[str, msgspec.Raw], places: Sequence[tuple[int, int]]
    ) -> list[str]:
        """The columns whose cells the places lie in."""
        found = []
        start = 1
        for name, cell in cells.items():
            head = self._names[name] + b":"
            if not row.startswith(head, start):
                return self._that_may_hold(cells, veiled=False)
            start += len(head)
            end = start + len(bytes(cell))
            for first, last in places:
                if first < end and start < last:
                    found.append(name)
                    break
            start = end + 1
        return found if start == len(row) else self._that_may_hold(cells, veiled=False)

    def _that_may_hold(self, cells: Mapping[str, msgspec.Raw], *, veiled: bool) -> list[str]:
        """The columns whose cells may hold a secret. What has no escape with one behind it need not be looked
        at for that, cell by cell."""
        return [
            name
            for name, cell in cells.items()
            if len(raw := bytes(cell)) >= SHORTEST
            and (
                veiled
                or self._holds[name] is Holds.BYTES
                or self._matcher.may_hold(raw, words=self._mask)
            )
        ]

    def _row(self, row: bytes) -> bytes:
        look = self._matcher.looks(row, in_rows=True)
        if look.secret or (look.word and self._mask) or self._has_bytes:
            cells = members(row)
            names = self._that_may_hold(cells, veiled=look.veiled)
            row = self._marked(row, cells, names, veiled=look.veiled)
        if look.word:
            credentials.count(row, self._found.credentials)
        return row

    def _marked(
        self, row: bytes, cells: dict[str, msgspec.Raw], names: Iterable[str], *, veiled: bool
    ) -> bytes:
        """The row with markers in the cells of these names."""
        altered = []
        for name in names:
            raw = bytes(cells[name])
            is_veiled = veiled or self._holds[name] is Holds.BYTES
            marked = self._cell(name, raw, row, veiled=is_veiled)
            if marked != raw:
                cells[name] = msgspec.Raw(marked)
                altered.append(name)
        if not altered:
            return row
        key = self._key(row)
        for name in altered:
            self._note(key[0] if len(key) == 1 else list(key), name)
        return (
            b"{"
            + b",".join([self._names[name] + b":" + bytes(raw) for name, raw in cells.items()])
            + b"}"
        )

    def _still_held(self, shown: bytes, *, veiled: bool) -> list[Hit]:
        """What the proof would find in a cell, or in what a marker left of it."""
        if not (veiled or self._matcher.has_part(shown)):
            return []
        return self._matcher.hits(shown) if self._matcher.looks(shown).secret else []

    def _cell(self, name: str, raw: bytes, row: bytes, *, veiled: bool) -> bytes:
        holds, column = self._holds[name], self._types[name]
        if veiled:
            look = self._matcher.looks(_shown(raw, holds))
            if not look.secret and not (look.word and self._mask):
                return raw
        marks = Marks(self._matcher, mask=self._mask and holds is not Holds.KEY, veiled=veiled)
        if holds is Holds.DISTINCT:
            marks.suffix = "#" + _tag(self._head.key, name, *self._key(row))
        marked = _marked_cell(raw, holds, column.type, column.encoding, marks)
        shown = _shown(marked, holds)
        if holds in _BARE and (held := self._still_held(shown, veiled=veiled)):
            marks.columns.update({hit.secret.column: None for hit in held})
            marked = _bare(raw, column.type, marks)
        if holds in (Holds.KEY, Holds.REQUIRED_VALUE):
            self._found.left[f"{self._head.key}.{name}"] += int(bool(marks.columns))
            return raw
        if marked != raw:
            for secret in marks.columns:
                self._found.cells[secret] += 1
            # They are counted where they stand in rows, and these no longer do.
            self._found.credentials.update(+marks.credentials)
        return marked


def has_bytes(head: SectionHead, holds: Mapping[str, Holds]) -> bool:
    """Whether cells of a section are bytes, whose hexadecimal digits tell nothing of what is in them."""
    return any(holds.get(column.name) is Holds.BYTES for column in head.columns)


def raw_bytes(cell: bytes) -> bytes:
    """What the hexadecimal digits of a ``bytea`` cell, or of an array of those, stand for; once more without
    what other encodings of texts put between letters."""
    given = b"\x00".join(bytes.fromhex(run[1].decode()) for run in _BYTES.finditer(cell))
    # Texts in UTF-16 have a NUL beside each letter of ASCII.
    return given + b"\n" + given.replace(b"\x00", b"") if b"\x00" in given else given


def _shown(cell: bytes, holds: Holds) -> bytes:
    """A cell as the proof looks at it: of bytes their digits too, for a secret may be made of just these."""
    return raw_bytes(cell) + b"\n" + cell if holds is Holds.BYTES else cell


def _tag(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]


def _marked_cell(raw: bytes, holds: Holds, type_: str, encoding: str, marks: Marks) -> bytes:
    limit, padded = limit_of(type_)
    if holds in (Holds.VALUE, Holds.REQUIRED_VALUE):
        return b"null" if any(map(marks.is_secret, _values(raw))) else raw
    if encoding == "json" or not raw.startswith(b'"'):
        return _document(raw, marks, limit)
    text = msgspec.json.decode(raw, type=str)
    if holds is Holds.DOCUMENT:
        marked = _document(text.encode(), marks, None).decode()
    elif holds is Holds.BYTES:
        marked = _BYTES.sub(lambda run: _bytes(run, marks), text.encode()).decode()
    else:
        # A text of an array's own form holds elements, and is not limited as one of them.
        marked = _text(text, marks, None if type_.endswith("[]") else limit)
    if marked == text:
        return raw
    return msgspec.json.encode(marked.ljust(limit or 0) if padded else marked)


def _bare(raw: bytes, type_: str, marks: Marks) -> bytes:
    """The marker alone: a secret stands across the parts of which the cell is made."""
    marker = marks.marker(next(iter(marks.columns)), numbered=False).decode()
    limit, _padded = limit_of(type_)
    text = marks.fitting(marker, limit)
    if type_.startswith("bytea"):
        text = "\\x" + marker.encode().hex()
        # Within an array's own form a backslash is written twice.
        return msgspec.json.encode(f'{{"\\{text}"}}' if type_.endswith("[]") else text)
    if type_.endswith("[]"):
        return msgspec.json.encode([text] if raw.startswith(b"[") else f"{{{text}}}")
    return msgspec.json.encode(f'"{text}"' if type_ == "json" else text)


@functools.cache
def limit_of(type_: str) -> tuple[int | None, bool]:
    """How many letters a text may have, and whether it has always as many."""
    found = _LIMIT.search(type_) if type_.startswith("character") else None
    padded = bool(found) and type_.startswith("character(") and not type_.endswith("[]")
    return (int(found[1]) if found else None), padded


def _values(raw: bytes) -> list[bytes]:
    """A value by itself; of an array each of its elements, of a range its ends."""
    return _VALUES.findall(raw)


def _document(raw: bytes, marks: Marks, limit: int | None) -> bytes:
    """A JSON value: each of its strings by itself, names of members too; numbers whole."""
    may_hold = marks.within(raw)

    def token(found: re.Match[bytes]) -> bytes:
        given = found[0]
        if not may_hold(*found.span()):
            return given
        if not given.startswith(b'"'):
            return marks.number(given)
        text = msgspec.json.decode(given, type=str)
        is_name = raw_json.value_start(raw, found.end())
        names = raw[is_name : is_name + 1] == b":"
        marked = _text(text, marks, limit, numbered=names)
        return given if marked == text else msgspec.json.encode(marked)

    return _TOKEN.sub(token, raw)


def _text(text: str, marks: Marks, limit: int | None, *, numbered: bool = False) -> str:
    given = text.encode()
    marked = marks.put(given, numbered=numbered)
    if marked == given:
        return text
    # A marker may be longer than what it stands for, and what stands beside it must still fit.
    return marks.fitting(marked.decode("utf-8", "replace"), limit)


def _bytes(run: re.Match[bytes], marks: Marks) -> bytes:
    given = bytes.fromhex(run[1].decode())
    marked = marks.put(given)
    return (
        run[0] if marked == given else run[0][: run.start(1) - run.start()] + marked.hex().encode()
    )
