"""JSON that is shown to people or kept beside the rows: what commands print, pages answer, journals note.

Rows have an encoding of their own: ``backups.artifact``. No Django in here.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import orjson

_OPTIONS = orjson.OPT_NON_STR_KEYS
# A terminal may obey these; the others below a blank are escaped in any JSON.
_CONTROLS = re.compile("[\x7f-\x9f]")


def compact(value: Any, *, default: Callable[[Any], Any] | None = None) -> str:
    """On one line. ``default`` says what has no form in JSON; without it that is a TypeError."""
    return _dumped(value, _OPTIONS, default, indent=None)


def indented(value: Any) -> str:
    """On many lines, two blanks a level, names as they are; nothing in it that a terminal would obey."""
    text = _dumped(value, _OPTIONS | orjson.OPT_INDENT_2, None, indent=2)
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _dumped(
    value: Any, options: int, default: Callable[[Any], Any] | None, *, indent: int | None
) -> str:
    try:
        return orjson.dumps(value, default=default, option=options).decode()
    except TypeError:
        # A number of more than 64 bits, or half a surrogate pair: orjson refuses both.
        return json.dumps(value, indent=indent, default=default)


def parsed(text: str | bytes) -> Any:
    """What the text says. Raises ValueError where it is no JSON."""
    return orjson.loads(text)
