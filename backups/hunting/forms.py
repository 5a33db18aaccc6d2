"""How one secret may be written in a text: as it is, in hexadecimal, in base64 wherever it begins there.

What escapes single letters (JSON, HTML, addresses, quoted-printable) is taken off the text instead, see
``views``: each letter may be escaped or not, so there is no list of forms.
"""

import functools
import json
import re
from base64 import b32encode
from binascii import b2a_base64
from collections.abc import Iterator
from typing import NamedTuple

# Bytes. Certificates and keys are shorter.
LONGEST = 8192
# Below this a value opens nothing by itself, and would be found everywhere.
SHORTEST = 8
# Fewer different letters than these make no secret: rows of noughts, lines of dashes.
FEWEST_LETTERS = 4

_URL_SAFE = bytes.maketrans(b"+/", b"-_")

# Hexadecimal digits in a row. The shortest secret has as many, and a UUID's longest part has fewer.
RUN = 2 * SHORTEST
_RUN = b"0" * RUN
_MASK = bytes(
    ord("0") if chr(code) in "0123456789abcdefABCDEF" else ord(" ") for code in range(256)
)
# Of so many digits one letter in four tells.
LONG_RUN, _SAMPLE = 2 * RUN, 4
_SAMPLED = b"0" * ((LONG_RUN - _SAMPLE + 1) // _SAMPLE)
_DIGITS = re.compile(rb"[0-9A-Fa-f]+").fullmatch
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


# Letters of which the search for a form takes one to begin with, by three: it passes over all else at the
# speed of memory. Those first that text, names, numbers and keys have least.
BEGINNINGS = (b"QXZ", b"JKV", b"YGU", b"WHB", b"qxz", b"jkv", b"789", b"456")
_GROUP_OF = {letter: number for number, some in enumerate(BEGINNINGS) for letter in some}
# One look for all that are as good.
_BEGINNING = [
    re.compile(b"[" + some + b"]").search
    for some in (b"QXZ", b"JKVYGUWHB", b"qxzjkv", b"789", b"456")
]
# Letters of a form's telling part at most, and those of it that automata have.
LETTERS = 12
SEARCHED = 6
# From so many letters before the last part on, and not from the first: tokens of one kind begin alike.
_AMONG = 32


def telling_part(text: bytes) -> tuple[int, int]:
    """Which part of a form is looked for: the number of the letters that it begins with (as many as there are
    for none of them), and where in the form it begins. It has ``LETTERS``, or what is left of the form."""
    size = len(text)
    # No calls where hundreds of thousands of forms pass.
    last = size - LETTERS if size >= LETTERS + SEARCHED else min(size - SEARCHED, SEARCHED)
    first = last - _AMONG if last > _AMONG else 0
    for search in _BEGINNING:
        if found := search(text, first, last + 1):
            start = found.start()
            return _GROUP_OF[text[start]], start
    return len(BEGINNINGS), last


class Forms(NamedTuple):
    """How one secret may be written: ``texts``, and ``runs`` of hexadecimal digits, in lower case, which are
    looked for in runs alone. The same ones in the same order each time."""

    texts: list[Form]
    runs: list[bytes]


def forms_of(value: bytes, *, rarer: bool) -> Forms:
    """As it is, and as strings of JSON have it, JSON within JSON within JSON too. ``rarer``: in hexadecimal,
    and in base64, url-safe too, at each of the three places where it may begin."""
    texts, runs_ = [], []
    for spelling in spellings(value):
        if is_run(spelling):
            runs_.append(spelling.lower())
        else:
            texts.append(Form(spelling))
        if _ESCAPED_IN_JSON(spelling):
            texts += _in_json(spelling)
        if rarer:
            texts += _in_base64(spelling)
            runs_.append(spelling.hex().encode())
    if rarer and is_run(value) and not len(value) % 2:
        texts += _of_bytes(bytes.fromhex(value.decode()))
    return Forms(texts, runs_ if len(runs_) < 2 else list(dict.fromkeys(runs_)))


def spellings(value: bytes) -> tuple[bytes, ...]:
    """The value; what is hexadecimal, such as UUIDs, in either case, with and without dashes."""
    if not _HEXADECIMAL(value):
        return (value,)
    plain = value.replace(b"-", b"")
    found = (value, value.lower(), value.upper(), plain, plain.lower(), plain.upper())
    return tuple(dict.fromkeys(found))


def is_run(text: bytes) -> bool:
    """Whether it is made of hexadecimal digits, and of so many that keys with dashes have no such run."""
    return len(text) >= RUN and _DIGITS(text) is not None


def runs(text: bytes) -> Iterator[tuple[int, int]]:
    """Where runs of ``RUN`` and more hexadecimal digits begin and end."""
    # Two passes at the speed of memory, where an expression would be asked at every letter.
    mask = text.translate(_MASK)
    start = mask.find(_RUN)
    while start >= 0:
        end = mask.find(b" ", start)
        end = end if end >= 0 else len(text)
        yield start, end
        start = mask.find(_RUN, end)


def may_have_long_run(text: bytes) -> bool:
    """Whether a run of ``LONG_RUN`` digits may stand there, by every fourth letter: quicker. In a UUID each
    four letters' beat meets a dash."""
    return _SAMPLED in text[::_SAMPLE].translate(_MASK)


def _in_json(value: bytes) -> list[Form]:
    found = []
    text = value.decode("utf-8", "surrogateescape")
    for ascii_only in (False, True):
        escaped = text
        for _level in range(3):
            escaped = json.dumps(escaped, ensure_ascii=ascii_only)[1:-1]
            found.append(Form(escaped.encode("utf-8", "surrogateescape")))
    return found


def _of_bytes(key: bytes) -> list[Form]:
    """What digits stand for, as addresses of authenticators have it (``otpauth:``), and as keys are told."""
    letters = 8 * len(key) // 5
    return [Form(b32encode(key)[:letters]), *(form for form in _in_base64(key) if not form.before)]


def _in_base64(value: bytes) -> list[Form]:
    """RFC 4648: three bytes make four letters, so a letter at either end may hold bits of a neighbour."""
    found = []
    for skipped, first, end, before, after in _base64_places(len(value)):
        text = b2a_base64(skipped + value + b"\0\0", newline=False)[first:end]
        found.append(Form(text, before, after))
        if b"+" in text or b"/" in text:
            found.append(Form(text.translate(_URL_SAFE), before, after))
    return found


@functools.cache
def _base64_places(size: int) -> list[tuple[bytes, int, int, int, int]]:
    """For each place where a value of this size may begin: what is put before it, which letters are all its,
    and how many beside them hold bits of it."""
    places = []
    for skipped, given in enumerate((b"", b"\0", b"\0\0")):
        end, bits = divmod(8 * (skipped + size), 6)
        places.append((given, -(-8 * skipped // 6), end, int(skipped > 0), int(bits > 0)))
    return places
