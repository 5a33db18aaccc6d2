"""The subset of SQL/JSON paths by which a section says where in a document its addresses stand.

Reading is PostgreSQL's work and could do more; writing a file's new name back needs to know the exact
place, so only what can be followed there may be declared: members and all elements, from the root.
"""

import re
from enum import Enum

from backups import printed_json

_STEP = re.compile(r'\[\*\]|\.([A-Za-z_][A-Za-z0-9_]*)|\.("(?:[^"\\]|\\.)*")')


class Each(Enum):
    """The step to every element."""

    ELEMENT = "[*]"


EACH = Each.ELEMENT
Step = str | Each


def parse(path: str) -> tuple[Step, ...]:
    """``$[*].url`` as ``(EACH, "url")``. Raises ValueError for anything else that a path could say."""
    if not path.startswith("$"):
        raise ValueError("a path starts at the root, $")
    steps: list[Step] = []
    place = 1
    while place < len(path):
        found = _STEP.match(path, place)
        if found is None:
            raise ValueError(f"not a member and not [*]: {path[place:]}")
        plain, quoted = found.groups()
        steps.append(plain or (printed_json.parsed(quoted) if quoted else EACH))
        place = found.end()
    return tuple(steps)
