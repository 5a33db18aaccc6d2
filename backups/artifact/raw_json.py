"""Finding the way in a JSON document without decoding it and without recursion, however deep it is.

Places are offsets into the document's bytes, so that what is not looked for stays the bytes it was.
Brackets and strings are checked; whether every other token is good JSON is left to whoever reads the
values. RFC 8259, section 2, has the tokens.
"""

import re
from collections.abc import Iterator

import msgspec

_SPACE = re.compile(rb"[ \t\n\r]*+").match
_STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])*+"').match
_SCALAR = re.compile(rb"[-+.0-9A-Za-z]++").match
# Up to the next bracket: strings, in which brackets mean nothing, and whatever is neither.
_TO_BRACKET = re.compile(rb'(?:"(?:[^"\\]++|\\.)*+"|[^"\[\]{}]++)*+', re.DOTALL).match
# PostgreSQL itself gives up at about 16,000 with the stack it usually has, at 60,000 with the most.
DEEPEST = 64_000
_CLOSING = {ord("["): ord("]"), ord("{"): ord("}")}


def value_start(document: bytes, place: int) -> int:
    """The next place that holds no blank."""
    return _end(_SPACE(document, place))


def value_end(document: bytes, place: int) -> int:
    """The place behind the value that starts at ``place``. Raises ValueError."""
    if document[place : place + 1] in (b"[", b"{"):
        return _container_end(document, place)
    found = _STRING(document, place) or _SCALAR(document, place)
    return _end(found)


def elements(document: bytes, place: int) -> Iterator[tuple[int, int]]:
    """Start and end of each element of the array at ``place``. Raises ValueError."""
    place = value_start(document, place + 1)
    if document[place : place + 1] == b"]":
        return
    while True:
        end = value_end(document, place)
        yield place, end
        place = value_start(document, end)
        if document[place : place + 1] == b"]":
            return
        place = _after(document, place, b",")


def members(document: bytes, place: int) -> Iterator[tuple[str, int, int]]:
    """Name, start and end of each member's value in the object at ``place``. Raises ValueError."""
    place = value_start(document, place + 1)
    if document[place : place + 1] == b"}":
        return
    while True:
        name_end = _end(_STRING(document, place))
        start = _after(document, value_start(document, name_end), b":")
        end = value_end(document, start)
        yield decoded(document, place, name_end), start, end
        place = value_start(document, end)
        if document[place : place + 1] == b"}":
            return
        place = _after(document, place, b",")


def whole_object(document: bytes) -> dict[str, msgspec.Raw]:
    """The members of a document that is one object. Raises ValueError."""
    start = value_start(document, 0)
    if document[start : start + 1] != b"{":
        raise ValueError("not an object")
    if value_start(document, value_end(document, start)) != len(document):
        raise ValueError("something stands behind the object")
    return {name: msgspec.Raw(document[a:b]) for name, a, b in members(document, start)}


def decoded(document: bytes, start: int, end: int) -> str:
    """The string between two places. Raises ValueError."""
    text: str = msgspec.json.decode(document[start:end], type=str)
    return text


def _container_end(document: bytes, place: int) -> int:
    expected: list[int] = []
    while True:
        bracket = document[place : place + 1]
        if not bracket:
            raise ValueError("a bracket is not closed")
        if bracket in (b"[", b"{"):
            if len(expected) == DEEPEST:
                raise ValueError("nested too deeply")
            expected.append(_CLOSING[bracket[0]])
        elif not expected or bracket[0] != expected.pop():
            raise ValueError("a bracket does not match")
        if not expected:
            return place + 1
        place = _end(_TO_BRACKET(document, place + 1))


def _after(document: bytes, place: int, mark: bytes) -> int:
    """The start of what stands behind a mark."""
    if document[place : place + 1] != mark:
        raise ValueError("a mark is missing")
    return value_start(document, place + 1)


def _end(found: re.Match[bytes] | None) -> int:
    if found is None:
        raise ValueError("not a JSON value")
    return found.end()
