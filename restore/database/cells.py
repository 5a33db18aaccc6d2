"""Values as Django hands them to the driver, in the text form that COPY takes."""

import datetime
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

Cell = str | None


def cell_text(value: Any) -> Cell:
    """The value's text, None for NULL. Raises TypeError for what has none that is known to be right."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, bytes | bytearray | memoryview):
        return "\\x" + bytes(value).hex()
    if isinstance(value, datetime.timedelta):
        return f"{value.days} days {value.seconds} seconds {value.microseconds} microseconds"
    if isinstance(value, list | tuple):
        return _array(value)
    if isinstance(value, Mapping):
        return _pairs(value)
    return _adapted(value)


def _adapted(value: Any) -> Cell:
    """What an adapter of the driver wraps, or the value's own text where it is the database's too."""
    if callable(getattr(value, "dumps", None)):  # JSON
        wrapped = value.obj if hasattr(value, "obj") else value.adapted
        return str((value.dumps or json.dumps)(wrapped))
    if hasattr(value, "addr"):  # an address of the network
        return cell_text(value.addr)
    if hasattr(value, "adapted"):
        return cell_text(value.adapted)
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, str | int | float | Decimal | UUID):
        return _without_nul(str(value))
    if hasattr(value, "lower_inc") or type(value).__module__ == "ipaddress":  # a range
        return str(value)
    raise TypeError(type(value).__name__)


def _without_nul(text: str) -> str:
    """PostgreSQL has no text with a NUL."""
    if "\0" in text:
        raise ValueError("NUL")
    return text


def _array(values: Iterable[Any]) -> str:
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Any) -> str:
    if isinstance(value, list | tuple):
        return _array(value)
    text = cell_text(value)
    return "NULL" if text is None else _quoted(text)


def _pairs(values: Mapping[Any, Any]) -> str:
    """An hstore."""
    cells = ((str(key), cell_text(value)) for key, value in values.items())
    return ",".join(f"{_quoted(k)}=>{'NULL' if v is None else _quoted(v)}" for k, v in cells)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
