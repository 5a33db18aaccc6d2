"""How many of anything a document may have, so that no list of it fills the memory.

Far above what any application has: PostgreSQL itself takes 1,600 columns and 32 in a key.
"""

import re
from collections.abc import Sized

from backups.errors import ArtifactError
from backups.wording import _

MEBIBYTE = 1024 * 1024
# Bytes of one line. A file that very many rows use has a long entry.
HEAD_BYTES = 16 * MEBIBYTE
ENTRY_BYTES = 64 * MEBIBYTE
LIST_BYTES = 16 * MEBIBYTE
INTEGRITY_BYTES = 64 * 1024
# Things of one list.
SECTIONS = 10_000
COLUMNS = 1_600
KEY_COLUMNS = 32
# Characters of a name of a section, table, column or type; PostgreSQL's own end at 63 bytes.
NAME_CHARACTERS = 1_000
# Values in one line of lists: of a file entry above all, whose keys may be very many and very short.
VALUES = 2_000_000
# What one of them takes of the memory at most, read twice as the members of one name are looked for.
_VALUE_BYTES = 300
# Whatever the limit: three megabytes.
_FEW_VALUES = 10_000
# How often a line stands in memory while it is read.
_COPIES = 3
SEQUENCES = 10_000
# Cells with a marker; a writer that has more says it of the column.
ALTERED = 100_000


_OPENS_VALUE = b",[{"
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)


def values_within(line_limit: int) -> int:
    """How many values a line of lists may have, so that reading it takes four times the limit of a line at
    most; where that is set low, fewer."""
    room = 4 * line_limit - _COPIES * min(line_limit, ENTRY_BYTES)
    return max(_FEW_VALUES, min(VALUES, room // _VALUE_BYTES))


def require_few_values(line: bytes, most: int = VALUES) -> None:
    """Raises ArtifactError where a line of JSON has more values than any backup's, before they are made:
    an empty list takes three bytes of a file and twenty times as much of the memory."""
    if may_hold(line) > most and _hold_more(line, most):
        raise _too_many()


def _hold_more(line: bytes, most: int) -> bool:
    """Whether there are more values outside of strings; ends where it knows."""
    count = place = 0
    for string in _STRINGS.finditer(line):
        count += _between(line, place, string.start())
        place = string.end()
        if count > most:
            return True
    return count + _between(line, place, len(line)) > most


def _between(line: bytes, start: int, end: int) -> int:
    if end - start == 1:
        return line[start] in _OPENS_VALUE
    return sum(line.count(mark, start, end) for mark in (b",", b"[", b"{"))


def may_hold(line: bytes) -> int:
    """How many values a line of JSON has at most."""
    return sum(map(line.count, (b",", b"[", b"{")))


def require_at_most(most: int, *lists: Sized) -> None:
    """Raises ArtifactError where one of the lists is longer."""
    if any(len(given) > most for given in lists):
        raise _too_many()


def _too_many() -> ArtifactError:
    return ArtifactError(
        "artifact.too_many",
        _("The file has a list that is longer than that of any backup."),
        hint=_("The file was edited. Use another copy of it."),
    )
