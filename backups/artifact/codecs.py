"""The wrapping of a document: zstandard, and what else a file may turn out to be."""

import io
from collections.abc import Callable
from typing import BinaryIO

import zstandard

from backups.artifact import age, age_beginnings, age_keys, archives, passphrase
from backups.artifact.behind import Source
from backups.artifact.manifest import not_a_backup
from backups.artifact.writer import Sink
from backups.errors import ArtifactError
from backups.wording import _

# Level 3 compresses faster than the database prints; higher levels were slower than the reading.
LEVEL = 3
READ_BYTES = 256 * 1024

_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_RUN_LENGTH = 1
_FOREIGN = {
    b"PGDMP": ("artifact.format", _("The file is a dump of pg_dump, not a backup of this system.")),
}
_FOREIGN_HINTS = {
    "artifact.format": _(
        "Choose a file that was downloaded from the Safe or Complete Backup button."
    ),
}


# What opens an encrypted file: its content, as a stream.
Unlock = Callable[[Source], age.Decrypting | passphrase.Decrypting]


def compress_to(sink: Sink) -> zstandard.ZstdCompressionWriter:
    """A writer whose ``close`` ends the frame and leaves ``sink`` open. Frames carry a checksum."""
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    return compressor.stream_writer(sink, closefd=False)  # type: ignore[arg-type]


class Limited(io.RawIOBase):
    """A reader that stops a decompression bomb: it counts what comes out while it streams. Closing it leaves
    ``source`` open, and ends by ``ends`` what goes on behind it."""

    def __init__(
        self, source: BinaryIO, limit_bytes: int, ends: Callable[[], None] | None = None
    ) -> None:
        self._source = source
        self._left = limit_bytes
        self._ends = ends

    def close(self) -> None:
        super().close()
        if self._ends:
            self._ends()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise ArtifactError(
                "artifact.too_large",
                _("The document is larger than this server accepts."),
                hint=_("Raise BACKUPS_DOCUMENT_LIMIT_BYTES if the file is yours."),
            )
        return data


def open_document(stored: BinaryIO, *, limit_bytes: int, unlock: Unlock | None = None) -> "Limited":
    """The plain document inside ``stored``, which must be seekable.

    It may be a zstandard frame, and either may be the only file of a gzip file or a ZIP archive; any of
    these may be encrypted, which ``unlock`` opens.

    Raises ArtifactError when it is none of these; ``key.needed`` where nothing unlocks it.
    """
    start = stored.read(64)
    stored.seek(0)
    if age_beginnings.is_encrypted(start):
        return _decrypted(stored, limit_bytes, unlock)
    if start.startswith(archives.GZIP):
        return _inside(archives.gunzipped(stored), limit_bytes, unlock)
    if start.startswith(archives.ZIP):
        return _inside(archives.unzipped(stored), limit_bytes, unlock)
    if start.startswith(_ZSTANDARD):
        return Limited(_Undamaged(_decompressed(stored), stored), limit_bytes)  # type: ignore[arg-type]
    _require_json(start)
    return Limited(stored, limit_bytes)


def _decrypted(stored: Source, limit_bytes: int, unlock: Unlock | None) -> Limited:
    if unlock is None:
        raise age_keys.needed()
    plain = unlock(stored)
    try:
        return _inside(plain, limit_bytes, None, ends=plain.close)
    except BaseException:
        plain.close()
        raise


def _inside(
    stream: Source,
    limit_bytes: int,
    unlock: Unlock | None,
    ends: Callable[[], None] | None = None,
) -> Limited:
    """The document in a stream that cannot be read twice: an archive's one file, or what was encrypted.
    What the stream gives out is counted as well."""
    begun = _Begun(Limited(stream, limit_bytes))  # type: ignore[arg-type]
    if begun.start.startswith((archives.GZIP, archives.ZIP)):
        raise archives.nested()
    if age_beginnings.is_encrypted(begun.start):
        return _decrypted(begun, limit_bytes, unlock)
    if begun.start.startswith(_ZSTANDARD):
        plain = _decompressed(begun)  # type: ignore[arg-type]
        return Limited(_Undamaged(plain, None), limit_bytes, ends)  # type: ignore[arg-type]
    _require_json(begun.start)
    return Limited(begun, limit_bytes, ends)  # type: ignore[arg-type]


def _decompressed(stored: BinaryIO) -> BinaryIO:
    decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    return decompressor.stream_reader(stored, read_size=READ_BYTES, read_across_frames=True)


class _Begun:
    """A stream whose first bytes, ``start``, were looked at and are read once more."""

    def __init__(self, source: Limited) -> None:
        self._source = source
        self.start = b""
        while len(self.start) < 64 and (data := source.read(64 - len(self.start))):
            self.start += data
        self._left = self.start

    def read(self, size: int = -1) -> bytes:
        if not self._left:
            return self._source.read(size)
        data = self._left if size < 0 else self._left[:size]
        self._left = self._left[len(data) :]
        # Together with what follows: who looks at the first block sees more than was looked at here.
        return data if self._left or size < 0 else data + self._source.read(size - len(data))


def require_document(start: bytes) -> None:
    """Raises ArtifactError where what begins so is neither JSON, nor a zstandard frame, nor encrypted."""
    if not start.startswith(_ZSTANDARD) and not age_beginnings.is_encrypted(start):
        _require_json(start)


def _require_json(start: bytes) -> None:
    """Raises ArtifactError where no JSON object begins so, saying what it is instead."""
    for magic, (code, sentence) in _FOREIGN.items():
        if start.startswith(magic):
            raise ArtifactError(code, sentence, hint=_FOREIGN_HINTS[code])
    if not start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        raise not_a_backup()


class _Undamaged:
    """Turns the decompressor's complaint into the reader's own word for damage; what stands behind the
    frame is damage too."""

    def __init__(self, source: BinaryIO, stored: BinaryIO | None) -> None:
        self._source = source
        # None in an archive, which has sums of its own.
        self._stored = stored

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._source.read(size)
        except zstandard.ZstdError as error:
            raise _damaged() from error
        if not data and size and self._stored and not _is_one_frame(self._stored):
            raise _damaged()
        return data


def _damaged() -> ArtifactError:
    return ArtifactError(
        "artifact.damaged",
        _("The compressed file is damaged."),
        hint=_("Use another copy of the file."),
    )


def _is_one_frame(stored: BinaryIO) -> bool:
    """Whether nothing stands behind the frame: RFC 8878, section 3.1.1. Only block headers are read."""
    place = stored.tell()
    end = stored.seek(0, io.SEEK_END)
    try:
        stored.seek(0)
        at = zstandard.frame_header_size(stored.read(18))
        stored.seek(4)
        checksum = 4 if stored.read(1)[0] & 4 else 0
        last = False
        while not last:
            stored.seek(at)
            header = int.from_bytes(stored.read(3), "little")
            last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
            at += 3 + (1 if kind == _RUN_LENGTH else size)
            if at > end:
                return True  # cut off, which whoever misses the document's end will say
        return at + checksum == end
    except (zstandard.ZstdError, IndexError):
        return False
    finally:
        stored.seek(place)
