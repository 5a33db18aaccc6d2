"""What the format's page says beyond the types of members: nothing stands twice, and counts are true.

docs/artifact-format.md is the law; what it does not allow is refused here. Needs no document in memory.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from backups.artifact import raw_json
from backups.artifact.manifest import Manifest
from backups.artifact.tail import AlteredCell, FileHead, FileStatistics, Statistics

_COLON, _BLANKS = b'":', (b" :", b"\t:", b"\r:")


def row_names_twice(row: bytes, cells: Sequence[Any], raw: Sequence[int]) -> bool:
    """Whether a row has two members of one name. ``cells`` are its decoded ones, ``raw`` the places of those
    that are still JSON, empty where the key is absent.

    Most rows are settled by counting: each member has one quotation mark before a colon, and texts that have
    it too only make the count larger.
    """
    expected = len(cells)
    for place in raw:
        text = bytes(cells[place])
        expected += text.count(_COLON) if text else -1
    blank, tab, carriage = _BLANKS
    if row.count(_COLON) == expected and not (blank in row or tab in row or carriage in row):
        return False
    start = raw_json.value_start(row, 0)
    seen: set[str] = set()
    for name, _, _ in raw_json.members(row, start):
        if name in seen:
            return True
        seen.add(name)
    return False


def is_whole_entry(head: FileHead) -> bool:
    """Whether the entry says what one of its state says, and nothing else."""
    if head.state == "embedded":
        return head.size_bytes is not None and head.sha256 is not None and head.reason is None
    return head.size_bytes is None and head.sha256 is None and head.reason is not None


def has_nul(head: FileHead) -> bool:
    """Whether a text of the entry has a NUL; the keys that it names are not looked at."""
    texts = [head.name, head.media_type]
    for locator in head.locators:
        texts += [locator.value, locator.storage]
        texts += [text for use in locator.uses for text in (use.section, use.column)]
    if head.reason:
        texts += [head.reason.code, head.reason.message]
    return any("\0" in text for text in texts)


class FileCount:
    """Counts entries as the statistics do."""

    def __init__(self) -> None:
        self._entries = 0
        self._found = {"locators": 0, "embedded": 0, "embedded_bytes": 0, "skipped": 0, "gaps": 0}

    def add(self, head: FileHead) -> None:
        self._entries += 1
        self._found["locators"] += len(head.locators)
        self._found["gaps" if head.state == "gap" else head.state] += 1
        self._found["embedded_bytes"] += head.size_bytes or 0

    def agrees(self, said: FileStatistics) -> bool:
        """A file without entries may count the locators whose content it does not hold."""
        found = dict(self._found)
        if not self._entries:
            found["locators"] = said.not_included
        return (
            all(getattr(said, name) == count for name, count in found.items())
            and said.not_included_local <= said.not_included
        )


def are_cells(altered: Iterable[AlteredCell], manifest: Manifest) -> bool:
    """Whether each is a cell of a column that the file has, with as many parts of a key as its section's, and
    none stands twice."""
    cells = list(altered)
    columns = {head.key: set(head.column_names()) for head in manifest.sections}
    parts = {head.key: len(head.primary_key) for head in manifest.sections}
    names = {(cell.section, cell.column, str(cell.key), cell.marked) for cell in cells}
    return len(names) == len(cells) and all(
        cell.column in columns.get(cell.section, ()) and _has_key(cell, parts[cell.section])
        for cell in cells
    )


def _has_key(cell: AlteredCell, parts: int) -> bool:
    if cell.marked:
        return cell.key == ""
    return isinstance(cell.key, str) if parts == 1 else len(cell.key) == parts


def rows_agree(said: Statistics) -> bool:
    """Whether all rows are the sections' rows."""
    return said.rows == sum(section.rows for section in said.sections.values())
