"""One backup in a ZIP archive or a gzip file is read; anything else in one is refused by name."""

import gzip
import io
import struct
import zipfile

import pytest
import zstandard

from backups.artifact import archives, codecs
from backups.errors import ArtifactError

PLAIN = b'{"format":"backupsvc/1"}\n' + b" " * 300_000 + b"\n"
LIMIT = 10_000_000


def zipped(*names: str, content: bytes = PLAIN, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name in names or ("backup.json",):
            archive.writestr(name, content)
    return out.getvalue()


def plain_of(stored: bytes, limit: int = LIMIT) -> bytes:
    document = codecs.open_document(io.BytesIO(stored), limit_bytes=limit)
    return b"".join(iter(lambda: document.read(4096), b""))


def code_of(stored: bytes, limit: int = LIMIT) -> str:
    with pytest.raises(ArtifactError) as refused:
        plain_of(stored, limit)
    assert refused.value.hint
    return refused.value.code


@pytest.mark.parametrize(
    "stored",
    [
        zipped(),
        zipped(method=zipfile.ZIP_STORED),
        zipped(content=zstandard.compress(PLAIN)),
        zipped("__MACOSX/._backup.json", "folder/", "folder/backup.json", "folder/.DS_Store"),
        gzip.compress(PLAIN),
        gzip.compress(zstandard.compress(PLAIN)),
    ],
    ids=["zip", "stored", "zst in zip", "of a Mac", "gzip", "zst in gzip"],
)
def test_the_one_file_comes_out_whole(stored):
    assert plain_of(stored) == PLAIN


def test_an_archive_that_a_stream_wrote_is_read_too():
    class Pipe(io.RawIOBase):
        def __init__(self):
            self.written = bytearray()

        def writable(self):
            return True

        def write(self, data):
            self.written += data
            return len(data)

    pipe = Pipe()
    with (
        zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive,  # type: ignore[call-overload]
        archive.open("backup.json", "w", force_zip64=True) as out,
    ):
        out.write(PLAIN)
    assert plain_of(bytes(pipe.written)) == PLAIN


def flagged(stored: bytes, flag: int = 0, method: int | None = None) -> bytes:
    """The archive with another flag or method in its list."""
    at = stored.rindex(b"PK\x01\x02")
    flags, was = struct.unpack_from("<2H", stored, at + 8)
    changed = struct.pack("<2H", flags | flag, was if method is None else method)
    return stored[: at + 8] + changed + stored[at + 12 :]


def with_count(stored: bytes, count: int) -> bytes:
    at = stored.rindex(b"PK\x05\x06")
    return stored[: at + 8] + struct.pack("<2H", count, count) + stored[at + 12 :]


WHOLE = zipped()
MIDDLE = len(zipped(method=zipfile.ZIP_STORED)) // 2


@pytest.mark.parametrize(
    ("stored", "code"),
    [
        (zipped("a.json", "b.json"), "artifact.archive"),
        (zipped("folder/", "__MACOSX/._a"), "artifact.archive"),
        (zipped(*(f"{n}/" for n in range(200))), "artifact.archive"),
        (zipped(content=WHOLE), "artifact.archive"),
        (zipped(content=gzip.compress(PLAIN)), "artifact.archive"),
        (gzip.compress(WHOLE), "artifact.archive"),
        (gzip.compress(PLAIN) * 2, "artifact.archive"),
        (zipped(method=zipfile.ZIP_LZMA), "artifact.archive"),
        (flagged(WHOLE, flag=1), "artifact.encrypted"),
        (flagged(WHOLE, method=99), "artifact.encrypted"),
        (zipped(content=b"\xff\xd8" * 90), "artifact.format"),
        (zipped(content=b""), "artifact.format"),
        (gzip.compress(b"\x00" * 90), "artifact.format"),
        (gzip.compress(b"age-encryption.org/v1"), "key.needed"),
        (WHOLE[:-1], "artifact.truncated"),
        (WHOLE[:90], "artifact.truncated"),
        (gzip.compress(PLAIN)[:-9], "artifact.truncated"),
        (gzip.compress(PLAIN) + b"more", "artifact.damaged"),
        (gzip.compress(PLAIN)[:-8] + bytes(8), "artifact.damaged"),
        (WHOLE.replace(b"PK\x01\x02", b"PK\x01\x03"), "artifact.damaged"),
        (with_count(WHOLE, 2), "artifact.damaged"),
        (with_count(WHOLE, 0xFFFF), "artifact.damaged"),
        (WHOLE + b"more", "artifact.damaged"),
    ],
    ids=range(23),
)
def test_anything_else_is_refused_by_name(stored, code):
    assert code_of(stored) == code


def test_a_changed_byte_is_found():
    stored = bytearray(zipped(method=zipfile.ZIP_STORED))
    stored[MIDDLE] ^= 1
    assert code_of(bytes(stored)) == "artifact.damaged"


@pytest.mark.parametrize("wrap", [lambda data: zipped(content=data), gzip.compress])
def test_a_bomb_is_stopped_at_the_limit(wrap, monkeypatch):
    bomb = wrap(b"{" + b" " * 5_000_000)
    assert len(bomb) < 20_000
    assert code_of(bomb, limit=1_000_000) == "artifact.too_large"
    monkeypatch.setattr(codecs, "Limited", lambda source, *_: source)
    assert len(plain_of(bomb, limit=1_000_000)) == 5_000_001


def test_the_list_is_not_read_where_it_is_too_long(monkeypatch):
    monkeypatch.setattr(archives, "MOST_LIST_BYTES", 10)
    assert code_of(WHOLE) == "artifact.archive"


def test_every_bend_of_an_archive_is_refused_and_nothing_else_is_raised():
    for at in range(len(WHOLE) - 200, len(WHOLE)):
        for value in (0, 0x7F, 0xFF):
            bent = WHOLE[:at] + bytes([value]) + WHOLE[at + 1 :]
            try:
                assert plain_of(bent) == PLAIN
            except ArtifactError as error:
                assert error.hint
