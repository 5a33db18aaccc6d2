"""A text without its escapes, and where in the text each letter of that stood.

Taken off, to any depth: backslash escapes of JSON and programs, percent escapes of addresses (RFC 3986),
references of HTML; quoted-printable with its soft breaks (RFC 2045, section 6.7); line breaks inside of
words, as mail folds base64.
"""

import bisect
import functools
import html.entities
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

# How many escapes may lie in one another.
DEPTH = 5

_NAMED = {
    name.removesuffix(";").encode(): value.encode()
    for name, value in html.entities.html5.items()
    if len(value) == 1 and "!" <= value <= "~"
}
_NAMES = b"|".join(sorted(_NAMED, reverse=True))
_BREAK = rb"(?:\\+r|\r)?(?:\\+n|\n)"
# Each alternative begins with a letter as such: then the search for the first of them is quick.
_ESCAPE = (
    rb"%(?:u[0-9A-Fa-f]{4}|[0-9A-Fa-f]{2})"
    rb"|\\\\*u[dD][89ABab][0-9A-Fa-f]{2}\\+u[dD][C-Fc-f][0-9A-Fa-f]{2}"
    rb"|\\\\*u[0-9A-Fa-f]{4}|\\\\*x[0-9A-Fa-f]{2}|\\\\*/"
    rb"|&(?:#0*[0-9]{1,7}|#[xX]0*[0-9A-Fa-f]{1,6}|(?:" + _NAMES + rb"));?"
)
_QUOTED = rb"=(?:[0-9A-Fa-f]{2}|[ \t]*" + _BREAK + rb")"
_FOLD = rb"(?<=[0-9A-Za-z+/=_-]{2})" + _BREAK + rb"[ \t>]*(?=[0-9A-Za-z+/=_-]{2})"
ESCAPES = re.compile(_ESCAPE)
QUOTED = re.compile(_QUOTED)
FOLDS = re.compile(_FOLD)
_WORD = rb"[0-9A-Za-z+/=_-]"

# Letters that may be a part of an escape themselves, so that one may lie in another.
_OF_ESCAPES = frozenset(
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz%&=\\#;>\t\r\n"
)
_LAST = frozenset(range(0x20, 0x100)) - _OF_ESCAPES
# How far from the one the other may begin, or end.
_FURTHER = 24


def _any_of(numbers: Iterable[int], form: str) -> bytes:
    return "|".join(
        sorted({form % n for n in numbers} | {(form % n).upper() for n in numbers})
    ).encode()


_LAST_HEX, _LAST_DECIMAL = _any_of(_LAST, "%02x"), _any_of(_LAST, "%d")
# Of an escape that stands in no other and has none in it; the empty group tells all others.
_HEX2 = rb"(?:(?:" + _LAST_HEX + rb")|[0-9A-Fa-f]{2}())"
_HEX4 = rb"(?:00(?:" + _LAST_HEX + rb")|(?!00)[0-9A-Fa-f]{4}|00[0-9A-Fa-f]{2}())"


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
    ESCAPES: unescaped,
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
    plain = View(data)
    yield plain
    open_ = _opened(plain)
    if open_ is not plain:
        yield open_
        yield from _passed(open_, QUOTED)
        yield from _passed(open_, FOLDS)
    for unquoted in _passed(plain, QUOTED):
        yield unquoted
        opened = _opened(unquoted)
        if opened is not unquoted:
            yield opened
    yield from _passed(plain, FOLDS)


class _Sign:
    """How an escape begins, and with which letter that does."""

    def __init__(self, letter: bytes, pattern: bytes) -> None:
        self.letter = letter
        self.pattern = re.compile(pattern)


class Glimpses:
    """What ``views`` would show of the surroundings of escapes alone, which is quicker than the whole.

    A word of at most ``radius`` bytes, all of them ``letters``, that is in a view of a text and not in the
    text itself is in one of its glimpses.
    """

    def __init__(self, letters: frozenset[int], radius: int) -> None:
        self._radius = radius
        names = [name for name, letter in _NAMED.items() if letter[0] in letters]
        last = b"|".join(n for n in names if _NAMED[n][0] in _LAST)
        others = b"|".join(n for n in names if _NAMED[n][0] not in _LAST)
        self._signs = [
            _Sign(b"%", rb"%(?:[uU]" + _HEX4 + rb"|" + _HEX2 + rb")"),
            _Sign(
                b"&",
                rb"&(?:amp;)*(?:#(?:(?:"
                + _LAST_DECIMAL
                + rb")(?![0-9])|[xX](?:"
                + _LAST_HEX
                + rb")(?![0-9A-Fa-f])|[xX]?0*())"
                + (rb"|(?:" + last + rb")" if last else b"")
                + (rb"|(?:" + others + rb")()" if others else b"")
                + rb")",
            ),
            _Sign(b"=", rb"=(?:[0-9A-Fa-f]{2}|[ \t]*(?:(?:\\+r|\r)?(?:\\+n|\n)|\\+r|\r)())"),
            _Sign(
                b"\\",
                rb"\\(?:n(?<="
                + _WORD * 2
                + rb"\\n)[ \t>]*"
                + _WORD
                + rb"|/|u"
                + _HEX4
                + rb"|x"
                + _HEX2
                + rb"|\\+(?:(?:r\\+)?n[ \t>]*)?()|[ux]()|r(?<="
                + _WORD * 2
                + rb"\\r)(?:\\n[ \t>]*)?)",
            ),
        ]
        self._breaks = [
            _Sign(b"\n", rb"\n(?<=" + _WORD * 2 + rb"\n)[ \t>]*" + _WORD),
            _Sign(b"\r", rb"\r(?<=" + _WORD * 2 + rb"\r)(?:\n[ \t>]*)?"),
        ]

    def of(self, text: bytes, *, in_rows: bool = False) -> Iterator[bytes]:
        """``in_rows``: lines of JSON, in which no line breaks but by an escape."""
        near = self._surroundings(text, self._signs if in_rows else self._signs + self._breaks)
        if near:
            yield from _shown(near)

    def _surroundings(self, text: bytes, looked_for: list["_Sign"]) -> bytes:
        # To look for a letter is much quicker than to look for a pattern that begins with it.
        signs = [
            found.span()
            if found.lastindex is None
            else (found.start() - _FURTHER, found.end() + _FURTHER)
            for sign in looked_for
            if sign.letter in text
            for found in sign.pattern.finditer(text)
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
        # What parts them is in no escape and in no secret.
        return b"\x00".join(parts)


def _shown(text: bytes) -> Iterator[bytes]:
    """What ``views`` shows beside the text itself, without the places, which cost most of it."""
    opened = _without_escapes(text)
    unquoted = QUOTED.sub(_quoted_letter, text)
    yield from {
        opened,
        unquoted,
        _without_escapes(unquoted),
        QUOTED.sub(_quoted_letter, opened),
        _without_folds(opened),
        _without_folds(text),
    } - {text}


def _without_folds(text: bytes) -> bytes:
    return FOLDS.sub(b"", text) if b"\\n" in text or b"\n" in text else text


def _without_escapes(text: bytes) -> bytes:
    if b"%" not in text and b"&" not in text and b"\\" not in text:
        return text
    for _level in range(DEPTH):
        further = ESCAPES.sub(_letter_of, text)
        if further == text:
            break
        text = further
    return text


def _letter_of(found: re.Match[bytes]) -> bytes:
    return unescaped(found[0])


def _quoted_letter(found: re.Match[bytes]) -> bytes:
    return _of_quoted(found[0])


def _opened(view: View) -> View:
    for _level in range(DEPTH):
        further = next(_passed(view, ESCAPES), None)
        if further is None:
            break
        view = further
    return view


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
