"""A text without its escapes, and where in the text each letter of that stood.

Taken off, to any depth: backslash escapes of JSON and programs, percent escapes of addresses (RFC 3986),
references of HTML, together and each kind by itself; quoted-printable with its soft breaks (RFC 2045, section
6.7); line breaks inside of words, as mail folds base64 and programs go on behind a backslash.
"""

import bisect
import functools
import html.entities
import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ahocorasick_rs import BytesAhoCorasick, MatchKind

# How many escapes may lie in one another.
DEPTH = 5

_NAMED = {
    name.removesuffix(";").encode(): value.encode()
    for name, value in html.entities.html5.items()
    if len(value) == 1 and "!" <= value <= "~"
}
_NAMES = b"|".join(sorted(_NAMED, reverse=True))
_WORD = rb"[0-9A-Za-z+/=_-]"
_BREAK = rb"(?:\\+r|\r)?(?:\\+n|\n)"
# Each alternative begins with a letter as such: then the search for the first of them is quick.
# Of programs too: JavaScript's braces, eight digits, three octal ones.
_NUMBERED = rb"u[0-9A-Fa-f]{4}|u\{0*[0-9A-Fa-f]{1,6}\}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}"
_OCTAL = rb"[0-3][0-7]{2}"
# All backslashes in a row, from the first one on and never fewer: else a text of these alone would take a
# time that grows with its square.
_BACKSLASHES = rb"(?<!\\\\)\\*+"
_KINDS = (
    rb"%u[0-9A-Fa-f]{4}",
    rb"%[0-9A-Fa-f]{2}",
    rb"\\" + _BACKSLASHES + rb"u[dD][89ABab][0-9A-Fa-f]{2}\\++u[dD][C-Fc-f][0-9A-Fa-f]{2}"
    rb"|\\" + _BACKSLASHES + b"(?:" + _NUMBERED + b"|/)",
    rb"\\" + _BACKSLASHES + _OCTAL,
    rb"&(?:#0*[0-9]{1,7}|#[xX]0*[0-9A-Fa-f]{1,6}|(?:" + _NAMES + rb"));?",
)
# In headers words end and begin anew where a line does (RFC 2047).
_QUOTED = (
    rb"=(?:[0-9A-Fa-f]{2}|[ \t]*" + _BREAK + rb")"
    rb"|\?=" + _BREAK + rb"[ \t]+=\?[0-9A-Za-z_-]+\?[qQbB]\?"
)
_WORDS = _WORD * 2
# Behind two letters of a word, and before two.
_FOLD = (
    rb"(?:\\(?<=" + _WORDS + rb"\\)\\*+(?:[r\r](?:\\++n|\n)|\n|n)"
    rb"|\r(?<=" + _WORDS + rb"\r)(?:\\+n|\n)"
    rb"|\n(?<=" + _WORDS + rb"\n))[ \t>]*(?=" + _WORDS + b")"
)
ESCAPES = re.compile(b"|".join(_KINDS))
# What stands before a secret may seem to be another kind's escape that takes its first letters.
_EACH_KIND = tuple(map(re.compile, _KINDS))
QUOTED = re.compile(_QUOTED)
FOLDS = re.compile(_FOLD)
_PARTING = b"\x00"
# How the number of half of a surrogate pair begins.
_HALVES = tuple(f"d{digit:x}".encode() for digit in range(8, 16))


@functools.lru_cache(maxsize=8192)
def unescaped(escape: bytes) -> bytes:
    """What one escape stands for; itself where that is no letter."""
    try:
        if escape.startswith(b"%"):
            body = escape[1:]
            return _letter(int(body[1:], 16)) if body[:1] in b"uU" else bytes([int(body, 16)])
        if escape.startswith(b"\\"):
            return _of_backslash(escape.lstrip(b"\\"))
        return _of_html(escape[1:].removesuffix(b";"))
    except (ValueError, OverflowError):
        return escape


def _of_backslash(body: bytes) -> bytes:
    if body == b"/":
        return body
    if body.startswith(b"x"):
        return bytes([int(body[1:], 16)])
    if body.isdigit():
        return bytes([int(body, 8)])
    if body.startswith((b"U", b"u{")):
        return _letter(int(body[1:].strip(b"{}"), 16))
    units = [int(digits, 16) for digits in re.findall(rb"u([0-9A-Fa-f]{4})", body)]
    if len(units) == 1:
        return _letter(units[0])
    return _letter(0x10000 + ((units[0] & 0x3FF) << 10) + (units[1] & 0x3FF))


def _of_html(body: bytes) -> bytes:
    if not body.startswith(b"#"):
        return _NAMED[body]
    digits = body[1:]
    return _letter(int(digits[1:], 16) if digits[:1] in b"xX" else int(digits))


def _letter(code: int) -> bytes:
    """Raises ValueError for half of a surrogate pair, and OverflowError for what is no letter."""
    return chr(code).encode()


def _of_quoted(escape: bytes) -> bytes:
    body = escape[1:]
    return bytes([int(body, 16)]) if len(body) == 2 and body.isalnum() else b""


_STANDS_FOR: dict[re.Pattern[bytes], Callable[[bytes], bytes]] = {
    **dict.fromkeys((ESCAPES, *_EACH_KIND), unescaped),
    QUOTED: _of_quoted,
    FOLDS: lambda _fold: b"",
}


@dataclass(frozen=True)
class _Step:
    """One pass. Parts in order: where each begins in the result, and where it stood in the text."""

    starts: list[int]
    sources: list[tuple[int, int, bool]]

    def source_start(self, place: int) -> int:
        part = bisect.bisect_right(self.starts, place) - 1
        start, _end, literal = self.sources[part]
        return start + place - self.starts[part] if literal else start

    def source_end(self, place: int) -> int:
        part = bisect.bisect_left(self.starts, place) - 1
        start, end, literal = self.sources[part]
        return start + place - self.starts[part] if literal else end


@dataclass(frozen=True)
class View:
    """``data`` is the text after its passes; ``source`` says where in the text a span of it stood."""

    data: bytes
    steps: tuple[_Step, ...] = ()

    def source(self, start: int, end: int) -> tuple[int, int]:
        for step in reversed(self.steps):
            start, end = step.source_start(start), step.source_end(end)
        return start, end


def views(data: bytes) -> Iterator[View]:
    """The text as it is, and every view that differs from it."""
    plain = open_ = View(data)
    yield plain
    for open_ in _opened(plain):
        yield open_
    for kind in _EACH_KIND if open_ is not plain else ():
        yield from _opened(plain, kind)
    if open_ is not plain:
        yield from _passed(open_, QUOTED)
        yield from _passed(open_, FOLDS)
    for unquoted in _passed(plain, QUOTED):
        yield unquoted
        yield from _opened(unquoted)
    yield from _passed(plain, FOLDS)


class _Sign:
    """How an escape begins, and with which letter that does. The pattern's group is the rest of it, where it
    matters which one it is."""

    def __init__(self, letter: bytes, pattern: bytes) -> None:
        self.letter = letter
        self.pattern = re.compile(pattern)


# What an escape may stand for that is a part of another one.
_OF_ESCAPES = frozenset(string.ascii_letters.encode() + string.digits.encode() + b"%&#;\\=/\r\n")
_BLANK_CODES = rb"(?:20|09|3[eE])"
# What may stand between a line's break and the next word, and what that may begin with.
_BLANKS = (
    rb"(?:[ \t>]|%" + _BLANK_CODES + rb"|&#(?:0*(?:32|9|62)|[xX]0*(?:20|9|3[eE]));?|&gt;?"
    rb"|\\+(?:u00|x)" + _BLANK_CODES + rb"|=" + _BLANK_CODES + b")*"
)
_BEGINS_WORD = rb"[0-9A-Za-z+/=_%&\\-]"
# A line of a program goes on behind one that ends with a backslash.
_ENDS = rb"(?:" + _WORDS + rb"|[0-9A-Za-z+/=_\\-]\\)"
_AMPERSANDS = (b"amp", b"AMP")


def _in_programs(half: int) -> bytes:
    """Escapes; and breaks of lines, of which one has ``half`` a word on either side, or another break or
    escape soon: most lines of texts have not."""
    soon = b"(?:%b{%d}|%b{0,%d}[%%&=\\\\])" % (_WORD, half, _WORD, half - 1)
    line = rb"\\*+(?:r(?:\\++n|\n)|n)" + _BLANKS
    long, short = rb"(?<=" + _WORD * half + rb"\\)", rb"(?<=" + _WORDS + rb"\\)"
    number = _BACKSLASHES + b"(?:/|(" + _NUMBERED + b"|" + _OCTAL + b"))"
    # Most backslashes stand before a quotation mark.
    return (
        rb"\\(?=[\\rnuUx0-3/])(?:"
        + b"|".join([long + line + _BEGINS_WORD, short + line + soon, number])
        + b")"
    )


class Glimpses:
    """What ``views`` would show of the surroundings of escapes alone, which is quicker than the whole.

    A word of ``shortest`` to ``radius`` bytes, all of them ``letters``, that is in a view of a text and not
    in the text itself is in one of its glimpses. Escapes that stand for anything else are no reason: there
    are many of quotation marks, blanks and letters of other scripts.
    """

    def __init__(self, letters: frozenset[int], *, shortest: int, radius: int) -> None:
        self._radius = radius
        self._letters = letters | _OF_ESCAPES
        self._matters = functools.lru_cache(maxsize=8192)(self._is_of_letters)
        self._find_heads = BytesAhoCorasick(
            self._heads(), matchkind=MatchKind.LeftmostFirst
        ).find_matches_as_indexes
        of_heads = [
            _Sign(b"%", rb"%([0-9A-Fa-f]{2}|[uU][0-9A-Fa-f]{4})(?:(?<=0[aAdD])" + _BLANKS + b")?"),
            _Sign(b"&", self._in_html()),
            _Sign(b"=", rb"=(?:([0-9A-Fa-f]{2})|[ \t]*(?:\\+[rn]|[\r\n]))"),
        ]
        self._at_head = {sign.letter[0]: sign for sign in of_heads}
        self._signs = [_Sign(b"\\", _in_programs(-(-shortest // 2)))]
        self._breaks = [
            _Sign(b"\n", rb"\n(?<=" + _ENDS + rb"\n)" + _BLANKS + _BEGINS_WORD),
            _Sign(b"\r", rb"\r(?<=" + _ENDS + rb"\r)"),
        ]

    def _heads(self) -> list[bytes]:
        """How escapes begin whose first letter texts have much. Of so few and short ones the library
        searches for several letters at once."""
        digits = {f"{letter:02x}"[0] for letter in self._letters}
        first = {digit.encode() for digit in digits} | {digit.upper().encode() for digit in digits}
        heads = [sign + digit for sign in (b"%", b"=") for digit in first]
        heads += [b"%u", b"%U", b"= ", b"=\t", b"=\r", b"=\n", b"=\\r", b"=\\n", b"=\\\\", b"&#"]
        return heads + list({b"&" + name[:1] for name in (*self._names(), *_AMPERSANDS)})

    def _names(self) -> set[bytes]:
        names = {n for n, letter in _NAMED.items() if letter[0] in self._letters}
        return names - {*_AMPERSANDS}

    def _in_html(self) -> bytes:
        among = b"|".join(sorted(self._names(), reverse=True))
        number = rb"#(?:0*[0-9]{1,7}|[xX]0*[0-9A-Fa-f]{1,6})"
        blanks = rb"(?:(?<=[aAdD];)" + _BLANKS + rb"|(?<=#1[03];)" + _BLANKS + b")?"
        return (
            rb"&(?:("
            + number
            + b");?"
            + blanks
            + rb"|(?:(?:amp|AMP);?)*(?:#[xX]?[0-9A-Fa-f]*;?|"
            + among
            + b"))"
        )

    def _is_of_letters(self, escape: bytes) -> bool:
        """Whether an escape stands for letters that are looked for, or for a part of another escape."""
        if escape.startswith(b"\\u") and escape[2:4].lower() in _HALVES:
            return any(letter >= 0xF0 for letter in self._letters)
        letter = _of_quoted(escape) if escape.startswith(b"=") else unescaped(escape)
        return letter != escape and self._letters.issuperset(letter)

    def of(self, text: bytes, *, in_rows: bool = False) -> bytes:
        """All of them, parted by what is in no escape and in no secret; empty where there are none.
        ``in_rows``: lines of JSON, in which no line breaks but by an escape."""
        near = self._surroundings(text, self._signs if in_rows else self._signs + self._breaks)
        return _PARTING.join(_shown(near)) if near else b""

    def _surroundings(self, text: bytes, looked_for: list["_Sign"]) -> bytes:
        matters = self._matters
        signs = []
        for _head, start, _end in self._find_heads(text):
            sign = self._at_head[text[start]]
            found = sign.pattern.match(text, start)
            if found and (not found.lastindex or matters(sign.letter + found[1])):
                signs.append(found.span())
        signs += [
            found.span()
            for sign in looked_for
            # To look for a letter is much quicker than to look for a pattern that begins with it.
            if sign.letter in text
            for found in sign.pattern.finditer(text)
            if not found.lastindex or matters(sign.letter + found[1])
        ]
        if not signs:
            return b""
        signs.sort()
        parts: list[bytes] = []
        radius = self._radius
        start, end = max(0, signs[0][0] - radius), 0
        for first, last in signs:
            if end and first - radius > end:
                parts.append(text[start:end])
                start = first - radius
            end = max(end, last + radius)
        parts.append(text[start:end])
        return _PARTING.join(parts)


def _shown(text: bytes) -> set[bytes]:
    """What ``views`` shows beside the text itself, without the places, which cost most of it."""
    levels = _without_escapes(text)
    opened = levels[-1] if levels else text
    shown = {*levels, _without_quoted(opened), _without_folds(opened), _without_folds(text)}
    if levels:
        shown.update(*(_without_escapes(text, kind) for kind in _EACH_KIND))
    if (unquoted := _without_quoted(text)) != text:
        shown |= {unquoted, *_without_escapes(unquoted)}
    return shown - {text}


def _without_quoted(text: bytes) -> bytes:
    return QUOTED.sub(_quoted_letter, text) if b"=" in text else text


def _without_folds(text: bytes) -> bytes:
    return FOLDS.sub(b"", text) if b"\\n" in text or b"\n" in text else text


def _without_escapes(text: bytes, kind: re.Pattern[bytes] = ESCAPES) -> list[bytes]:
    """After each level: a letter that was behind one may go on what seems to be an escape before it."""
    levels: list[bytes] = []
    if b"%" not in text and b"&" not in text and b"\\" not in text:
        return levels
    for _level in range(DEPTH):
        further = kind.sub(_letter_of, text)
        if further == text:
            break
        levels.append(further)
        text = further
    return levels


def _letter_of(found: re.Match[bytes]) -> bytes:
    return unescaped(found[0])


def _quoted_letter(found: re.Match[bytes]) -> bytes:
    return _of_quoted(found[0])


def _opened(view: View, kind: re.Pattern[bytes] = ESCAPES) -> Iterator[View]:
    """Without the escapes, level after level."""
    for _level in range(DEPTH):
        further = next(_passed(view, kind), None)
        if further is None:
            break
        view = further
        yield view


def _passed(view: View, pattern: re.Pattern[bytes]) -> Iterator[View]:
    """The view after one pass, where that changes anything."""
    stands_for = _STANDS_FOR[pattern]
    data, parts = view.data, _Parts()
    place = 0
    for found in pattern.finditer(data):
        letter = stands_for(found[0])
        if letter == found[0]:
            continue
        first, last = found.span()
        parts.literal(data, place, first)
        parts.replaced(letter, first, last)
        place = last
    if place:
        parts.literal(data, place, len(data))
        yield View(b"".join(parts.pieces), (*view.steps, _Step(parts.starts, parts.sources)))


class _Parts:
    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.starts: list[int] = []
        self.sources: list[tuple[int, int, bool]] = []
        self._size = 0

    def literal(self, data: bytes, first: int, last: int) -> None:
        if last > first:
            self._add(data[first:last], first, last, literal=True)

    def replaced(self, letter: bytes, first: int, last: int) -> None:
        if letter:
            self._add(letter, first, last, literal=False)

    def _add(self, piece: bytes, first: int, last: int, *, literal: bool) -> None:
        self.pieces.append(piece)
        self.starts.append(self._size)
        self.sources.append((first, last, literal))
        self._size += len(piece)
