"""A backup inside a gzip file or a ZIP archive, as mail programs and file managers wrap it.

Exactly one file is taken out, as a stream: what is nested, encrypted, one of many or not whole is refused. Of
an archive no more is held than its list of entries, which is capped; what comes out is counted by who reads.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from backups.errors import ArtifactError
from backups.wording import _

GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
_BLOCK_BYTES = 64 * 1024

# Of an archive's list: entries, and bytes of all that is said of them.
MOST_ENTRIES = 100
MOST_LIST_BYTES = 1 << 20

# APPNOTE.TXT, 4.3: the records of a ZIP archive, in the order of the specification.
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END_64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR_64 = struct.Struct("<4sIQI")
_LONGEST_COMMENT = 0xFFFF
_IN_64 = 0xFFFFFFFF
_STORED, _DEFLATED, _BY_AES = 0, 8, 99
_IS_ENCRYPTED = 0x0041


@dataclass(frozen=True)
class _Entry:
    """One file of an archive. Sizes and places are bytes."""

    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    place: int

    @property
    def is_a_file(self) -> bool:
        """Not a folder, nor what macOS adds of its own."""
        last = self.name.rsplit(b"/", 1)[-1]
        return bool(last) and last != b".DS_Store" and not self.name.startswith(b"__MACOSX/")


def gunzipped(stored: BinaryIO) -> "Unpacked":
    """What a gzip file holds; the stream raises ArtifactError where it is not one whole member."""
    return Unpacked(_Part(stored, None), zlib.decompressobj(wbits=31))


def unzipped(stored: BinaryIO) -> "Unpacked":
    """The one file of a ZIP archive, which must be seekable. Raises ArtifactError."""
    entry = _only_entry(stored)
    stored.seek(entry.place)
    head = stored.read(_LOCAL.size)
    if len(head) < _LOCAL.size or not head.startswith(ZIP):
        raise _damaged()
    *_rest, name_bytes, more_bytes = _LOCAL.unpack(head)
    stored.seek(name_bytes + more_bytes, io.SEEK_CUR)
    unpacker = zlib.decompressobj(wbits=-15) if entry.method == _DEFLATED else None
    return Unpacked(_Part(stored, entry.packed), unpacker, size=entry.size, crc=entry.crc)


def start_of_first(stored: BinaryIO) -> bytes | None:
    """The first bytes of the file that a ZIP archive begins with, of which a part may be here; None where
    they cannot be told: it is a folder, encrypted, or packed in another way."""
    stored.seek(0)
    head = stored.read(_LOCAL.size)
    if len(head) < _LOCAL.size:
        return None
    _mark, _needs, flags, method, *_rest, name_bytes, more_bytes = _LOCAL.unpack(head)
    stored.seek(_LOCAL.size + name_bytes + more_bytes)
    packed = stored.read(_BLOCK_BYTES)
    if flags & _IS_ENCRYPTED or not packed or method not in (_STORED, _DEFLATED):
        return None
    if method == _STORED:
        return packed[:64]
    try:
        return zlib.decompressobj(wbits=-15).decompress(packed, 64)
    except zlib.error:
        raise _damaged() from None


class _Part:
    """The next ``left`` bytes of a file, or all that follow."""

    def __init__(self, stored: BinaryIO, left: int | None) -> None:
        self._stored = stored
        self._left = left

    def read(self, size: int) -> bytes:
        if self._left is None:
            return self._stored.read(size)
        data = self._stored.read(min(size, self._left))
        self._left -= len(data)
        return data


class Unpacked:
    """A stream of what is inside. At its end it has been compared with what the archive says of it."""

    def __init__(
        self,
        part: _Part,
        unpacker: "zlib._Decompress | None",
        *,
        size: int | None = None,
        crc: int = 0,
    ) -> None:
        self._part = part
        self._unpacker = unpacker
        self._waiting = b""
        self._size, self._crc = size, crc
        self._seen, self._sum = 0, 0

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes, empty at the end. Raises ArtifactError."""
        data = self._unpacked(size if size >= 0 else _BLOCK_BYTES)
        self._seen += len(data)
        if self._size is not None:
            self._sum = zlib.crc32(data, self._sum)
            if not data and size and (self._seen, self._sum) != (self._size, self._crc):
                raise _damaged()
        return data

    def _unpacked(self, size: int) -> bytes:
        if self._unpacker is None or not size:
            return self._part.read(size)
        data = b""
        while not data and not self._unpacker.eof:
            packed = self._waiting or self._part.read(_BLOCK_BYTES)
            if not packed:
                raise truncated()
            try:
                data = self._unpacker.decompress(packed, size)
            except zlib.error:
                raise _damaged() from None
            self._waiting = self._unpacker.unconsumed_tail
        if not data:
            self._require_end(self._unpacker)
        return data

    def _require_end(self, unpacker: "zlib._Decompress") -> None:
        behind = unpacker.unused_data or self._part.read(len(GZIP))
        if behind.startswith(GZIP):
            raise many()
        if behind:
            raise _damaged()


def _only_entry(stored: BinaryIO) -> _Entry:
    entries = [entry for entry in _entries(stored) if entry.is_a_file]
    if len(entries) != 1:
        raise many()
    entry = entries[0]
    if entry.flags & _IS_ENCRYPTED or entry.method == _BY_AES:
        raise ArtifactError(
            "artifact.encrypted",
            _("The ZIP archive is encrypted."),
            hint=_("Unpack it with its password first, then choose the file that was in it."),
        )
    if entry.method not in (_STORED, _DEFLATED):
        raise ArtifactError(
            "artifact.archive",
            _("The ZIP archive is packed in a way that is not read here."),
            hint=_("Unpack it first, then choose the file that was in it."),
        )
    return entry


def _entries(stored: BinaryIO) -> list[_Entry]:
    """What the list at the end of an archive says of it. Raises ArtifactError."""
    count, list_bytes, place = _end_of_list(stored)
    if count > MOST_ENTRIES or list_bytes > MOST_LIST_BYTES:
        raise many()
    stored.seek(place)
    listed = stored.read(list_bytes)
    found, at = [], 0
    try:
        for _number in range(count):
            entry, at = _entry(listed, at)
            if entry.place + entry.packed > place:
                raise _damaged()
            found.append(entry)
    except struct.error:
        raise _damaged() from None
    return found


def _end_of_list(stored: BinaryIO) -> tuple[int, int, int]:
    """How many entries, how long their list is, and where it begins."""
    size = stored.seek(0, io.SEEK_END)
    start = max(0, size - _END.size - _LONGEST_COMMENT)
    stored.seek(start)
    tail = stored.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise truncated()
    _mark, _disk, _first, _here, count, list_bytes, place, comment = _END.unpack_from(tail, at)
    if at + _END.size + comment != len(tail):
        raise _damaged()
    if count == 0xFFFF or _IN_64 in (list_bytes, place):
        count, list_bytes, place = _end_of_list_64(stored, start + at - _LOCATOR_64.size)
    if place + list_bytes > start + at:
        raise _damaged()
    return count, list_bytes, place


def _end_of_list_64(stored: BinaryIO, locator: int) -> tuple[int, int, int]:
    try:
        stored.seek(max(0, locator))
        mark, _disk, place, _disks = _LOCATOR_64.unpack(stored.read(_LOCATOR_64.size))
        stored.seek(place)
        found = _END_64.unpack(stored.read(_END_64.size))
    except (struct.error, OSError, OverflowError):
        raise _damaged() from None
    if mark != b"PK\x06\x07" or found[0] != b"PK\x06\x06":
        raise _damaged()
    return found[7], found[8], found[9]


def _entry(listed: bytes, at: int) -> tuple[_Entry, int]:
    """The entry whose record begins at ``at``, and where the next one begins. Raises struct.error."""
    values = _CENTRAL.unpack_from(listed, at)
    mark, _by, _needs, flags, method, _time, _day, crc, packed, size = values[:10]
    name_bytes, more_bytes, comment_bytes = values[10:13]
    place = values[16]
    if mark != b"PK\x01\x02":
        raise _damaged()
    at += _CENTRAL.size
    name, at = listed[at : at + name_bytes], at + name_bytes
    wide = _wide(listed[at : at + more_bytes])
    size, packed, place = (next(wide) if v == _IN_64 else v for v in (size, packed, place))
    entry = _Entry(name, flags, method, crc, packed, size, place)
    return entry, at + more_bytes + comment_bytes


def _wide(more: bytes) -> Iterator[int]:
    """The numbers of an entry that need 64 bits, in their order: APPNOTE.TXT, 4.5.3."""
    at = 0
    while at + 4 <= len(more):
        kind, length = struct.unpack_from("<2H", more, at)
        if kind == 1:
            yield from (
                n for (n,) in struct.iter_unpack("<Q", more[at + 4 : at + 4 + length // 8 * 8])
            )
        at += 4 + length
    raise _damaged()


def truncated() -> ArtifactError:
    return ArtifactError(
        "artifact.truncated",
        _("The archive ends too early: a part of it is missing."),
        hint=_("Download or copy it again and compare the sizes."),
    )


def many() -> ArtifactError:
    return ArtifactError(
        "artifact.archive",
        _("The archive does not hold exactly one file."),
        hint=_("Unpack it first, then choose the file of the backup."),
    )


def nested() -> ArtifactError:
    return ArtifactError(
        "artifact.archive",
        _("The archive holds another archive."),
        hint=_("Unpack both first, then choose the file of the backup."),
    )


def _damaged() -> ArtifactError:
    return ArtifactError(
        "artifact.damaged", _("The archive is damaged."), hint=_("Use another copy of the file.")
    )
