"""Cells of which PostgreSQL would make something else without a word: it cuts what is too long for a name,
rounds digits that a column has no place for, drops the time of a date and the zone of a time that has none,
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


_NUMERIC = re.compile(r"numeric\((\d+),(-?\d+)\)(?:\[\])*").fullmatch
_OF_SECONDS = re.compile(
    r"(?:(time(?:stamp)?)(?:\((\d)\))? with(out)? time zone|interval(?: [a-z ]+)?(?:\((\d)\))?"
    r"|(ts)(?:tz)?(?:multi)?range)(?:\[\])*"
).fullmatch
_PLACES_OF_SECONDS = 6
# A zone stands behind minutes or seconds; an era does too.
_ZONE = r":\d\d(?:\.\d*)?[ \t]*(?:[+-]\d|(?!BC\b)[A-Za-z])"
_DAY = r"\d[-/]\d{1,2}[-/]\d"
_OTHERS = {
    "date": ":",
    "daterange": ":",
    "datemultirange": ":",
    "money": r"\.\d{2}\d*[1-9]",
    # More digits than the shortest text that is read as the same number ever has.
    "real": r"[1-9](?:\.?\d){8,}[1-9]",
}


def lost_parts(kind: str) -> tuple[re.Pattern[str], ...]:
    """Find in cells of this type, one a line, what is rounded or dropped. Of arrays and ranges the same,
    as no other letters stand in one. Several, as each by itself is quick to say that there is nothing."""
    patterns = [_OTHERS[kind.replace("[]", "")]] if kind.replace("[]", "") in _OTHERS else []
    if found := _NUMERIC(kind):
        # A number that is printed otherwise: only counting would tell what it loses.
        patterns += [_digits_lost(int(found[2])), "e", "E"]
    elif found := _OF_SECONDS(kind):
        clock, places, without, of_interval, _range = found.groups()
        patterns.append(_digits_lost(int(places or of_interval or _PLACES_OF_SECONDS)))
        if without or kind.startswith(("tsrange", "tsmultirange")):
            patterns.append(_ZONE)
        if clock == "time":
            patterns.append(_DAY)
    return tuple(re.compile(pattern) for pattern in patterns)


def _digits_lost(places: int) -> str:
    """Digits behind so many places, which may be before the point."""
    if places < 0:
        return rf"[1-9]\d{{0,{-places - 1}}}(?!\d)"
    return rf"\.\d{{{places}}}\d*[1-9]"


def has_word(cell: str) -> bool:
    """Whether a date, a time, or an array or range of them has a word, be it quoted in part."""
    return bool(_WORD(cell.replace('"', "").replace("\\", "")))


def bends_of(kind: str, shapes: Shapes) -> Bends | None:
    """Tells of a cell of this type, as PostgreSQL names it, whether it would be bent; None where none is."""
    lost = lost_parts(kind)
    if lost or is_of_moments(kind):
        of_moments = bool(is_of_moments(kind))
        return lambda cell: (of_moments and has_word(cell)) or any(p.search(cell) for p in lost)
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
