"""The wrapping: zstandard and plain are read, all else is refused by name, bombs are stopped."""

import io

import pytest
import zstandard

from backups.artifact import codecs
from backups.errors import ArtifactError


def plain_of(stored: bytes, limit: int = 1 << 40) -> bytes:
    document = codecs.open_document(io.BytesIO(stored), limit_bytes=limit)
    return b"".join(iter(lambda: document.read(1000), b""))


def code_of(stored: bytes, limit: int = 1 << 40) -> str:
    with pytest.raises(ArtifactError) as refused:
        plain_of(stored, limit)
    assert refused.value.hint
    return refused.value.code


def compressed(plain: bytes) -> bytes:
    sink = io.BytesIO()
    with codecs.compress_to(sink) as writer:
        writer.write(plain)
    return sink.getvalue()


@pytest.mark.parametrize("size", [2, 1000, 3_000_000])
def test_what_was_compressed_comes_back(size: int):
    plain = b"{" + b"x" * (size - 2) + b"}"
    assert plain_of(compressed(plain)) == plain


def test_a_plain_document_is_read_as_it_is():
    assert plain_of(b'{"a": 1}') == b'{"a": 1}'
    assert plain_of(b'\xef\xbb\xbf \r\n{"a": 1}') == b'\xef\xbb\xbf \r\n{"a": 1}'


def test_closing_the_compressor_leaves_the_file_open():
    sink = io.BytesIO()
    with codecs.compress_to(sink) as writer:
        writer.write(b"{}")
    assert not sink.closed


@pytest.mark.parametrize(
    ("stored", "code"),
    [
        (b"age-encryption.org/v1\n-> X25519 abc", "key.needed"),
        (b"PGDMP\x01\x0e", "artifact.format"),
        (b"PK\x03\x04whatever", "artifact.truncated"),
        (b"\x1f\x8b\x08\x00", "artifact.truncated"),
        (b"", "artifact.format"),
        (b"--\n-- PostgreSQL database dump\n", "artifact.format"),
        (b"\x00" * 100, "artifact.format"),
        (b"[1, 2]", "artifact.format"),
    ],
)
def test_another_kind_of_file_is_refused_by_name(stored: bytes, code: str):
    assert code_of(stored) == code


def test_a_decompression_bomb_is_stopped_at_the_limit():
    bomb = compressed(b"{" + b" " * 50_000_000)
    assert len(bomb) < 10_000
    assert code_of(bomb, limit=1_000_000) == "artifact.too_large"


def test_without_the_limit_a_bomb_would_come_out_whole(monkeypatch: pytest.MonkeyPatch):
    bomb = compressed(b"{" + b" " * 5_000_000)
    monkeypatch.setattr(codecs, "Limited", lambda source, *_: source)
    assert len(plain_of(bomb, limit=1000)) == 5_000_001


def test_a_flipped_bit_in_the_compressed_bytes_is_damage():
    whole = compressed(b"{" + bytes(range(32, 120)) * 50)
    for at in range(8, len(whole)):
        damaged = whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :]
        try:
            assert plain_of(damaged) != plain_of(whole)
        except ArtifactError as error:
            assert error.code == "artifact.damaged"


def test_a_frame_that_asks_for_a_huge_window_is_refused():
    greedy = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(
            window_log=31, enable_ldm=True, write_content_size=False
        )
    ).compressobj()
    frame = greedy.compress(b"{" + b"x" * 1000) + greedy.flush()
    assert code_of(frame) == "artifact.damaged"
