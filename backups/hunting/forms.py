"""How one secret may be written in a text: as it is, in hexadecimal, in base64 wherever it begins there.

What escapes single letters (JSON, HTML, addresses, quoted-printable) is taken off the text instead, see
``views``: each letter may be escaped or not, so there is no list of forms.
"""

import json
import re
from binascii import b2a_base64
from collections.abc import Iterator
from typing import NamedTuple

# Bytes. Certificates and keys are shorter.
LONGEST = 8192
# Below this a value opens nothing by itself, and would be found everywhere.
SHORTEST = 8
# Fewer different letters than these make no secret: rows of noughts, lines of dashes.
FEWEST_LETTERS = 4

# In front of a value that begins at the second or third of three bytes, and the first letter that is all its.
_SKIPPED = (b"", b"\0", b"\0\0")
_FIRST_LETTERS = tuple(-(-8 * skipped // 6) for skipped in range(3))
_URL_SAFE = bytes.maketrans(b"+/", b"-_")

_HEXADECIMAL = re.compile(rb"[0-9A-Fa-f]+(?:-[0-9A-Fa-f]+)*").fullmatch
_ESCAPED_IN_JSON = re.compile(rb'["\\\x00-\x1f\x80-\xff]').search


class Form(NamedTuple):
    """``text`` is what is looked for; ``before`` and ``after`` are letters beside it that hold bits of the
    secret too."""

    text: bytes
    before: int = 0
    after: int = 0


def is_hunted(value: bytes) -> bool:
    """Whether a value is long and various enough to be looked for, and no whole text: one that ends as
    another text goes on, letter by letter, would be compared at each of its letters."""
    return SHORTEST <= len(value) <= LONGEST and len(set(value)) >= FEWEST_LETTERS


# Letters with which a part of a form may begin, by three: a search for what begins with no more than three
# letters passes over all else at the speed of memory. Those first that text, names and numbers have least.
BEGINNINGS = (b"QXZ", b"JKV", b"YGU", b"WHB", b"789", b"456")
_GROUP_OF = {letter: number for number, some in enumerate(BEGINNINGS) for letter in some}
# One look for all that are as good.
_BEGINNING = [
    re.compile(b"[" + some + b"]").search for some in (b"QXZ", b"JKVYGUWHB", b"789", b"456")
]
# From so many letters before the last part on, and not from the first: tokens of one kind begin alike.
_AMONG = 32


def telling_part(text: bytes, letters: int) -> tuple[int, int]:
    """Which part of a form is looked for: the number of the letters that it begins with (as many as there are
    for none of them), and where in the form it begins."""
    last = len(text) - letters
    if last > 0:
        first = max(0, last - _AMONG)
        for search in _BEGINNING:
            if found := search(text, first, last + 1):
                start = found.start()
                return _GROUP_OF[text[start]], start
    return len(BEGINNINGS), max(0, last)


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


def rarer_forms(value: bytes) -> list[Form]:
    """Hexadecimal in either case; base64, url-safe too, at each of the three places where it may begin."""
    found = []
    for spelling in spellings(value):
        digits = spelling.hex()
        found.append(Form(digits.encode()))
        if (upper := digits.upper()) != digits:
            found.append(Form(upper.encode()))
        found += _in_base64(spelling)
    return found


def _in_json(value: bytes) -> Iterator[Form]:
    text = value.decode("utf-8", "surrogateescape")
    for ascii_only in (False, True):
        escaped = text
        for _level in range(3):
            escaped = json.dumps(escaped, ensure_ascii=ascii_only)[1:-1]
            yield Form(escaped.encode("utf-8", "surrogateescape"))


def _in_base64(value: bytes) -> list[Form]:
    """RFC 4648: three bytes make four letters, so a letter at either end may hold bits of a neighbour."""
    found = []
    for skipped in range(3):
        end_bits = 8 * (skipped + len(value))
        whole = b2a_base64(_SKIPPED[skipped] + value + b"\0\0", newline=False)
        text = whole[_FIRST_LETTERS[skipped] : end_bits // 6]
        before, after = int(skipped > 0), int(end_bits % 6 > 0)
        found.append(Form(text, before, after))
        if b"+" in text or b"/" in text:
            found.append(Form(text.translate(_URL_SAFE), before, after))
    return found
