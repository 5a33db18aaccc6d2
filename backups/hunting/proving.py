"""A finished file searched once more for what should not be in it: each section line by line as it stands,
and what the document says around its rows.

The marker works on cells and decodes them; this works on the characters of the file, so that one does not
believe what the other does.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from backups.artifact.manifest import Manifest, SectionHead
from backups.artifact.reader import Tail
from backups.artifact.rows import RowCodec
from backups.artifact.tail import FileHead
from backups.hunting.cells import members
from backups.hunting.marking import Holds, has_bytes, raw_bytes
from backups.hunting.matcher import Matcher

# Cells that are left as they are, see ``marking``.
LEFT = (Holds.KEY, Holds.VALUE, Holds.REQUIRED_VALUE)


@dataclass(frozen=True)
class Leak:
    """A secret of ``secret`` stands in ``column`` of the row with this key. Its value is not told. Outside of
    all rows ``section`` is empty, and ``column`` names the part of the document."""

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
        plain = self._matcher.may_hide(block, in_rows=True)
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


# A part of the document, and a text in it.
Said = tuple[str, str]


def said_in_head(manifest: Manifest) -> Iterator[Said]:
    """The texts of a manifest. Those that are computed (digests, the installation's number) hold nothing that
    anybody wrote."""
    given = manifest.application
    texts = [manifest.created_at, manifest.created_by.name, manifest.created_by.email]
    texts += [given.name, given.django, given.postgresql, *manifest.left_out]
    for app, migration in manifest.schema.migrations.items():
        texts += [app, migration]
    for head in manifest.sections:
        texts += [head.key, head.table, *head.primary_key, *head.redacted, *head.generated]
        for column in head.columns:
            texts += [column.name, column.type]
    yield from (("manifest", text) for text in texts)


def said_of_file(head: FileHead) -> Iterator[Said]:
    """The texts of a file's entry. Keys of rows are left where they stand, see ``marking``."""
    texts = [head.name, head.media_type]
    texts += [head.reason.code, head.reason.message] if head.reason else []
    for locator in head.locators:
        texts += [locator.value, locator.storage]
        for use in locator.uses:
            texts += [use.section, use.column]
    yield from (("files", text) for text in texts)


def said_in_tail(tail: Tail) -> Iterator[Said]:
    """The texts behind the files, but for keys of rows and digests."""
    for sequence in tail.sequences:
        yield from (("sequences", text) for text in (sequence.name, sequence.section))
    for cell in tail.altered:
        yield from (("altered", text) for text in (cell.section, cell.column))
    secrets = tail.statistics.secrets
    names = [*tail.statistics.sections]
    if secrets:
        names += [*secrets.found, *secrets.left, *secrets.credentials]
    yield from (("statistics", name) for name in names)


def leaks_around(said: Iterable[Said], matcher: Matcher, known: Collection[str]) -> Iterator[Leak]:
    """What stands outside of the rows. ``known``: names of the schema, which are words and no secrets; a name
    of a column may stand behind its section's."""
    for part, text in dict.fromkeys(said):
        if text in known or all(name in known for name in text.split(".")):
            continue
        for hit in matcher.hits(text.encode())[:1]:
            yield Leak("", part, (), hit.secret.column)
