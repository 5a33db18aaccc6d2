"""What the file entries of a file may do: put files where a declaration has them, and nothing else.

A locator of the file is a wish: to write into a storage, and to change cells of rows. Both are granted only
as a column's declaration names them. Whatever else is asked for blocks the restore.
"""

from collections.abc import Iterator
from enum import StrEnum

from backups.artifact.manifest import Manifest
from backups.artifact.tail import FileHead, Locator, Use
from backups.database.connection import Connection
from backups.database.table_reading import column_of
from backups.findings import Finding, Severity
from backups.registry import FileLocator, Registry, StoragePath
from backups.wording import Sentence, _
from restore.database.targets import Target
from restore.database.used_rows import UsedRows
from restore.database.waiting_tables import WaitingTable
from restore.services.planning.matching import Match


class Wrong(StrEnum):
    """What an entry may ask for and does not get."""

    SCOPE = "files in a Safe file"
    STORAGE = "another storage"
    COLUMN = "another column, or no row"
    ROWS = "rows that are not there"


_EDITED = _("The file was edited, or made by an application that declares its files otherwise.")
_SAID: dict[Wrong, tuple[str, Sentence]] = {
    Wrong.SCOPE: (
        "restore.file_in_safe",
        _("The Safe file brings files, which a Safe file never holds."),
    ),
    Wrong.STORAGE: (
        "restore.file_storage",
        _("File entries lead into a storage that the declaration of their column does not name."),
    ),
    Wrong.COLUMN: (
        "restore.file_column",
        _("File entries name no row, or a column that is not declared to locate files."),
    ),
    Wrong.ROWS: (
        "restore.file_rows",
        _("File entries name rows that are not in the file."),
    ),
}


class EntryCheck:
    """Looks at one entry after the other. ``findings`` counts what is wrong by its kind, so that a file
    cannot make them many."""

    def __init__(
        self,
        connection: Connection,
        manifest: Manifest,
        matched: Match,
        declared: Registry,
        waiting: dict[str, WaitingTable],
    ) -> None:
        self._is_safe = manifest.type == "safe"
        self._columns = {head.key: frozenset(head.column_names()) for head in manifest.sections}
        self._targets = {target.head.key: target for target in matched.targets}
        self._storages = {
            file.storage for section in declared.by_key().values() for file in section.files
        }
        self._files = {key: declared_files(target) for key, target in self._targets.items()}
        self._rows = UsedRows(connection, waiting)
        self._wrong: dict[Wrong, int] = {}

    def look(self, head: FileHead) -> None:
        """Note what the entry asks for and must not have."""
        wrong = {Wrong.SCOPE} if self._is_safe else set()
        for locator in head.locators:
            wrong |= set(self._wrong_with(locator))
        if not head.locators:
            wrong.add(Wrong.COLUMN)
        for kind in wrong:
            self._wrong[kind] = self._wrong.get(kind, 0) + 1

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong; the rows' keys are looked up now."""
        absent = self._rows.absent()
        if absent:
            self._wrong[Wrong.ROWS] = self._wrong.get(Wrong.ROWS, 0) + absent
        for kind in Wrong:
            if count := self._wrong.get(kind):
                code, message = _SAID[kind]
                yield Finding(code, Severity.ERROR, message, _EDITED, count=count)

    def _wrong_with(self, locator: Locator) -> Iterator[Wrong]:
        if locator.storage and locator.storage not in self._storages:
            yield Wrong.STORAGE
        if not any(use.keys for use in locator.uses):
            yield Wrong.COLUMN
        for use in locator.uses:
            yield from self._wrong_with_use(locator, use)

    def _wrong_with_use(self, locator: Locator, use: Use) -> Iterator[Wrong]:
        if use.column not in self._columns.get(use.section, ()):
            yield Wrong.COLUMN
            return
        target = self._targets.get(use.section)
        if target is None or use.column not in target.file_columns:
            return  # The section is refused, or the column has gone: nothing is written there.
        files = self._files[use.section].get(use.column, [])
        if not files:
            yield Wrong.COLUMN
        elif not any(_may_lead(file, locator.storage) for file in files):
            yield Wrong.STORAGE
        if not self._rows.add(target, use.keys):
            yield Wrong.ROWS


def declared_files(target: Target) -> dict[str, list[FileLocator]]:
    """The declarations of a section's columns that locate files, by the name that the file has for the
    column."""
    section = target.reading.section
    named = {live: name for name, live in target.loads}
    found: dict[str, list[FileLocator]] = {}
    for file in section.files:
        column = named.get(column_of(section.model, file.field))
        if column is not None:
            found.setdefault(column, []).append(file)
    return found


def _may_lead(file: FileLocator, storage: str) -> bool:
    """Addresses may lead elsewhere; a path leads into its storage only."""
    return storage == file.storage or (not storage and not isinstance(file, StoragePath))
