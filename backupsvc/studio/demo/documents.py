"""Real PDF documents, a plan of rooms each, and the pen tables that CAD drawings need."""

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from random import Random

HEADER = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
CHUNK_BYTES = 1 << 20


def pdf(name: str) -> bytes:
    """The document of this name, always the same bytes."""
    return b"".join(_document([[part] for part in _objects(name)]))


def large_pdf(name: str, size_bytes: int) -> Iterator[bytes]:
    """A document of somewhat more than ``size_bytes``, in pieces of at most a megabyte.

    Its bulk is an object that no page refers to, as embedded files are.
    """
    bulk = chain(
        [b"<< /Length %d >>\nstream\n" % size_bytes],
        _noise(name, size_bytes),
        [b"\nendstream"],
    )
    return _document([*([part] for part in _objects(name)), bulk])


def pen_table(name: str) -> bytes:
    """A plot style table (.ctb): a line of text and a compressed list of pens."""
    random = Random(name)  # noqa: S311 - a pen is no secret
    pens = "\n".join(f"pen={n} width={random.randrange(5, 80) / 100}" for n in range(1, 256))
    return b"PIAFILEVERSION_2.0,CTBVER1,compress\r\npmzlibcodec" + zlib.compress(pens.encode())


def _objects(name: str) -> list[bytes]:
    drawing = zlib.compress(_plan(name).encode("ascii"))
    return [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(drawing), drawing),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]


def _plan(name: str) -> str:
    """Drawing operators: a title, and twelve rooms as rectangles."""
    random = Random(name)  # noqa: S311 - a plan is no secret
    lines = [f"BT /F1 18 Tf 60 790 Td ({name}) Tj ET", "1.5 w"]
    for n in range(12):
        x, y = 60 + n % 3 * 160, 620 - n // 3 * 150
        width, height = random.randrange(60, 150), random.randrange(60, 140)
        lines.append(f"{x} {y} {width} {height} re S")
        lines.append(f"BT /F1 9 Tf {x + 6} {y + 8} Td ({width} x {height} cm) Tj ET")
    return "\n".join(lines)


def _noise(name: str, size_bytes: int) -> Iterator[bytes]:
    random = Random(name)  # noqa: S311 - bulk is no secret
    while size_bytes > 0:
        yield random.randbytes(min(CHUNK_BYTES, size_bytes))
        size_bytes -= CHUNK_BYTES


def _document(objects: list[Iterable[bytes]]) -> Iterator[bytes]:
    """ISO 32000-1, 7.5: header, numbered objects, their offsets, and where the offsets start."""
    written = len(HEADER)
    yield HEADER
    offsets = []
    for number, parts in enumerate(objects, start=1):
        offsets.append(written)
        for part in chain([b"%d 0 obj\n" % number], parts, [b"\nendobj\n"]):
            written += len(part)
            yield part
    yield _trailer(offsets, written)


def _trailer(offsets: list[int], start: int) -> bytes:
    size = len(offsets) + 1
    entries = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return (
        b"xref\n0 %d\n0000000000 65535 f \n%b"
        b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (size, entries, size, start)
    )
