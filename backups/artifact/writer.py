"""Writes an artifact, front to back, never holding more than a block.

The caller keeps the order: ``start``, for each section of the manifest ``begin_section``, any number of
``rows``, ``end_section``; ``begin_files``, any number of ``file``; ``finish``.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from backups.artifact.manifest import Manifest, encode_manifest
from backups.artifact.tail import (
    AlteredCell,
    FileHead,
    FileStatistics,
    Integrity,
    SecretStatistics,
    SectionStatistics,
    Sequence,
    Statistics,
)


class Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


class _Section:
    def __init__(self, key: str) -> None:
        self.key = key
        self.rows = 0
        self.bytes = 0
        self.digest = hashlib.sha256()
        self.held_back = b""


class ArtifactWriter:
    """``bytes_written`` counts the plain document so far."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._digest = hashlib.sha256()
        self._section: _Section | None = None
        self._sections: dict[str, SectionStatistics] = {}
        self._files = 0
        self.bytes_written = 0

    def start(self, manifest: Manifest) -> None:
        # The manifest's closing brace is the document's, and comes last.
        self._write(encode_manifest(manifest)[:-1] + b',\n"data": {')

    def begin_section(self, key: str) -> None:
        separator = b"," if self._sections else b""
        self._section = _Section(key)
        self._write(separator + b"\n" + msgspec.json.encode(key) + b": [")

    def rows(self, block: bytes) -> None:
        """Take whole rows, each a JSON object followed by a line feed, as COPY prints them.

        A raw line feed cannot stand inside JSON, so each one ends a row.
        """
        section = self._section
        assert section is not None  # noqa: S101 - the caller's order, see the module's docstring
        if not block:
            return
        section.digest.update(block)
        section.bytes += len(block)
        section.rows += block.count(b"\n")
        separated = section.held_back + block[:-1].replace(b"\n", b",\n")
        self._write((b"\n" if not section.held_back else b"") + separated)
        section.held_back = b",\n"

    def end_section(self) -> SectionStatistics:
        section = self._section
        assert section is not None  # noqa: S101
        self._write(b"\n]")
        done = SectionStatistics(section.rows, section.bytes, section.digest.hexdigest())
        self._sections[section.key] = done
        self._section = None
        return done

    def begin_files(self) -> None:
        self._write(b'\n},\n"files": {')

    def file(self, head: FileHead, content: Iterable[bytes] = ()) -> None:
        """Add one file. ``content`` is read only where the head says that it is embedded."""
        self._files += 1
        separator = b",\n" if self._files > 1 else b"\n"
        number = msgspec.json.encode(str(self._files))
        encoded = msgspec.json.encode(head)
        if head.state != "embedded":
            self._write(separator + number + b": " + encoded)
            return
        self._write(separator + number + b": " + encoded[:-1] + b',"content":\n"')
        for block in base64_blocks(content):
            self._write(block)
        self._write(b'"}')

    def finish(
        self,
        *,
        sequences: list[Sequence],
        altered: list[AlteredCell],
        files: FileStatistics,
        seal: Callable[[str], Integrity],
        secrets: SecretStatistics | None = None,
    ) -> Statistics:
        """Close the document. ``seal`` turns the digest, in hexadecimal, into the last member."""
        rows = sum(section.rows for section in self._sections.values())
        statistics = Statistics(rows, self._sections, files, secrets)
        encode = msgspec.json.encode
        self._write(b'\n},\n"sequences": ' + encode(sequences))
        self._write(b',\n"altered": ' + encode(altered))
        self._write(b',\n"statistics": ' + encode(statistics) + b",\n")
        integrity = seal(self._digest.hexdigest())
        self._write(b'"integrity": ' + encode(integrity) + b"}\n")
        return statistics

    def _write(self, data: bytes) -> None:
        self._digest.update(data)
        self.bytes_written += len(data)
        self._sink.write(data)


def base64_blocks(content: Iterable[bytes]) -> Iterable[bytes]:
    """Base64 of a stream, in blocks; three bytes make four letters, so a remainder is carried over."""
    rest = b""
    for block in content:
        data = rest + block
        whole = len(data) - len(data) % 3
        rest = data[whole:]
        if whole:
            yield base64.b64encode(data[:whole])
    if rest:
        yield base64.b64encode(rest)
