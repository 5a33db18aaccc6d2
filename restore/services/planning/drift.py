"""A file of an older schema in a newer one: what follows a declared move, and what can be converted."""

import re
from collections.abc import Iterable

from backups.artifact.manifest import SectionHead
from backups.database.table_reading import column_of
from backups.registry import Move, RenamedColumn, RenamedSection, RenamedValue, Section

_INTEGERS = ("smallint", "integer", "bigint")


def section_key(key: str, moves: Iterable[Move]) -> str:
    """Today's key of a section that a file calls ``key``."""
    for move in moves:
        if isinstance(move, RenamedSection) and move.old == key:
            return move.key
    return key


def column_names(head: SectionHead, section: Section, moves: Iterable[Move]) -> dict[str, str]:
    """Today's name of each column that the file has or leaves out, by the file's name."""
    renamed = {
        move.old: column_of(section.model, move.field)
        for move in moves
        if isinstance(move, RenamedColumn) and move.key == section.key
    }
    return {name: renamed.get(name, name) for name in (*head.column_names(), *head.redacted)}


def renamed_values(section: Section, column: str, moves: Iterable[Move]) -> dict[str, str]:
    """What values of older files are called today in a live column, by what those call them."""
    today: dict[str, str] = {}
    for move in moves:
        if not isinstance(move, RenamedValue) or move.key != section.key:
            continue
        if column_of(section.model, move.field) == column:
            today = {old: move.new if new == move.old else new for old, new in today.items()}
            today[move.old] = move.new
    return {old: new for old, new in today.items() if old != new}


def loses_nothing(old: str, new: str) -> bool:
    """Whether every value of type ``old`` is a value of type ``new``, both as PostgreSQL names them."""
    if old == new:
        return True
    if old.endswith("[]") and new.endswith("[]"):
        return loses_nothing(old.removesuffix("[]"), new.removesuffix("[]"))
    if old in _INTEGERS and new in _INTEGERS:
        return _INTEGERS.index(old) < _INTEGERS.index(new)
    if old in _INTEGERS and new == "numeric":
        return True
    if (old, new) == ("real", "double precision"):
        return True
    return _wider_text(old, new) or _wider_numeric(old, new)


def _wider_text(old: str, new: str) -> bool:
    if not re.fullmatch(r"text|character varying(\(\d+\))?", old):
        return False
    if new in ("text", "character varying"):
        return True
    before, after = (_length(old), _length(new))
    return before is not None and after is not None and before <= after


def _length(name: str) -> int | None:
    found = re.fullmatch(r"character varying\((\d+)\)", name)
    return int(found[1]) if found else None


def _wider_numeric(old: str, new: str) -> bool:
    before = re.fullmatch(r"numeric\((\d+),(\d+)\)", old)
    if before and new == "numeric":
        return True
    after = re.fullmatch(r"numeric\((\d+),(\d+)\)", new)
    if not (before and after):
        return False
    (p1, s1), (p2, s2) = (tuple(map(int, m.groups())) for m in (before, after))
    return s1 <= s2 and p1 - s1 <= p2 - s2
