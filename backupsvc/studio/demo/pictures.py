"""Real PNG pictures out of nothing but zlib: a room, furnished and coloured after its name."""

import struct
import zlib
from functools import lru_cache
from random import Random

WIDTH, HEIGHT = 320, 200
FLOOR_TOP = 140
SIGNATURE = b"\x89PNG\r\n\x1a\n"

Colour = tuple[int, int, int]


@lru_cache(maxsize=512)
def png(name: str) -> bytes:
    """The picture of this name, always the same bytes. Kept: its size is asked for before it is saved."""
    random = Random(name)  # noqa: S311 - a picture is no secret
    wall, floor, sofa, window, lamp = (_colour(random) for _ in range(5))
    rows = [bytearray(wall * WIDTH) for _ in range(FLOOR_TOP)]
    shades = [_shades(part) for part in floor]
    rows += [_boards(shades, random) for _ in range(HEIGHT - FLOOR_TOP)]
    left = random.randrange(10, 120)
    _fill(rows, window, random.randrange(10, 200), 20, 90, 50)
    _fill(rows, sofa, left, 105, 130, 55)
    _fill(rows, lamp, left + 150, 60, 24, 24)
    _fill(rows, lamp, left + 160, 84, 4, 70)
    return _encode(rows)


def _colour(random: Random) -> Colour:
    return random.randrange(60, 240), random.randrange(60, 240), random.randrange(60, 240)


def _shades(part: int) -> bytes:
    """What each grain makes of a part of the floor's colour."""
    return bytes(part - (grain & 15) for grain in range(256))


def _boards(shades: list[bytes], random: Random) -> bytearray:
    """A line of the floor. Its grain keeps the file from compressing to nothing."""
    row, grains = bytearray(3 * WIDTH), random.randbytes(WIDTH)
    for place, shade in enumerate(shades):
        row[place::3] = grains.translate(shade)
    return row


def _fill(rows: list[bytearray], colour: Colour, x: int, y: int, width: int, height: int) -> None:
    line = bytes(colour * width)
    for row in rows[y : y + height]:
        row[3 * x : 3 * (x + width)] = line


def _encode(rows: list[bytearray]) -> bytes:
    """https://www.w3.org/TR/png/: eight bits a channel, RGB, no filter, no interlacing."""
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 6)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
