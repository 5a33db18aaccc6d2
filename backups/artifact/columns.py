"""A block of rows into lines of PostgreSQL's COPY text format, a column at a time.

What a line costs in ``RowCodec`` is calls of Python for each cell. Here a block is decoded at once, and what
is done to cells is done to a whole column, or to the whole text. Only rows whose form ``BlockCheck`` tells
are taken; all others are for ``RowCodec``, which makes the same lines.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from backups.artifact.checking import BlockCheck
from backups.artifact.manifest import Column, SectionHead
from backups.artifact.native import FLOATS, INTEGERS, split_type
from backups.artifact.rows import NULL, array_printer, print_float

Cells = Sequence[str | None]

# What stands between cells while they are escaped, for NULL, and between rows. JSON holds none of them raw
# in a string; rows that have one as an escape are not taken.
_CELL, _ABSENT, _ROW = "\0", "\1", "\2"
_ESCAPED = (b"\\u0001", b"\\u0002")  # and of the first ``BlockCheck`` takes care
_IN_THEIR_PLACE = bytes.maketrans(b"\0\2", b"\t\n")
_FLAGS = {True: "t", False: "f", None: None}
_astuple = msgspec.structs.astuple


class BlockColumns:
    """For the rows of one section. Made once, used for each block."""

    def __init__(self, head: SectionHead) -> None:
        self._check = BlockCheck(head)
        self._printers = [_printer(column) for column in head.columns]

    def cells(self, rows: bytes) -> list[Cells] | None:
        """Each column's cells as PostgreSQL prints them, None for NULL; None where the rows, each with its
        line feed, must be looked at one by one."""
        if any(escaped in rows for escaped in _ESCAPED):
            return None
        decoded = self._check.decoded(rows)
        if decoded is None:
            return None
        columns = zip(*map(_astuple, decoded), strict=True)
        return [
            cells if print_cells is None else print_cells(cells)
            for print_cells, cells in zip(self._printers, columns, strict=True)
        ]


def copy_lines(columns: Sequence[Cells], *, careful: bool) -> bytes:
    """Lines of COPY's text format, each with its line feed. ``careful`` escapes what must be escaped; the
    cells hold none of the first three control characters."""
    if not careful:
        rows = zip(*[_with(NULL, cells) for cells in columns], strict=True)
        return ("\n".join(map("\t".join, rows)) + "\n").encode()
    rows = zip(*[_with(_ABSENT, cells) for cells in columns], strict=True)
    text = (_ROW.join(map(_CELL.join, rows)) + _ROW).encode()
    text = text.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
    text = text.replace(b"\r", b"\\r").replace(b"\t", b"\\t")
    return text.translate(_IN_THEIR_PLACE).replace(_ABSENT.encode(), NULL.encode())


def need_care(rows: bytes) -> bool:
    """Whether cells of these rows may hold what COPY's text format must escape."""
    return b"\\" in rows or b"\t" in rows or b"\r" in rows


def _with(absent: str, cells: Cells) -> Sequence[str]:
    if None not in cells:
        return cells  # type: ignore[return-value]
    return [absent if cell is None else cell for cell in cells]


def _printer(column: Column) -> Callable[[Sequence[Any]], Cells] | None:
    """What makes PostgreSQL's printed form out of decoded cells; None where they are that already."""
    if column.encoding == "json":
        return _documents
    if column.encoding == "text":
        return None
    base, array = split_type(column.type)
    if array:
        print_array = array_printer(base)
        return lambda cells: [print_array(cell) for cell in cells]
    if base == "boolean":
        return lambda cells: [_FLAGS[cell] for cell in cells]
    if base in INTEGERS:
        return _integers
    if base in FLOATS:
        return lambda cells: [print_float(cell) for cell in cells]
    return None


def _integers(cells: Sequence[int | None]) -> Cells:
    if None not in cells:
        return [*map(str, cells)]
    return [None if cell is None else str(cell) for cell in cells]


def _documents(cells: Sequence[msgspec.Raw]) -> Cells:
    return [str(cell, "utf-8") or None for cell in cells]
