"""How cells of PostgreSQL's types are written: which have JSON values that look like them."""

from typing import Literal

Encoding = Literal["native", "json", "text"]

INTEGERS = {"smallint": 15, "integer": 31, "bigint": 63}
FLOATS = {"real", "double precision"}
TEXTS = {"text", "character varying"}


def is_native(type_name: str) -> bool:
    """Whether cells of this type are written as the JSON value that they look like."""
    base, _ = split_type(type_name)
    return base == "boolean" or base in INTEGERS or base in FLOATS or base in TEXTS


def split_type(type_name: str) -> tuple[str, bool]:
    """The name without length and brackets, and whether it is an array."""
    array = type_name.endswith("[]")
    base = type_name.removesuffix("[]").split("(")[0].strip()
    return base, array


def encoding_of(type_name: str) -> Encoding:
    """The one encoding that a type has."""
    if type_name == "jsonb":
        return "json"
    return "native" if is_native(type_name) else "text"
