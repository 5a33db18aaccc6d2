"""An entry that very many rows use, as several entries: no line is longer than a reader takes.

Each part has the whole content and a part of the uses. Python holds them all, as it does before.
"""

from collections.abc import Iterator

import msgspec

from backups import conf
from backups.artifact import bounds
from backups.artifact.tail import FileHead, Locator, Use

# Below what a reader takes, by what stands around the entry.
PART_BYTES = bounds.ENTRY_BYTES - 4 * bounds.MEBIBYTE
PART_VALUES = bounds.VALUES - 1000
# What stands in the line around an entry of the limit of a line.
_BESIDE_BYTES, _BESIDE_VALUES = 64 * 1024, 100
# At most, of a locator and a use without their texts: names of members, brackets, commas.
_AROUND_BYTES, _AROUND_VALUES = 200, 20

Key = str | list[str]
Piece = tuple[Locator, Use, Key]


def in_parts(head: FileHead) -> list[FileHead]:
    """The entry itself where it is short enough; else parts whose uses together are its own, in order."""
    if _fits(head):
        return [head]
    return [msgspec.structs.replace(head, locators=_together(pieces)) for pieces in _shares(head)]


def _most_bytes() -> int:
    return min(PART_BYTES, conf.row_limit_bytes() - _BESIDE_BYTES)


def _most_values() -> int:
    return min(PART_VALUES, bounds.values_within(conf.row_limit_bytes()) - _BESIDE_VALUES)


def _fits(head: FileHead) -> bool:
    encoded = msgspec.json.encode(head)
    return len(encoded) <= _most_bytes() and bounds.may_hold(encoded) <= _most_values()


def _shares(head: FileHead) -> Iterator[list[Piece]]:
    share: list[Piece] = []
    size = values = 0
    most_bytes, most_values = _most_bytes(), _most_values()
    for locator in head.locators:
        for use in locator.uses:
            around = len(
                msgspec.json.encode((locator.value, locator.storage, use.section, use.column))
            )
            for key in use.keys:
                is_new = not share or share[-1][0] is not locator or share[-1][1] is not use
                more = len(msgspec.json.encode(key)) + 1 + is_new * (around + _AROUND_BYTES)
                parts = 1 + (0 if isinstance(key, str) else len(key)) + is_new * _AROUND_VALUES
                if share and (size + more > most_bytes or values + parts > most_values):
                    yield share
                    share, size, values = [], 0, 0
                    more += around + _AROUND_BYTES
                share.append((locator, use, key))
                size, values = size + more, values + parts
    yield share


def _together(pieces: list[Piece]) -> list[Locator]:
    """The pieces as locators with their uses again."""
    found: list[Locator] = []
    before: tuple[Locator, Use] | None = None
    for locator, use, key in pieces:
        if before is None or before[0] is not locator:
            found.append(Locator(locator.value, locator.storage, []))
        if not found[-1].uses or before is None or before[1] is not use:
            found[-1].uses.append(Use(use.section, use.column, []))
        found[-1].uses[-1].keys.append(key)
        before = (locator, use)
    return found
