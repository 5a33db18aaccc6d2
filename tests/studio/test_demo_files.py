"""The demo files are what their names say: pictures, documents, pen tables."""

import re
import struct
import zlib
from typing import Any

import pytest

from backupsvc.studio.demo.documents import CHUNK_BYTES, large_pdf
from backupsvc.studio.demo.files import (
    BIG_FILE_BYTES,
    Catalogue,
    content_of,
    media_type_of,
    size_of,
)

NAMES = Catalogue(1)


def chunks_of(png):
    """Type and body of each chunk; fails on a wrong checksum."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    position = 8
    while position < len(png):
        (length,) = struct.unpack_from(">I", png, position)
        kind, body = png[position + 4 : position + 8], png[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack_from(">I", png, position + 8 + length)
        assert zlib.crc32(kind + body) == checksum
        yield kind, body
        position += 12 + length


def found(pattern, text) -> Any:
    match = re.search(pattern, text)
    assert match, pattern
    return match


def assert_is_pdf(content):
    assert content.startswith(b"%PDF-1.4\n")
    assert content.endswith(b"%%EOF\n")
    start = int(found(rb"startxref\n(\d+)\n%%EOF\n$", content)[1])
    assert content[start:].startswith(b"xref\n")
    table = found(rb"^xref\n0 (\d+)\n", content[start:])
    entries = content[start + table.end() :][: 20 * int(table[1])]
    offsets = [int(entries[20 * n :][:10]) for n in range(1, int(table[1]))]
    for number, offset in enumerate(offsets, start=1):
        assert content[offset:].startswith(b"%d 0 obj\n" % number)


@pytest.mark.parametrize("name", NAMES.pictures[:3] + NAMES.remote_pictures[:3])
def test_a_picture_is_a_png(name):
    kinds, bodies = zip(*chunks_of(content_of(name)), strict=True)
    assert kinds == (b"IHDR", b"IDAT", b"IEND")
    width, height, depth, colour = struct.unpack_from(">IIBB", bodies[0])
    assert (depth, colour) == (8, 2)
    assert len(zlib.decompress(bodies[1])) == height * (1 + 3 * width)
    assert media_type_of(name) == "image/png"


def test_a_damaged_picture_is_noticed():
    damaged = bytearray(content_of(NAMES.pictures[0]))
    damaged[100] ^= 1
    with pytest.raises(AssertionError):
        list(chunks_of(bytes(damaged)))


@pytest.mark.parametrize("name", NAMES.documents[:3] + NAMES.drawings[:3])
def test_a_document_is_a_pdf(name):
    content = content_of(name)
    assert_is_pdf(content)
    length, drawing = re.search(
        rb"/Length (\d+).*\nstream\n([\s\S]*?)\nendstream", content
    ).groups()
    assert int(length) == len(drawing)
    assert name.rsplit("/")[-1].encode() in zlib.decompress(drawing)


def test_a_damaged_document_is_noticed():
    content = content_of(NAMES.documents[0])
    with pytest.raises(AssertionError):
        assert_is_pdf(content.replace(b"1 0 obj\n", b"1 0 obj\n\n", 1))


def test_a_large_document_comes_in_pieces():
    size, largest = 0, 0
    for piece in large_pdf("big.pdf", BIG_FILE_BYTES):
        size, largest = size + len(piece), max(largest, len(piece))
    assert size > BIG_FILE_BYTES
    assert largest <= CHUNK_BYTES


def test_a_large_document_is_a_pdf():
    assert_is_pdf(b"".join(large_pdf("big.pdf", 3 * CHUNK_BYTES + 5)))


def test_a_pen_table_has_255_pens():
    content = content_of(NAMES.pens[0])
    head, pens = content.split(b"pmzlibcodec", 1)
    assert head.startswith(b"PIAFILEVERSION_2.0,CTBVER1")
    assert zlib.decompress(pens).count(b"pen=") == 255


def test_content_follows_from_the_name_alone():
    assert content_of("a/render-001.png") == content_of("b/render-001.png")
    assert len({content_of(name) for name in NAMES.stored}) == len(NAMES.stored)


def test_sizes_are_those_of_the_content():
    assert size_of("http://127.0.0.1/files/photo-001.png") == len(content_of("photo-001.png"))
