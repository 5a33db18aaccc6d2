"""The one place that talks to Django's storages: read, compare, save, delete.

Storages are other people's code: each call may raise anything, say what is not so, or be missing. Out of
here comes an error of our tree or a plain answer, and "unknown" where nobody can tell. ``exists`` and
``size`` are never believed alone: what can be read is there. ``storage.open(name, "wb")`` is never used,
since the stores of the cloud finish such a file even where the writing of it broke off.
"""

import contextlib
import hashlib
import secrets
import stat
import threading
import time
from collections.abc import Callable, Generator, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from django.core.exceptions import SuspiciousOperation
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage
from django.utils import timezone

from backups.errors import BackupSystemError, FetchError
from backups.files.fetched import SETTLED
from backups.files.names import may_be_asked_for
from backups.files.refusals import may_help_later, may_mean_missing, says_bad_name, says_missing
from backups.files.resolve import StorageTarget
from backups.registry.named_storages import storages
from backups.wording import _

READ_BYTES = 256 * 1024
ATTEMPTS = 3
# Some stores show a new file only after a moment.
ATTEMPTS_TO_SEE = 6
# After so many names in a row of which a storage could say nothing, it is asked once each, then no more.
IMPATIENT_AFTER, SILENT_AFTER = 3, 10

# What must end the work even in the middle of a storage's call, such as the time limit of a job.
LET_THROUGH: list[type[Exception]] = []
sleep: Callable[[float], None] = time.sleep

Answer = TypeVar("Answer")


# Who reads a name: some storages hand out one and the same open file, with one position, to all.
_turns: WeakValueDictionary[StorageTarget, threading.Lock] = WeakValueDictionary()
_turns_lock = threading.Lock()


def read(target: StorageTarget) -> Generator[bytes, None, None]:
    """The file's bytes in blocks. Raises FetchError, saying whether trying again may help.

    Nobody else of this process reads the same file meanwhile, so close what you do not read to its end.
    """
    if not target.name.strip("/"):
        raise _missing()
    if not may_be_asked_for(target.name):
        raise _bad_name()
    with _turn(target), _explained():
        storage = storages[target.alias]
        _require_file(storage, target.name)
        blocks = _blocks(storage, target.name)
        first = next(blocks, b"")
        if not first and not _is_empty_file(storage, target.name):
            raise _missing() from _Nothing()
        yield first
        yield from blocks


def size_said(target: StorageTarget) -> int | None:
    """How large the storage says the file is, if it does: often that of the content, though not always."""
    try:
        return _size(storages[target.alias], target.name)
    except BaseException as error:
        let_through(error)
        return None


def state(target: StorageTarget) -> str:
    """What tells this content from what was there before and may be there later: size and time of change.
    Nothing where the storage does not say both, or the change is so young that another could look the same.

    Nothing of a folder of this computer either: reading the file costs no more than reading a copy of it.
    """
    if folder(target.alias) is not None or not may_be_asked_for(target.name):
        return ""
    try:
        storage = storages[target.alias]
        size, changed = _size(storage, target.name), storage.get_modified_time(target.name)
        if timezone.is_naive(changed):
            changed = timezone.make_aware(changed)
        if size is None or timezone.now() - changed < SETTLED:
            return ""
    except BaseException as error:
        let_through(error)
        return ""
    return f"{size} {changed.isoformat()}"


def is_known(alias: str) -> bool:
    """Whether the application has a storage of this alias."""
    return alias in storages.backends


def is_away(alias: str) -> bool:
    """Whether the storage fails even at a name that nobody has, in a way that may pass."""
    try:
        storages[alias].exists(secrets.token_hex(16))
    except BaseException as error:
        let_through(error)
        return may_help_later(error)
    return False


def folder(alias: str) -> Path | None:
    """The folder of this computer that the files lie in, or nothing where they lie elsewhere."""
    try:
        storage = storages[alias]
        return Path(storage.location) if isinstance(storage, FileSystemStorage) else None
    except BaseException as error:
        let_through(error)
        return None


class _Nothing(Exception):
    """The storage opened a file, and nothing was in it; whether there is one it did not say."""


class Found(StrEnum):
    """What lies under a name."""

    ABSENT = "absent"
    SAME = "same"
    OTHER = "other"
    UNKNOWN = "unknown"


class Asking:
    """Asks storages for one piece of work, and remembers which of them do not answer."""

    def __init__(self) -> None:
        self._unanswered: dict[str, int] = {}

    def compare(self, alias: str, name: str, sha256: str, size_bytes: int) -> Found:
        """What lies there, beside content that we have. Never raises for what a storage does.

        At most one block more than ``size_bytes`` is read.
        """
        silent = self._unanswered.get(alias, 0)
        if silent >= SILENT_AFTER:
            return Found.UNKNOWN
        attempts = 1 if silent >= IMPATIENT_AFTER else ATTEMPTS
        target = StorageTarget(alias, name)
        try:
            same = patiently(lambda: _is_same(target, sha256, size_bytes), attempts)
            found = Found.SAME if same else Found.OTHER
        except FetchError as error:
            found = _found_without_content(target, error)
        self._unanswered[alias] = silent + 1 if found is Found.UNKNOWN else 0
        return found

    def is_there(self, alias: str, name: str) -> bool:
        """Whether something lies there for certain."""
        return self.compare(alias, name, "", 0) in (Found.SAME, Found.OTHER)


def is_soon_there(target: StorageTarget, sha256: str, size_bytes: int) -> bool:
    """Whether the content can be read back, be it after a moment."""
    for attempt in range(ATTEMPTS_TO_SEE):
        with contextlib.suppress(FetchError):
            if _is_same(target, sha256, size_bytes):
                return True
        if attempt < ATTEMPTS_TO_SEE - 1:
            pause(attempt)
    return False


def save(target: StorageTarget, content: Path) -> str:
    """Hand a file over under a name that is known to be free. Returns the name that the storage says, or
    nothing where what it says cannot be one.

    One attempt; raises whatever the storage raises, but nothing that would have to end the work.
    """
    storage = storages[target.alias]
    with content.open("rb") as source:
        file = File(source, name=target.name)
        # Django's own ``save`` asks ``exists`` until it says no: of a storage that never does, or may not
        # say so, it would not return, or not save. The backend's own half does not ask.
        if _exists(storage, target.name) is False:
            said = storage.save(target.name, file)
        else:
            said = getattr(storage, "_save", storage.save)(target.name, file)
    said = str(said).replace("\\", "/").lstrip("/") if isinstance(said, str | Path) else ""
    return said if may_be_asked_for(said) else ""


class Left(StrEnum):
    """Why a file was not deleted."""

    BAD_NAME = "its name is none that a file of the storage can have"
    NO_STORAGE = "there is no storage of this alias"
    NO_FILE = "it is no file"
    REFUSED = "the storage does not delete"
    FAILED = "the storage failed"


def delete(target: StorageTarget) -> Left | None:
    """Delete a file. Returns why it was left; ``FAILED`` may go another time. Never raises for what a
    storage does; of a name with nothing under it nothing is left."""
    if not may_be_asked_for(target.name):
        return Left.BAD_NAME
    if not is_known(target.alias):
        return Left.NO_STORAGE
    try:
        patiently(lambda: _delete(target), ATTEMPTS)
    except FetchError as error:
        if error.code == "file.bad_name":
            return Left.BAD_NAME
        if error.code == "file.missing":
            return None if _is_gone(target) else Left.NO_FILE
        return Left.REFUSED if error.permanent else Left.FAILED
    return None


def patiently(ask: Callable[[], Answer], attempts: int = ATTEMPTS) -> Answer:
    """Ask again, after a pause, while a FetchError says that this may help."""
    for attempt in range(attempts):
        try:
            return ask()
        except FetchError as error:
            if error.permanent or attempt == attempts - 1:
                raise
            pause(attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _delete(target: StorageTarget) -> None:
    with _explained():
        storage = storages[target.alias]
        _require_file(storage, target.name)
        storage.delete(target.name)


def _is_gone(target: StorageTarget) -> bool:
    with contextlib.suppress(Exception):
        return _exists(storages[target.alias], target.name) is not True
    return False


def _found_without_content(target: StorageTarget, error: FetchError) -> Found:
    """What lies there, where reading it ended in ``error``."""
    if not is_known(target.alias) or error.code == "file.bad_name":
        return Found.UNKNOWN
    try:
        storage = storages[target.alias]
        if _exists(storage, target.name) or _size(storage, target.name) is not None:
            return Found.OTHER
        if error.code == "file.missing":
            return Found.UNKNOWN if isinstance(error.__cause__, _Nothing) else Found.ABSENT
        says_no = _exists(storage, target.name) is False
    except BaseException as unusable:
        let_through(unusable)
        return Found.UNKNOWN
    return Found.ABSENT if says_no and may_mean_missing(error.__cause__) else Found.UNKNOWN


def _is_same(target: StorageTarget, sha256: str, size_bytes: int) -> bool:
    """Raises FetchError. The size is not asked: it may be that of what is stored, compressed or sealed."""
    digest, size = hashlib.sha256(), 0
    with contextlib.closing(read(target)) as blocks:
        for block in blocks:
            size += len(block)
            if size > size_bytes:
                return False
            digest.update(block)
    return digest.hexdigest() == sha256


def _turn(target: StorageTarget) -> threading.Lock:
    with _turns_lock:
        return _turns.setdefault(target, threading.Lock())


def _blocks(storage: Storage, name: str) -> Iterator[bytes]:
    """The content, in blocks of bearable size whatever the storage makes of the wish for one."""
    stored: Any = storage.open(name, "rb")
    if not hasattr(stored, "read"):
        raise TypeError("what the storage opened cannot be read")
    total = 0
    try:
        while block := stored.read(READ_BYTES):
            if not isinstance(block, bytes | bytearray | memoryview):
                raise TypeError("what the storage reads are no bytes")
            total += len(block)
            for begin in range(0, len(block), READ_BYTES):
                yield bytes(block[begin : begin + READ_BYTES])
            # Some give the whole content at once, and then again at every call.
            if len(block) > READ_BYTES and _size(storage, name) == total:
                break
    finally:
        with contextlib.suppress(Exception):
            stored.close()


def _exists(storage: Storage, name: str) -> bool | None:
    """What the storage says, or None where it does not."""
    try:
        said: object = storage.exists(name)
    except BaseException as error:
        let_through(error)
        return False if says_missing(error) else None
    if isinstance(said, bool):
        return said
    return True if said else None


def _size(storage: Storage, name: str) -> int | None:
    try:
        said = storage.size(name)
    except BaseException as error:
        let_through(error)
        return None
    return said if isinstance(said, int) else None


def _is_empty_file(storage: Storage, name: str) -> bool:
    """Whether a file of no bytes is there. Some open whatever they are asked for."""
    return _exists(storage, name) is True or _size(storage, name) == 0


def _require_file(storage: Storage, name: str) -> None:
    """Opening a named pipe waits until somebody writes to it, which nobody can call off; and deleting a
    folder is not what anybody means."""
    try:
        mode = Path(storage.path(name)).lstat().st_mode
        mode = Path(storage.path(name)).stat().st_mode if stat.S_ISLNK(mode) else mode
    except SuspiciousOperation:
        raise
    except BaseException as error:
        # NotImplementedError is Django's word for a storage that is no folder of this computer; what
        # else is wrong with the name, or with the way there, opening it will tell.
        let_through(error)
        return
    if not stat.S_ISREG(mode):
        raise _missing()


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turn whatever a storage raises into a FetchError. Each has errors of its own: those of a client for
    S3 are no OSError."""
    try:
        yield
    except BackupSystemError:
        raise
    except BaseException as error:
        let_through(error)
        if says_missing(error):
            raise _missing() from error
        if says_bad_name(error):
            raise _bad_name() from error
        raise unreadable(permanent=not may_help_later(error)) from error


def let_through(error: BaseException) -> None:
    """Raise what is not the storage's own: a job's time limit, a generator that is closed, a signal, which
    comes in the main thread alone. Some clients raise what is no ``Exception``, as gevent's Timeout is."""
    ends_us: tuple[type[BaseException], ...] = (GeneratorExit, *LET_THROUGH)
    if threading.current_thread() is threading.main_thread():
        ends_us += (KeyboardInterrupt, SystemExit)
    if isinstance(error, ends_us):
        raise error


def pause(attempt: int) -> None:
    """Wait before another attempt: longer each time."""
    sleep(min(5.0, 0.2 * 2**attempt))


def _missing() -> FetchError:
    return FetchError(
        "file.missing",
        _("The file is not in the file storage."),
        hint=_("Upload the file again, or remove the row that names it."),
    )


def unreadable(*, permanent: bool = False) -> FetchError:
    """The storage raised something, or gave two contents at two readings."""
    return FetchError(
        "file.unreadable",
        _("The file storage could not read the file."),
        hint=_("Check the storage's disk, address and permissions, then make the backup again."),
        permanent=permanent,
    )


def _bad_name() -> FetchError:
    return FetchError(
        "file.bad_name",
        _("The name leads out of the file storage or cannot be a file's name."),
        hint=_("Correct the row that names the file."),
    )
