"""Documents to read: written by the writer, and bent by hand where a test needs them wrong."""

import io
import re
from collections.abc import Callable, Iterable
from hashlib import sha256

from backups.artifact.codecs import Limited
from backups.artifact.digest import key_id, sign
from backups.artifact.manifest import (
    FORMAT,
    Application,
    Column,
    Manifest,
    Person,
    Schema,
    SectionHead,
)
from backups.artifact.reader import ArtifactReader, Tail
from backups.artifact.tail import (
    AlteredCell,
    FileHead,
    FileStatistics,
    Integrity,
    Locator,
    Sequence,
    Use,
)
from backups.artifact.writer import ArtifactWriter

KEY = bytes(range(32))
MEBIBYTE = 1024 * 1024

File = tuple[FileHead, bytes]
Rows = dict[str, list[bytes]]


def head(key: str, *columns: Column, primary_key: tuple[str, ...] = ("id",)) -> SectionHead:
    """A section of text columns unless said otherwise; the first is ``id``."""
    return SectionHead(
        key, f"app_{key.lower()}", primary_key, columns or (text("id"), text("name"))
    )


def text(name: str) -> Column:
    return Column(name, "text", "native")


def manifest(*sections: SectionHead) -> Manifest:
    return Manifest(
        format=FORMAT,
        type="complete",
        created_at="2026-01-02T03:04:05+00:00",
        created_by=Person("Noa", "noa@studio.example"),
        installation=key_id(KEY),
        application=Application("tests", "5.2", "18.6"),
        schema=Schema("0" * 64, {"studio": "0001_initial"}),
        sections=sections,
    )


def seal(digest: str) -> Integrity:
    return Integrity("sha256", digest, key_id(KEY), sign(KEY, digest))


def embedded(content: bytes, *values: str) -> File:
    locators = [Locator(value, "default", [Use("people", "image", ["1"])]) for value in values]
    head = FileHead(
        "embedded", "a.png", "image/png", locators, len(content), sha256(content).hexdigest()
    )
    return head, content


def document(
    rows: Rows,
    *,
    heads: Iterable[SectionHead] | None = None,
    files: Iterable[File] = (),
    sequences: Iterable[Sequence] = (),
    altered: Iterable[AlteredCell] = (),
    block: Callable[[list[bytes]], Iterable[bytes]] = lambda lines: lines,
) -> bytes:
    """The document with these rows, given as JSON objects without a line feed.

    ``block`` gathers a section's lines into the blocks that the writer is handed.
    """
    sink = io.BytesIO()
    writer = ArtifactWriter(sink)
    writer.start(manifest(*(heads or [head(key) for key in rows])))
    for key, lines in rows.items():
        writer.begin_section(key)
        for piece in block([line + b"\n" for line in lines]):
            writer.rows(piece)
        writer.end_section()
    writer.begin_files()
    states = {"embedded": 0, "skipped": 0, "gap": 0}
    locators = size = 0
    for file, content in files:
        writer.file(file, [content[:7], content[7:]])
        states[file.state] += 1
        locators += len(file.locators)
        size += file.size_bytes or 0
    writer.finish(
        sequences=list(sequences),
        altered=list(altered),
        files=FileStatistics(
            locators, states["embedded"], size, skipped=states["skipped"], gaps=states["gap"]
        ),
        seal=seal,
    )
    assert writer.bytes_written == len(sink.getvalue())
    return sink.getvalue()


class Trickle(io.RawIOBase):
    """A stream that hands out so many bytes a read, as a slow network does; the last number stays."""

    def __init__(self, data: bytes, *sizes: int) -> None:
        self._data = io.BytesIO(data)
        self._sizes = [*sizes]

    def read(self, size: int = -1) -> bytes:
        most = self._sizes.pop(0) if len(self._sizes) > 1 else self._sizes[0]
        return self._data.read(most if size < 0 else min(size, most))


def opened(
    data: bytes, *sizes: int, line_limit: int = MEBIBYTE, limit: int = 1 << 40
) -> ArtifactReader:
    """A reader on ``data``, which arrives in reads of ``sizes`` bytes."""
    stream = Limited(Trickle(data, *(sizes or [MEBIBYTE])), limit)  # type: ignore[arg-type]
    return ArtifactReader(stream, line_limit_bytes=line_limit)


def read(data: bytes, *sizes: int, line_limit: int = MEBIBYTE) -> tuple[Rows, list[bytes], Tail]:
    """Everything that a reader yields: rows by section, content by file, the tail."""
    reader = opened(data, *sizes, line_limit=line_limit)
    rows = {section.head.key: list(section.rows()) for section in reader.sections()}
    files = [b"".join(file.content()) for file in reader.files()]
    return rows, files, reader.tail()


def resealed(data: bytes) -> bytes:
    """``data`` with the digest that its bytes have now, as a forger would make it: a test then meets
    the rule that it is about, and not the digest."""
    start = data.rindex(b'"integrity": ')
    digest = sha256(data[:start]).hexdigest().encode()
    return data[:start] + re.sub(
        rb'"digest":"[0-9a-f]{64}"', b'"digest":"%s"' % digest, data[start:]
    )
