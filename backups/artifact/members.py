"""Members of one name: of two, one reader takes the first and another the last."""

import json
from typing import Any


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
