"""File content back into Django's storages, without overwriting or deleting anything that was there.

What is added is written to a journal first, so that it can be taken away again if the restore fails,
even by another process after a hard kill.
"""

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from django.core.exceptions import SuspiciousOperation
from django.core.files import File
from django.core.files.storage import Storage
from django.core.files.utils import validate_file_name

from backups import printed_json
from backups.artifact.reader import FileReader
from backups.artifact.tail import Locator
from backups.database.reading import column_of
from backups.errors import RestoreError
from backups.files.resolve import StorageTarget, resolve
from backups.files.spool import Spool
from backups.registry import StoragePath, registry
from backups.registry.named_storages import storages
from backups.services import vault
from backups.stages import Stage
from backups.wording import _

READ_BYTES = 256 * 1024
MADE_HERE = "restored"
_JOURNAL = ".restored-"


class Journal:
    """The names that a restore added: one JSON array ``[alias, name]`` a line, written before.

    A third element says that the name turned out to be somebody else's.
    """

    def __init__(self, run_id: str) -> None:
        self._path = vault.folder() / f"{_JOURNAL}{run_id}"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._out = os.fdopen(descriptor, "w", encoding="utf-8")

    def note(self, alias: str, name: str) -> None:
        self._write([alias, name])

    def take_back(self, alias: str, name: str) -> None:
        self._write([alias, name, "not ours"])

    def _write(self, line: list[str]) -> None:
        self._out.write(printed_json.compact(line) + "\n")
        self._out.flush()
        os.fsync(self._out.fileno())

    def close(self) -> None:
        self._out.close()

    def forget(self) -> None:
        self.close()
        self._path.unlink(missing_ok=True)


def undo_journal(run_id: str) -> int:
    """Remove what a failed restore added. Returns how many files went; may be called again."""
    path = vault.folder() / f"{_JOURNAL}{run_id}"
    if not path.exists():
        return 0
    ours: dict[tuple[str, str], None] = {}
    for line in path.read_bytes().splitlines():
        with contextlib.suppress(ValueError):  # a last line cut by a kill: its file was not begun
            alias, name, *not_ours = printed_json.parsed(line)
            ours[alias, name] = None
            if not_ours:
                del ours[alias, name]
    for alias, name in ours:
        # Where a folder of the name is a file, there is nothing of ours, and deleting would fail.
        if storages[alias].exists(name):
            storages[alias].delete(name)
    path.unlink(missing_ok=True)
    return len(ours)


def journals() -> list[str]:
    """The runs that have a journal: those at work, and those that ended without a last word."""
    return [path.name.removeprefix(_JOURNAL) for path in vault.folder().glob(f"{_JOURNAL}*")]


def forget_journal(run_id: str) -> None:
    """Remove the journal of a committed restore: its files are data now."""
    (vault.folder() / f"{_JOURNAL}{run_id}").unlink(missing_ok=True)


class What(StrEnum):
    """What becomes of a locator."""

    STAYS = "stays"
    PUT_BACK = "put back"
    RENAMED = "renamed"
    SHARED = "put back for another locator"
    ELSEWHERE = "elsewhere"


def what_becomes_of(locator: Locator, sha256: str, size_bytes: int) -> What:
    """Look, and write nothing. Raises RestoreError where the storage is not known here."""
    if not locator.storage:
        return What.ELSEWHERE
    storage, name = _storage(locator.storage), _name_of(locator)
    if not name or not _is_valid(name):
        return What.RENAMED
    if not storage.exists(name):
        return What.PUT_BACK
    # The size is asked first: reading the whole file is only worth it where it agrees.
    same = storage.size(name) == size_bytes and _hash(storage, name) == sha256
    return What.STAYS if same else What.RENAMED


class Foreseen:
    """What becomes of the locators of a file, one after the other, while nothing is written.

    Several may mean one name: what is put back for the first is there for the next.
    """

    def __init__(self) -> None:
        self._put_back: dict[tuple[str, str], str] = {}

    def of(self, locator: Locator, sha256: str, size_bytes: int) -> What:
        what = what_becomes_of(locator, sha256, size_bytes)
        if what is not What.PUT_BACK:
            return what
        where = (locator.storage, _name_of(locator))
        if where not in self._put_back:
            self._put_back[where] = sha256
            return What.PUT_BACK
        return What.SHARED if self._put_back[where] == sha256 else What.RENAMED


class FilesBack:
    """Puts files back. ``renamed`` lists the locators whose rows must point to a new name."""

    stage = Stage.FILES

    def __init__(self, journal: Journal, spool: Spool, check: Callable[[], None]) -> None:
        self._journal = journal
        self._spool = spool
        self._check = check
        self._put_back: set[tuple[str, str]] = set()
        self.kept = 0
        self.added = 0
        self.renamed: list[tuple[Locator, str]] = []
        self.elsewhere = 0

    def put(self, file: FileReader) -> None:
        """One entry of the artifact. Raises RestoreError where the storage refuses."""
        if file.head.state != "embedded":
            return
        here = [item for item in file.head.locators if item.storage]
        self.elsewhere += len(file.head.locators) - len(here)
        if not here:
            return
        spooled = self._spool.take(self._checked(file), limit_bytes=file.head.size_bytes or 0)
        made: dict[str, str] = {}
        for locator in here:
            self._put_locator(locator, spooled.sha256, made)
        self._spool.discard(spooled.sha256)

    def _checked(self, file: FileReader) -> Iterator[bytes]:
        for block in file.content():
            self._check()
            yield block

    def _put_locator(self, locator: Locator, sha256: str, made: dict[str, str]) -> None:
        """``made`` are the new names that the same bytes have got already, by storage."""
        alias, name = locator.storage, _name_of(locator)
        what = what_becomes_of(locator, sha256, self._spool.path(sha256).stat().st_size)
        if what is What.STAYS:
            self.kept += (alias, name) not in self._put_back
            return
        if what is What.PUT_BACK and self._could_save(alias, name, sha256):
            self._put_back.add((alias, name))
            self.added += 1
            return
        if alias not in made:
            made[alias] = _new_name(name)
            self._save(alias, made[alias], sha256)
        self.renamed.append((locator, _value_like(locator, made[alias])))

    def _could_save(self, alias: str, name: str, sha256: str) -> bool:
        """Whether the storage can give a file this name."""
        try:
            self._save(alias, name, sha256)
        except RestoreError as error:
            if not _is_in_the_way(error.__cause__):
                raise
            self._journal.take_back(alias, name)
            return False
        return True

    def _save(self, alias: str, name: str, sha256: str) -> None:
        storage = _storage(alias)
        self._journal.note(alias, name)
        try:
            with self._spool.path(sha256).open("rb") as content:
                saved = storage.save(name, File(content, name=name))
        except (OSError, SuspiciousOperation) as error:
            raise _refused() from error
        if saved != name:
            # Somebody else took the name since we looked; the storage made another one.
            self._journal.note(alias, saved)
            self._journal.take_back(alias, name)
            raise _refused()
        if _hash(storage, name) != sha256:
            raise _refused()


def _is_in_the_way(cause: BaseException | None) -> bool:
    """Whether a file or a folder has the name of what would have to be the other, or it is too long."""
    kinds = (FileExistsError, NotADirectoryError, IsADirectoryError)
    return isinstance(cause, kinds) or (
        isinstance(cause, OSError) and cause.errno == errno.ENAMETOOLONG
    )


def _name_of(locator: Locator) -> str:
    """The name in the storage that the locator means, or nothing where it means no such name."""
    if locator.storage not in storages.backends:
        return ""
    for is_path in (True,) if _is_path(locator) else (False, True):
        target = resolve(locator.value, locator.storage, is_path=is_path)
        if isinstance(target, StorageTarget):
            return target.name
    return ""


def _is_path(locator: Locator) -> bool:
    """Whether the rows that use it hold paths, which mean a name however much they look like addresses."""
    sections = registry.by_key()
    return any(
        isinstance(file, StoragePath) and column_of(section.model, file.field) == use.column
        for use in locator.uses[:1]
        if (section := sections.get(use.section))
        for file in section.files
    )


def _value_like(locator: Locator, name: str) -> str:
    """A value for the rows that names the new file in the manner of the old value."""
    base = str(getattr(_storage(locator.storage), "base_url", None) or "")
    if base and locator.value.startswith(base) and not _is_path(locator):
        return base + quote(name)
    return f"/{name}" if locator.value.startswith("/") else name


def _storage(alias: str) -> Storage:
    if alias not in storages.backends:
        raise RestoreError(
            "restore.storage_unknown",
            _("The file names a file storage that this application does not have."),
            hint=_(
                "Add the storage to STORAGES, or restore with the application that made the file."
            ),
        )
    return storages[alias]


def _is_valid(name: str) -> bool:
    """A name out of a file is used only if it stays inside the storage (CVE-2021-45452)."""
    if any(ord(letter) < 32 for letter in name) or "\\" in name or len(name.encode()) > 1000:
        return False
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or name != "/".join(parts):
        return False
    try:
        validate_file_name(name, allow_relative_path=True)
    except SuspiciousOperation:
        return False
    return True


def _new_name(name: str) -> str:
    suffix = Path(name).suffix
    safe = suffix if suffix.isascii() and suffix[1:].isalnum() and len(suffix) <= 10 else ""
    return f"{MADE_HERE}/{secrets.token_hex(16)}{safe.lower()}"


def _hash(storage: Storage, name: str) -> str:
    digest = hashlib.sha256()
    try:
        with storage.open(name, "rb") as stored:
            while block := stored.read(READ_BYTES):
                digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest()


def _refused() -> RestoreError:
    return RestoreError(
        "restore.file_storage",
        _("The file storage did not take a file. Nothing was changed."),
        hint=_("Check the storage's space and permissions, then restore again."),
    )
