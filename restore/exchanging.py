"""Exchanging strings at one path of a JSON document, and leaving every other byte as it is.

Numbers keep all digits, texts their escapes, objects their order. Paths are followed as PostgreSQL
follows them in its lax mode, which is how the strings were found.
https://www.postgresql.org/docs/current/functions-json.html#STRICT-AND-LAX-MODES
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from backups.artifact import raw_json
from backups.registry.json_path import EACH, Step

Span = tuple[int, int]


def exchanged(document: bytes, path: Sequence[Step], names: Mapping[str, str]) -> bytes:
    """The document with each string of ``names`` that stands at ``path`` exchanged for its new one.

    Raises ValueError where the document is not JSON.
    """
    pieces, done = [], 0
    start = raw_json.value_start(document, 0)
    for first, last in _spans(document, start, path):
        new = names.get(raw_json.decoded(document, first, last))
        if new is not None:
            pieces += [document[done:first], msgspec.json.encode(new)]
            done = last
    return b"".join([*pieces, document[done:]])


def _spans(document: bytes, place: int, path: Sequence[Step]) -> Iterator[Span]:
    """Where the strings stand, in their order."""
    if not path:
        if document[place : place + 1] == b'"':
            yield place, raw_json.value_end(document, place)
        return
    step, *rest = path
    for item in _items(document, place):
        if step is EACH:
            yield from _spans(document, item, rest)
        elif document[item : item + 1] == b"{":
            for name, start, _ in raw_json.members(document, item):
                if name == step:
                    yield from _spans(document, start, rest)


def _items(document: bytes, place: int) -> Iterator[int]:
    """The elements of an array; anything else counts as an array of itself alone."""
    if document[place : place + 1] != b"[":
        yield place
        return
    for start, _ in raw_json.elements(document, place):
        yield start
