"""What two readers of one JSON document may take differently, or cannot take at all."""

import json
import re
from collections.abc import Sequence
from typing import Any

from backups.artifact import raw_json

_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*+\\u0000").search


def named_twice(raw: bytes) -> bool:
    """Whether an object in a document of JSON, at any depth, has two members of one name."""
    twice = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal twice
        twice = twice or len({name for name, _ in pairs}) != len(pairs)

    try:
        json.loads(raw, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return True
    return twice


def holds_nul(raw: bytes) -> bool:
    """Whether a string of a document of JSON has a NUL, which PostgreSQL's texts cannot have."""
    return b"\\u0000" in raw and _ESCAPED_NUL(raw) is not None


def in_order(raw: bytes, expected: Sequence[str]) -> bool:
    """Whether the members of the object stand in this order; ones that are not there may be left out.
    Raises ValueError."""
    found = [name for name, _, _ in raw_json.members(raw, raw_json.value_start(raw, 0))]
    return found == [name for name in expected if name in found]
