"""Bytes in, lines of an artifact out, within bounded memory; and what is said where they are not as they were
written."""

import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from backups.artifact.behind import Behind, Digest, Source
from backups.errors import ArtifactError
from backups.wording import _

# Blocks that stay in a processor's own cache between one pass over them and the next.
READ_BYTES = 128 * 1024
# How each row ends that another follows; the line that ends a section does not.
_ENDING = itemgetter(slice(-2, None))
_ENDINGS_OF_ROWS = {b"},"}


@dataclass(frozen=True)
class Hashing:
    """Who computes the digest of the document, and those of sections and files, behind the reader. None: it
    does so itself, when it comes to it."""

    document: Behind[Any] | None = None
    parts: Behind[Any] | None = None


def damaged() -> ArtifactError:
    return ArtifactError(
        "artifact.damaged",
        _("The file is damaged: its content is not what was written."),
        hint=_("Use another copy of the file."),
    )


def truncated() -> ArtifactError:
    return ArtifactError(
        "artifact.truncated",
        _("The file ends too early: a part of it is missing."),
        hint=_("Download or copy it again and compare the sizes."),
    )


def _too_long() -> ArtifactError:
    return ArtifactError(
        "artifact.line_too_long",
        _("A row of the file is longer than this server accepts."),
        hint=_("Raise BACKUPS_ROW_LIMIT_BYTES if the file is yours."),
    )


class Lines:
    """Bytes in, lines and blocks of lines out; all that passes is counted into the digest."""

    def __init__(self, stream: Source, line_limit: int, hashing: Hashing) -> None:
        self._stream = stream
        self._line_limit = line_limit
        self._hashing = hashing
        self._buffer = b""
        self.start = b""
        self.digest = Digest(hashing.document)
        self.document_bytes = 0

    def part_digest(self) -> Digest:
        """For a section or a file."""
        return Digest(self._hashing.parts)

    def line(self, *, counted: bool = True, most: int | None = None) -> bytes:
        """The next line without its line feed. ``most``: bytes, where fewer than the limit will do."""
        end = self._find_line_end(most)
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        if counted:
            self.digest.update(line + b"\n")
        return line

    def peek_line(self) -> bytes:
        # First find, then slice: finding fills the buffer up, and makes it another object.
        end = self._find_line_end()
        return self._buffer[:end]

    def row_block(self) -> "Rows | None":
        """Whole rows; None where the section's closing bracket stands next.

        Each pass over the bytes counts, so a block of nothing but rows that another follows is told by what
        taking the commas out needs anyway.
        """
        block = self._whole_lines()
        if block.startswith(b"]"):
            return None
        lines = block[:-1].split(b"\n")
        if {*map(_ENDING, lines)} == _ENDINGS_OF_ROWS:
            together = b"\n".join([line[:-1] for line in lines]) + b"\n"
            rows = Rows(together, len(lines), is_last=False)
        else:
            block = _before_the_end(block)
            rows = _without_commas(block)
        self._take(block)
        return rows

    def pass_rows(self) -> bool:
        """Take a block of rows without a look at them; False where the closing bracket stands next."""
        block = self._whole_lines()
        if block.startswith(b"]"):
            return False
        self._take(_before_the_end(block))
        return True

    def _whole_lines(self) -> bytes:
        """What stands next of them in the buffer, one at least."""
        self._find_line_end()
        return self._buffer[: self._buffer.rfind(b"\n") + 1]

    def _take(self, block: bytes) -> None:
        self._buffer = self._buffer[len(block) :]
        self._require_short_lines(block)
        self.digest.update(block)

    def line_in_pieces(self) -> Iterator[bytes]:
        """The next line, however long, without its line feed."""
        while True:
            end = self._buffer.find(b"\n")
            if end >= 0:
                piece, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
                self.digest.update(piece + b"\n")
                yield piece
                return
            piece, self._buffer = self._buffer, b""
            self.digest.update(piece)
            if piece:
                yield piece
            self._fill()

    @property
    def place(self) -> int:
        """Bytes of the document that were taken so far."""
        return self.document_bytes - len(self._buffer)

    def skip_to(self, place: int) -> None:
        """Take what stands before ``place`` without a look at it; the digest counts it."""
        while (left := place - self.place) > 0:
            if not self._buffer:
                self._fill()
            passed, self._buffer = self._buffer[:left], self._buffer[left:]
            self.digest.update(passed)

    def rest(self) -> bytes:
        return self._buffer + self._read()

    def _find_line_end(self, most: int | None = None) -> int:
        limit = min(self._line_limit, most or self._line_limit)
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > limit:
                raise _too_long()
            # As much again each time: adding small pieces to a long line would copy it over and over.
            # But not much beyond what may be taken.
            self._fill(max(READ_BYTES, min(searched, limit + 1 - searched)))
        if end > limit:
            raise _too_long()
        return end

    def _require_short_lines(self, block: bytes) -> None:
        """The line that stands first was looked at; those behind it only matter in a block that is large."""
        start = 0
        while len(block) - start > self._line_limit:
            end = block.index(b"\n", start)
            if end - start > self._line_limit:
                raise _too_long()
            start = end + 1

    def _fill(self, size: int = READ_BYTES) -> None:
        """Add at least so much, where there is as much. A stream may give less at a time than is asked of it,
        and each addition copies what is there."""
        pieces = [self._read(size)]
        if not pieces[0]:
            raise truncated()
        missing = size - len(pieces[0])
        while missing > 0 and (data := self._read(missing)):
            pieces.append(data)
            missing -= len(data)
        self._buffer = b"".join((self._buffer, *pieces))

    def _read(self, size: int = READ_BYTES) -> bytes:
        data = self._stream.read(size)
        self.start = self.start or data
        self.document_bytes += len(data)
        return data


class Rows(NamedTuple):
    """Lines without commas; ``is_last``: the last of them had none."""

    lines: bytes
    number: int
    is_last: bool


def _before_the_end(block: bytes) -> bytes:
    """The lines before the one that ends a section, where it is among them."""
    end = block.find(b"\n]")
    return block[: end + 1] if end >= 0 else block


def _without_commas(block: bytes) -> Rows:
    """Raises ArtifactError where a line before the last has none."""
    is_last = not block.endswith(b",\n")
    lines, count = block.replace(b",\n", b"\n"), block.count(b"\n")
    if count != len(block) - len(lines) + is_last:
        raise damaged()
    return Rows(lines, count, is_last)


def unbase64(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The bytes of a base64 string that stands in quotation marks before ``}`` or ``},``."""
    # Up to four letters and the closing characters are held back until the end is known.
    rest, opened, padded = b"", False, False
    for piece in pieces:
        rest += piece
        if not opened and rest:
            if not rest.startswith(b'"'):
                raise damaged()
            rest, opened = rest[1:], True
        whole = max(0, len(rest) - 3) // 4 * 4
        if padded and whole:
            raise damaged()
        padded = padded or b"=" in rest[:whole]
        yield _strict(rest[:whole])
        rest = rest[whole:]
    last = rest.removesuffix(b",")
    if not last.endswith(b'"}') or (padded and last != b'"}'):
        raise damaged()
    yield _strict(last[:-2])


def _strict(data: bytes) -> bytes:
    """RFC 4648, section 4: with padding, and no bit beyond the content."""
    try:
        content = binascii.a2b_base64(data, strict_mode=True) if data else b""
    except binascii.Error:
        raise damaged() from None
    if (
        data.endswith(b"=")
        and binascii.b2a_base64(content[-(len(content) % 3) :], newline=False) != data[-4:]
    ):
        raise damaged()
    return content
