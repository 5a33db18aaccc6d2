"""How one secret may be written in a text: as it is, in hexadecimal, in base64 wherever it begins there.

What escapes single letters (JSON, HTML, addresses, quoted-printable) is taken off the text instead, see
``views``: each letter may be escaped or not, so there is no list of forms.
"""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

# Bytes. Certificates and keys are shorter.
LONGEST = 8192
# Below this a value opens nothing by itself, and would be found everywhere.
SHORTEST = 8
# Fewer different letters than these make no secret: rows of noughts, lines of dashes.
FEWEST_LETTERS = 4

_HEXADECIMAL = re.compile(rb"[0-9A-Fa-f]+(?:-[0-9A-Fa-f]+)*").fullmatch
_ESCAPED_IN_JSON = re.compile(rb'["\\\x00-\x1f\x80-\xff]').search


@dataclass(frozen=True)
class Form:
    """``text`` is what is looked for; ``before`` and ``after`` are letters beside it that hold bits of the
    secret too."""

    text: bytes
    before: int = 0
    after: int = 0


def is_hunted(value: bytes) -> bool:
    """Whether a value is long and various enough to be looked for, and no whole text: one that ends as
    another text goes on, letter by letter, would be compared at each of its letters."""
    return SHORTEST <= len(value) <= LONGEST and len(set(value)) >= FEWEST_LETTERS


def spellings(value: bytes) -> set[bytes]:
    """The value; what is hexadecimal, such as UUIDs, in either case, with and without dashes."""
    if not _HEXADECIMAL(value):
        return {value}
    plain = value.replace(b"-", b"")
    return {value, value.lower(), value.upper(), plain, plain.lower(), plain.upper()}


def common_forms(value: bytes) -> Iterator[Form]:
    """As it is, and as strings of JSON have it, JSON within JSON within JSON too."""
    for spelling in spellings(value):
        yield Form(spelling)
        if _ESCAPED_IN_JSON(spelling):
            yield from _in_json(spelling)


def rarer_forms(value: bytes) -> Iterator[Form]:
    """Hexadecimal in either case; base64, url-safe too, at each of the three places where it may begin."""
    for spelling in spellings(value):
        yield Form(spelling.hex().encode())
        yield Form(spelling.hex().upper().encode())
        yield from _in_base64(spelling)


def _in_json(value: bytes) -> Iterator[Form]:
    text = value.decode("utf-8", "surrogateescape")
    for ascii_only in (False, True):
        escaped = text
        for _level in range(3):
            escaped = json.dumps(escaped, ensure_ascii=ascii_only)[1:-1]
            yield Form(escaped.encode("utf-8", "surrogateescape"))


def _in_base64(value: bytes) -> Iterator[Form]:
    """RFC 4648: three bytes make four letters, so a letter at either end may hold bits of a neighbour."""
    for skipped in range(3):
        whole = base64.b64encode(bytes(skipped) + value + bytes(2))
        first, end = -(-8 * skipped // 6), 8 * (skipped + len(value)) // 6
        text = whole[first:end]
        edges = (int(skipped > 0), int(8 * (skipped + len(value)) % 6 > 0))
        yield Form(text, *edges)
        url_safe = text.replace(b"+", b"-").replace(b"/", b"_")
        if url_safe != text:
            yield Form(url_safe, *edges)
