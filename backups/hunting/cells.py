"""The cells of a row as the characters they are written with, and markers put between those.

Most secrets stand in texts: in the links of mails, in messages. There a marker takes the place of their
letters in the row itself, without decoding anything; whoever has anything else to do goes by ``marking``.
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from backups.artifact import raw_json
from backups.artifact.manifest import Column, SectionHead
from backups.artifact.rows import RowCodec
from backups.hunting.matcher import Matcher, Place

# Texts that have no limit, so that a marker fits whatever it stands for; and what such texts stand in.
_TEXTS = ("text", "character varying")
_WITH_TEXTS = ("jsonb", "text[]", "character varying[]")
# What may stand behind a string of JSON, and before the next one.
_OUTSIDE = re.compile(rb"[\s,:\]}]").match
_BEHIND_VALUE = re.compile(rb'"\s*[,\]}]').match


def members(row: bytes) -> dict[str, msgspec.Raw]:
    """The cells of a row as the characters they are written with."""
    try:
        return _members(row)
    except (RecursionError, msgspec.MsgspecError):
        return raw_json.whole_object(row)


_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@functools.cache
def marker(name: str, suffix: str = "") -> bytes:
    """What stands in the place of a secret of this column."""
    return f"[redacted:{name}{suffix}]".encode()


# Where a row begins and ends in its block, and what stands in it.
RowPlaces = tuple[int, int, list[Place]]


def by_row(block: bytes, places: Sequence[Place]) -> Iterator[RowPlaces]:
    """Each row with one of the places, in their order."""
    end = number = 0
    while number < len(places):
        start = places[number][0]
        first = block.rfind(b"\n", end, start) + 1 or end
        end = block.index(b"\n", start)
        here = []
        while number < len(places) and places[number][0] < end:
            here.append(places[number])
            number += 1
        yield first, end, here


def with_rows(block: bytes, found: Sequence[RowPlaces], texts: Sequence[bytes | None]) -> bytes:
    """The block with those texts in place of the rows, but for None; without any the same object."""
    pieces: list[bytes] = []
    done = 0
    for (first, end, _places), text in zip(found, texts, strict=True):
        if text is not None:
            pieces += (block[done:first], text)
            done = end
    return b"".join([*pieces, block[done:]]) if pieces else block


class Marked(NamedTuple):
    """A row with markers, its key, and by column the secrets that were there."""

    text: bytes
    key: tuple[str, ...]
    altered: dict[str, dict[str, None]]


class TextMarker:
    """Takes rows of one section, of which nothing is behind escapes. ``texts``: the columns that hold any
    text, of which two may be alike, or documents and lists of them."""

    def __init__(self, head: SectionHead, texts: Sequence[str], matcher: Matcher) -> None:
        self._matcher = matcher
        self._key = RowCodec(head).key
        self._primary_key = head.primary_key
        columns = {column.name: column for column in head.columns}
        self._has_text_key = all(_is_text(columns[name]) for name in head.primary_key)
        heads = {name: msgspec.json.encode(name) + b":" for name in columns}
        kinds = {name: columns[name].type if name in texts else "" for name in columns}
        self._columns = {
            name: (heads[name], kind in _TEXTS, kind in _WITH_TEXTS) for name, kind in kinds.items()
        }

    def marked(self, block: bytes, first: int, end: int, places: Sequence[Place]) -> Marked | None:
        """The row between these places of the block; None where a marker alone will not do."""
        hits = self._matcher.bare_hits(block, places)
        if hits is None:
            return None
        row = block[first:end]
        cells = members(row)
        inside = self._within_texts(
            row, cells, [(hit.start - first, hit.end - first) for hit in hits]
        )
        if inside is None:
            return None
        pieces: list[bytes] = []
        done = first
        altered: dict[str, dict[str, None]] = {}
        for name, hit in zip(inside, hits, strict=True):
            column = hit.secret.column
            altered.setdefault(name, {})[column] = None
            if hit.start >= done:
                pieces += (block[done : hit.start], marker(column))
            done = max(done, hit.end)
        return Marked(b"".join([*pieces, block[done:end]]), self._key_of(row, cells), altered)

    def _within_texts(
        self, row: bytes, cells: Mapping[str, msgspec.Raw], spans: Sequence[tuple[int, int]]
    ) -> list[str] | None:
        """For each span the column in whose text it stands, none beginning within an escape; None where one
        stands anywhere else."""
        found: list[str] = []
        end = 0
        for name, cell in cells.items():
            head, is_text, has_texts = self._columns[name]
            if not row.startswith(head, end + 1):
                return None
            start = end + 1 + len(head)
            end = start + len(bytes(cell))
            while spans[len(found)][0] < end:
                first, last = spans[len(found)]
                if first <= start or last >= end or _is_in_escape(row, first):
                    return None
                if not (is_text or (has_texts and _is_in_value(row, first, last))):
                    return None
                found.append(name)
                if len(found) == len(spans):
                    return found
        return None

    def _key_of(self, row: bytes, cells: Mapping[str, msgspec.Raw]) -> tuple[str, ...]:
        """Of texts at once, of what else it is by whoever knows all types."""
        if not self._has_text_key:
            return self._key(row)
        return tuple([msgspec.json.decode(cells[name], type=str) for name in self._primary_key])


def _is_in_escape(row: bytes, place: int) -> bool:
    return row.startswith(b"\\", place - 1) or b"\\u" in row[max(0, place - 6) : place]


def _is_in_value(row: bytes, first: int, last: int) -> bool:
    """Whether a span without quotation marks is known to stand in a string that is no name of a member."""
    opening, closing = row.rfind(b'"', 0, first), row.find(b'"', last)
    if row.startswith(b"\\", opening - 1) or row.startswith(b"\\", closing - 1):
        return False
    return not _OUTSIDE(row, opening + 1) and _BEHIND_VALUE(row, closing) is not None


def _is_text(column: Column) -> bool:
    """Whether its cells are printed as they are, in quotes."""
    return column.type in ("text", "uuid") or column.type.startswith("character")
