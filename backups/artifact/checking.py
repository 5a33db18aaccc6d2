"""Whether a block of rows has the declared form, told at once for all of its rows.

A call a row is what looking at rows costs. Here a block is decoded as a whole and encoded again: where that
gives the same bytes, each line is one row, with each declared member once and of its type, and nothing else.
Whatever is written otherwise, as JSON allows, is for ``RowCodec``, row by row. So "yes" means what it means
there, and "no" only that it must be looked at.
"""

import functools
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from backups.artifact.manifest import Column, SectionHead
from backups.artifact.native import FLOATS, INTEGERS, split_type
from backups.artifact.rows import (
    NO_FIELD_NAME,
    SHAPES_KEPT,
    has_long_numbers,
    is_float,
    may_swell,
)

# Only a long row makes a block so long, and all values of it at once take many times its size.
LONG_BLOCK = 1024 * 1024
_ESCAPED_NUL = b"\\u0000"
_encode_lines = msgspec.json.Encoder().encode_lines


class BlockCheck:
    """For the rows of one section. Made once, used for each block."""

    def __init__(self, head: SectionHead) -> None:
        places = [f"c{index}" for index in range(len(head.columns))]
        shapes = dict(zip(places, head.columns, strict=True))
        self._floats = [place for place, column in shapes.items() if column.type in FLOATS]
        self._has_documents = any(column.encoding == "json" for column in head.columns)
        self._may_swell = any(map(may_swell, head.columns))
        unusual = any(map(NO_FIELD_NAME, head.column_names()))
        # Of an array of floats each element would have to be looked at.
        unusual = unusual or any(split_type(c.type) in _FLOAT_ARRAYS for c in head.columns)
        self._columns = None if unusual else head.columns

    def is_sound(self, rows: bytes) -> bool:
        """Whether these lines, each with its line feed, are rows of the declared form. False: look."""
        return self.decoded(rows) is not None

    def decoded(self, rows: bytes) -> Sequence[Any] | None:
        """The rows as structures with a member a column, in the order of the head's; None: look."""
        if self._columns is None or _ESCAPED_NUL in rows or len(rows) > LONG_BLOCK:
            return None
        if self._may_swell and has_long_numbers(rows):
            return None
        try:
            decoded = _decoder(self._columns).decode_lines(rows)
            if self._has_documents and not rows.isascii():
                rows.decode()  # documents are not decoded, and must be text too
            # A document may have line feeds of its own, which only lines may have.
            is_same = len(decoded) == rows.count(b"\n") and _encode_lines(decoded) == rows
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
            return None
        return decoded if is_same and self._are_floats(decoded) else None

    def _are_floats(self, rows: Sequence[Any]) -> bool:
        return all(is_float(bytes(getattr(row, place))) for place in self._floats for row in rows)


_FLOAT_ARRAYS = {(name, True) for name in FLOATS}


@functools.lru_cache(SHAPES_KEPT)
def _decoder(columns: Sequence[Column]) -> "msgspec.json.Decoder[Any]":
    shapes = {f"c{index}": column for index, column in enumerate(columns)}
    shape = msgspec.defstruct(
        "Row",
        [_field(place, column) for place, column in shapes.items()],
        rename={place: column.name for place, column in shapes.items()},
        forbid_unknown_fields=True,
        kw_only=True,
        omit_defaults=True,
        gc=False,
    )
    return msgspec.json.Decoder(shape)


def _field(place: str, column: Column) -> tuple[Any, ...]:
    if column.encoding == "json":
        # An absent key is SQL NULL.
        return (place, msgspec.Raw, msgspec.Raw())
    return (place, _shape(column))


def _shape(column: Column) -> Any:
    """What ``RowCodec`` takes, whose encoding is what was decoded."""
    if column.encoding == "text":
        return str | None
    base, array = split_type(column.type)
    if base in FLOATS:
        return msgspec.Raw  # PostgreSQL prints other digits than Python
    if base == "boolean":
        scalar: Any = bool
    elif base in INTEGERS:
        bits = INTEGERS[base]
        scalar = Annotated[int, msgspec.Meta(ge=-(2**bits), le=2**bits - 1)]
    else:
        scalar = str
    return list[scalar] | str | None if array else scalar | None
