"""File content back into Django's storages, without overwriting or deleting anything that was there."""

import errno
import secrets
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from backups.artifact.reader import FileReader
from backups.artifact.tail import Locator
from backups.database.table_reading import column_of
from backups.errors import RestoreError
from backups.files import storage
from backups.files.names import alike, folded, may_be_given
from backups.files.refusals import may_help_later
from backups.files.resolve import StorageTarget, base_url, resolve
from backups.files.spool import Spool
from backups.files.storage import Asking, Found
from backups.registry import FileLocator, StoragePath, registry
from backups.stages import Stage
from backups.wording import _
from restore.journal import Journal

MADE_HERE = "restored"
_HOSTED_BY_DEFAULT = "default"
# Where a column sets no bound; longer ones no storage takes.
_LONGEST_NAME = 1000


class FileFate(StrEnum):
    """What becomes of a locator."""

    STAYS = "stays"
    PUT_BACK = "put back"
    RENAMED = "renamed"
    UNSURE = "renamed, as the storage does not say what is there"
    SHARED = "put back for another locator"
    STAYS_FOR_ANOTHER = "stays, and was counted for another locator"
    HOSTED = "hosted here"
    ELSEWHERE = "elsewhere"


class Foreseen:
    """What becomes of the locators of a file, one after the other, while nothing is written.

    Several may mean one name, which is one file to people: what is put back for the first is there for the
    next, and what stays is counted once. ``host`` says that
    files of other servers are to be kept here.
    """

    def __init__(self, *, host: bool = False) -> None:
        self._asking = Asking()
        self._host = host
        self._put_back: dict[StorageTarget, str] = {}
        self._stay: dict[StorageTarget, str] = {}
        self._taken: set[StorageTarget] = set()

    def of(self, locator: Locator, sha256: str, size_bytes: int) -> FileFate:
        """Look, and write nothing. Raises RestoreError where the storage is not known here."""
        if not locator.storage:
            return FileFate.HOSTED if self._host else FileFate.ELSEWHERE
        where = _target_of(locator)
        if where is None:
            return FileFate.RENAMED
        if where in self._put_back:
            same = self._put_back[where] == sha256
            return FileFate.SHARED if same else FileFate.RENAMED
        if self._stay.get(where) == sha256:
            return FileFate.STAYS_FOR_ANOTHER
        fate = self._look(where, sha256, size_bytes)
        if fate is FileFate.PUT_BACK:
            self._put_back[where] = sha256
            self._taken.add(_folded(where))
        elif fate is FileFate.STAYS:
            self._stay[where] = sha256
        return fate

    def _look(self, where: StorageTarget, sha256: str, size_bytes: int) -> FileFate:
        found = self._asking.compare(where.alias, where.name, sha256, size_bytes)
        if found is Found.SAME:
            return FileFate.STAYS
        if found is Found.UNKNOWN:
            # Never under this name: a storage that says nothing may overwrite what is there.
            return FileFate.UNSURE
        is_free = found is Found.ABSENT and not self._is_taken_by_another(where)
        return FileFate.PUT_BACK if is_free else FileFate.RENAMED

    def _is_taken_by_another(self, where: StorageTarget) -> bool:
        """Some storages, and some disks, know no case or no blanks: another's file would be overwritten."""
        return _folded(where) in self._taken or any(
            self._asking.is_there(where.alias, other) for other in alike(where.name)
        )


class FilesBack:
    """Puts files back. ``renamed`` lists the locators whose rows must point to a new name."""

    stage = Stage.FILES

    def __init__(
        self, journal: Journal, spool: Spool, check: Callable[[], None], *, host: bool = False
    ) -> None:
        self._journal = journal
        self._spool = spool
        self._check = check
        self._host = host
        self._foreseen = Foreseen(host=host)
        self.kept = 0
        self.added = 0
        self.hosted = 0
        self.renamed: list[tuple[Locator, str]] = []
        self.elsewhere = 0

    def put(self, file: FileReader) -> None:
        """One entry of the artifact. Raises RestoreError where the storage refuses."""
        if file.head.state != "embedded":
            return
        here = [item for item in file.head.locators if item.storage or self._host]
        self.elsewhere += len(file.head.locators) - len(here)
        if not here:
            return
        spooled = self._spool.take(self._checked(file), limit_bytes=file.head.size_bytes or 0)
        with self._spool.nameless(spooled.sha256) as content:
            entry = _Entry(self._journal, content, spooled.sha256, self._check)
            for locator in here:
                self._put_locator(locator, entry)

    def _checked(self, file: FileReader) -> Iterator[bytes]:
        for block in file.content():
            self._check()
            yield block

    def _put_locator(self, locator: Locator, entry: "_Entry") -> None:
        fate = self._foreseen.of(locator, entry.sha256, entry.size_bytes)
        if fate in (FileFate.STAYS, FileFate.STAYS_FOR_ANOTHER):
            self.kept += fate is FileFate.STAYS
        elif fate is FileFate.HOSTED:
            self.hosted += 1
            alias = _declared_storage(locator)
            self._point(locator, entry.under_new_name(alias, locator.value, _room(locator, alias)))
        elif fate in (FileFate.PUT_BACK, FileFate.SHARED):
            self._put_back(locator, entry)
        else:
            alias = locator.storage
            like, room = _name_of(locator), _room(locator, alias)
            self._point(locator, entry.under_new_name(alias, like, room))

    def _put_back(self, locator: Locator, entry: "_Entry") -> None:
        where = _target_of(locator)
        assert where is not None  # noqa: S101 - else it would not have had this fate
        name, is_new = entry.under(where, _room(locator, where.alias))
        if name == where.name:
            self.added += is_new
        else:
            self._point(locator, StorageTarget(where.alias, name))

    def _point(self, locator: Locator, where: StorageTarget) -> None:
        self.renamed.append((locator, _value_like(locator, where)))


class _Entry:
    """One content on its way into the storages. Equal bytes are saved once for each name, and once in
    each storage under a new one."""

    def __init__(
        self, journal: Journal, content: Path, sha256: str, check: Callable[[], None]
    ) -> None:
        self._journal = journal
        self._content = content
        self._check = check
        self._made: dict[str, str] = {}
        self._saved: dict[StorageTarget, str] = {}
        self.sha256 = sha256
        self.size_bytes = content.stat().st_size

    def under(self, where: StorageTarget, room: int) -> tuple[str, bool]:
        """Save it under this name, which is free. Returns the name that it has then, and whether it was
        saved just now: a new name where the storage cannot give this one, with as many letters as its rows
        have ``room`` for."""
        is_new = where not in self._saved
        if is_new:
            try:
                self._saved[where] = self._save(where)
            except RestoreError as error:
                if not _is_for_the_name(error.__cause__):
                    raise
                self._saved[where] = self.under_new_name(where.alias, where.name, room).name
        name = self._saved[where]
        return name if name == where.name else _fitting(name, room), is_new

    def under_new_name(self, alias: str, like: str, room: int) -> StorageTarget:
        """Save it under a name made here. Raises RestoreError where the rows have no ``room`` for it."""
        made = self._made.get(alias)
        if made is None or len(made) > room:
            made = self._made[alias] = self._save(StorageTarget(alias, _new_name(like, room)))
        return StorageTarget(alias, _fitting(made, room))

    def _save(self, where: StorageTarget) -> str:
        """Returns the name under which it can be read back. Raises RestoreError."""
        require_storage(where.alias)
        for attempt in range(storage.ATTEMPTS):
            self._check()
            self._journal.note(where.alias, where.name)
            try:
                said = storage.save(where, self._content)
            except BaseException as error:
                storage.let_through(error)
                if self._is_saved_in_spite_of(error, where):
                    return where.name
                if attempt == storage.ATTEMPTS - 1 or not may_help_later(error):
                    raise _refused() from error
                storage.pause(attempt)
            else:
                return self._name_of_saved(where, said)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _is_saved_in_spite_of(self, error: BaseException, where: StorageTarget) -> bool:
        """Whether only the storage's answer was lost. Raises RestoreError where the name is in use now."""
        if _is_in_the_way(error):
            self._journal.take_back(where.alias, where.name)
            raise _refused() from error
        found = self._found(where)
        if found is Found.OTHER:
            raise _refused() from error
        return found is Found.SAME

    def _found(self, where: StorageTarget) -> Found:
        return Asking().compare(where.alias, where.name, self.sha256, self.size_bytes)

    def _name_of_saved(self, where: StorageTarget, said: str) -> str:
        """Where the content really is, whatever the storage said."""
        if said == where.name or not said:
            if self._is_there(where):
                return where.name
            raise _refused()
        # The storage made another name: it always does, or somebody took ours since we looked.
        other = StorageTarget(where.alias, said)
        self._journal.note(other.alias, other.name)
        self._journal.take_back(where.alias, where.name)
        if not _is_made_of(said, where.name):
            # One file for all equal contents, perhaps: it may have been there, and others may need it.
            self._journal.take_back(other.alias, other.name)
        found = self._found(where)
        if found is Found.SAME:
            if self._found(other) is not Found.SAME:
                # What it said is no name of the file's, so that the wished one is ours.
                self._journal.note(where.alias, where.name)
            return where.name
        if found is Found.OTHER or not self._is_there(other):
            raise _refused()
        return other.name

    def _is_there(self, where: StorageTarget) -> bool:
        return storage.is_soon_there(where, self.sha256, self.size_bytes)


def _is_made_of(said: str, wished: str) -> bool:
    """Whether the name that a storage gave shows that it is of the file that was just saved."""
    stem, given = Path(wished).stem.lower(), Path(said).name.lower()
    return given.startswith(stem) and not given[len(stem) : len(stem) + 1].isalnum()


def _is_in_the_way(cause: BaseException | None) -> bool:
    """Whether a file or a folder has the name of what would have to be the other, or it is too long."""
    kinds = (FileExistsError, NotADirectoryError, IsADirectoryError)
    return isinstance(cause, kinds) or (
        isinstance(cause, OSError) and cause.errno == errno.ENAMETOOLONG
    )


def _is_for_the_name(cause: BaseException | None) -> bool:
    """Whether another name may do: the storage refused for good, and did not merely fail."""
    if _is_in_the_way(cause):
        return True
    return isinstance(cause, Exception) and not may_help_later(cause)


def _folded(where: StorageTarget) -> StorageTarget:
    return StorageTarget(where.alias, folded(where.name))


def _target_of(locator: Locator) -> StorageTarget | None:
    """The name that the locator means, where a file may have it. Raises RestoreError."""
    require_storage(locator.storage)
    name = _name_of(locator)
    return StorageTarget(locator.storage, name) if may_be_given(name) else None


def _name_of(locator: Locator) -> str:
    """The name in the storage that the locator means, or nothing where it means no such name."""
    if not storage.is_known(locator.storage):
        return ""
    for is_path in (True,) if _is_path(locator) else (False, True):
        target = resolve(locator.value, locator.storage, is_path=is_path)
        if isinstance(target, StorageTarget):
            return target.name
    return ""


def _declared(locator: Locator) -> list[FileLocator]:
    """What is declared of the column whose rows use it; the first use speaks for all."""
    sections = registry.by_key()
    return [
        file
        for use in locator.uses[:1]
        if (section := sections.get(use.section))
        for file in section.files
        if column_of(section.model, file.field) == use.column
    ]


def _is_path(locator: Locator) -> bool:
    """Whether the rows that use it hold paths, which mean a name however much they look like addresses."""
    return any(isinstance(file, StoragePath) for file in _declared(locator))


def _declared_storage(locator: Locator) -> str:
    """The storage that a file of another server goes to: the one that the column's declaration names."""
    return next((file.storage for file in _declared(locator)), _HOSTED_BY_DEFAULT)


def _value_like(locator: Locator, where: StorageTarget) -> str:
    """A value for the rows that names the new file in the manner of the old value."""
    base, value = base_url(where.alias), locator.value
    if not locator.storage:
        # An address takes the place of an address, where the storage's files have any.
        return base + quote(where.name) if base else where.name
    if base and value.startswith(base) and not _is_path(locator):
        return base + quote(where.name)
    return f"/{where.name}" if value.startswith("/") else where.name


def require_storage(alias: str) -> None:
    """Raises RestoreError where the application has no storage of this alias."""
    if not storage.is_known(alias):
        raise RestoreError(
            "restore.storage_unknown",
            _("The file names a file storage that this application does not have."),
            hint=_(
                "Add the storage to STORAGES, or restore with the application that made the file."
            ),
        )


def _room(locator: Locator, alias: str) -> int:
    """How many letters a name in this storage may have, so that the rows can hold what names it."""
    sections = registry.by_key()
    places = {(use.section, use.column) for use in locator.uses if use.section in sections}
    longest = [
        getattr(field, "base_field", field).max_length or _LONGEST_NAME
        for key, column in places
        for field in sections[key].model._meta.local_concrete_fields
        if field.column == column
    ]
    return min(longest, default=_LONGEST_NAME) - len(_value_like(locator, StorageTarget(alias, "")))


def _fitting(name: str, room: int) -> str:
    """Raises RestoreError where the rows have no room for it: cut off, it would lead nowhere."""
    if len(name) > room:
        raise RestoreError(
            "restore.too_long",
            _("A file could only be put back under a longer name than its column has room for."),
            hint=_("Let the column be longer, or the storage give shorter names."),
        )
    return name


def _new_name(like: str, room: int) -> str:
    """A name that nobody has. With little room it is shorter, and at last has neither folder nor suffix."""
    suffix = Path(like.partition("?")[0].partition("#")[0]).suffix
    safe = suffix if suffix.isascii() and suffix[1:].isalnum() and len(suffix) <= 10 else ""
    number = secrets.token_hex(16)
    short = (number, number[:24], number[:16])
    names = (f"{folder}{some}{safe.lower()}" for some in short for folder in (f"{MADE_HERE}/", ""))
    return next((name for name in names if len(name) <= room), number[:16])


def _refused() -> RestoreError:
    return RestoreError(
        "restore.file_storage",
        _("The file storage did not take a file. Nothing was changed."),
        hint=_("Check the storage's space and permissions, then restore again."),
    )
