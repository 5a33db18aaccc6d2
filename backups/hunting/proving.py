"""A finished section searched once more, line by line as it stands, for what should not be in it.

The marker works on cells and decodes them; this works on the characters of the file, so that one does not
believe what the other does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from backups.artifact.manifest import SectionHead
from backups.artifact.rows import RowCodec
from backups.hunting.marking import Holds, has_bytes, members, raw_bytes
from backups.hunting.matcher import Matcher

# Cells that are left as they are, see ``marking``.
LEFT = (Holds.KEY, Holds.VALUE, Holds.REQUIRED_VALUE)


@dataclass(frozen=True)
class Leak:
    """A secret of ``secret`` stands in ``column`` of the row with this key. Its value is not told."""

    section: str
    column: str
    key: tuple[str, ...]
    secret: str


class SectionProof:
    """``holds`` says of each of the section's columns what it holds."""

    def __init__(self, head: SectionHead, holds: Mapping[str, Holds], matcher: Matcher) -> None:
        self._head = head
        self._holds = holds
        self._matcher = matcher
        self._has_bytes = has_bytes(head, holds)
        self._key = RowCodec(head).key

    def leaks(self, block: bytes) -> Iterator[Leak]:
        """What stands in these whole rows, each with its line feed."""
        plain = self._matcher.looks(block).secret
        if not plain and not self._has_bytes:
            return
        for row in block[:-1].split(b"\n"):
            if plain:
                yield from self._in_row(row)
            if self._has_bytes:
                yield from self._in_bytes(row)

    def _in_bytes(self, row: bytes) -> Iterator[Leak]:
        for name, raw in members(row).items():
            if self._holds.get(name) is Holds.BYTES:
                for hit in self._matcher.hits(raw_bytes(bytes(raw)))[:1]:
                    yield Leak(self._head.key, name, self._key(row), hit.secret.column)

    def _in_row(self, row: bytes) -> Iterator[Leak]:
        hits = self._matcher.hits(row)
        if not hits:
            return
        told = set()
        for name, start, end in _places(row):
            if self._holds.get(name, Holds.TEXT) in LEFT:
                continue
            for hit in hits:
                if start <= hit.start and hit.end <= end and (name, hit.secret.column) not in told:
                    told.add((name, hit.secret.column))
                    yield Leak(self._head.key, name, self._key(row), hit.secret.column)


def _places(row: bytes) -> Iterator[tuple[str, int, int]]:
    """Where each cell stands in its row."""
    place = 1
    for name, raw in members(row).items():
        cell = bytes(raw)
        # A name has no cell's characters before it: behind it stand a colon and the cell.
        place = row.index(b":" + cell, place + len(name.encode())) + 1
        yield name, place, place + len(cell)
        place += len(cell) + 1
