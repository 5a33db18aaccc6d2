"""Cells of which PostgreSQL would make something else without a word: it cuts what is too long for a name,
counts numbers of transactions round, and takes words for moments. None of that it ever prints, so no backup
has it: https://www.postgresql.org/docs/current/datatype.html"""

import re
from collections.abc import Callable, Iterator, Sequence

from restore.database.shapes import Shapes

Bends = Callable[[str], bool]

_LONGEST_NAME_BYTES = 63
_LARGEST = {"oid": 2**32 - 1, "xid": 2**32 - 1, "cid": 2**32 - 1, "xid8": 2**64 - 1}
is_of_moments = re.compile(
    r"(?:date|time(?:stamp)?(?:\(\d\))? with(?:out)? time zone|(?:date|tstz?)(?:multi)?range)(?:\[\])*"
).fullmatch
# What it prints of dates and times has neither of these.
# https://www.postgresql.org/docs/current/datatype-datetime.html#DATATYPE-DATETIME-SPECIAL-VALUES
_WORD = re.compile(r"(?i)now|today|tomorrow|yesterday|epoch|allballs").search
_NUMBER = re.compile(r"0|[1-9][0-9]{0,19}").fullmatch
_OCTAL = re.compile(r"\\[0-3][0-7]{2}").fullmatch
_ELEMENT = re.compile(r'"((?:[^"\\]|\\.)*)"|([^{},"]+)')
_FIELD = re.compile(r'(?:"((?:[^"\\]|\\\\|"")*)"|([^,"()\\\s]*))(?:,|\)$)')


def has_word(cell: str) -> bool:
    """Whether a date, a time, or an array or range of them has a word, be it quoted in part."""
    return bool(_WORD(cell.replace('"', "").replace("\\", "")))


def bends_of(kind: str, shapes: Shapes) -> Bends | None:
    """Tells of a cell of this type, as PostgreSQL names it, whether it would be bent; None where none is."""
    if is_of_moments(kind):
        return has_word
    if kind.endswith("[]"):
        within = bends_of(kind[:-2], shapes)
        return (lambda cell: any(map(within, _elements(cell)))) if within else None
    if kind in shapes.domains:
        return bends_of(shapes.domains[kind], shapes)
    if kind in shapes.composites:
        fields = [bends_of(part, shapes) for part in shapes.composites[kind]]
        return (lambda cell: _in_a_field(fields, cell)) if any(fields) else None
    if kind in _LARGEST:
        return lambda cell: not (_NUMBER(cell) and int(cell) <= _LARGEST[kind])
    if kind == "name":
        return lambda cell: len(cell.encode()) > _LONGEST_NAME_BYTES
    if kind == '"char"':
        return lambda cell: len(cell.encode()) > 1 and not _OCTAL(cell)
    return None


def _elements(cell: str) -> Iterator[str]:
    """Those of an array that are not NULL, whatever its bounds and dimensions."""
    for quoted, bare in _ELEMENT.findall(cell.partition("=")[2] if cell[:1] == "[" else cell):
        if bare != "NULL":
            yield re.sub(r"\\(.)", r"\1", quoted or bare)


def _in_a_field(fields: Sequence[Bends | None], cell: str) -> bool:
    """Of a composite. One that is not written as PostgreSQL prints it could hide anything."""
    found = list(_FIELD.finditer(cell, 1))
    if cell[:1] != "(" or len(found) != len(fields) or "".join(f[0] for f in found) != cell[1:]:
        return True
    return any(
        bends(re.sub(r'\\\\|""', lambda twice: twice[0][0], one[1] or one[2]))
        for bends, one in zip(fields, found, strict=True)
        if bends and (one[1] or one[2])
    )
