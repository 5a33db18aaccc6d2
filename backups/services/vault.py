"""Where artifacts lie: a private folder; nothing in it looks like a backup before it was verified."""

import contextlib
import errno
import fcntl
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from backups import conf
from backups.artifact import codecs
from backups.artifact.codecs import Limited
from backups.artifact.reader import ArtifactReader, truncated
from backups.errors import StorageFailure
from backups.files.spool import Spool
from backups.services.sweeping import passed_over
from backups.wording import _

logger = logging.getLogger("backups")

_PARTIAL = ".partial-"
_SPOOL = ".spool-"
_NAMED = ".named-"
SUFFIX = ".json.zst"
LONGEST_NAME = 255


def folder() -> Path:
    """The folder, made at first need with mode 0700."""
    root = conf.root()
    with disk_errors():
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root


@contextlib.contextmanager
def disk_errors() -> Iterator[None]:
    """Turn what the disk says into an error that helps."""
    try:
        yield
    except OSError as error:
        raise storage_failure(error) from error


def storage_failure(error: OSError) -> StorageFailure:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageFailure(
            "storage.full",
            _("The disk that holds the backups is full."),
            hint=_("Free space on it or delete old backups, then try again."),
            permanent=False,
        )
    return StorageFailure(
        "storage.failed",
        _(
            "The folder of the backups cannot be used ({errno}).",
            errno=errno.errorcode.get(error.errno or 0, "?"),
        ),
        hint=_("Check that BACKUPS_ROOT exists and is writable by the application."),
    )


class Draft:
    """An artifact being written: private, locked while its writer lives, without a final name."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self.path = path
        self.stream = stream


@contextlib.contextmanager
def draft(run_id: str) -> Iterator[Draft]:
    """A new draft; removed at the end of the block unless ``keep`` gave it its final name."""
    path = folder() / f"{_PARTIAL}{run_id}"
    try:
        with _locked_file(path) as stream:
            yield Draft(path, stream)
    finally:
        path.unlink(missing_ok=True)


def _locked_file(path: Path) -> BinaryIO:
    """A new file, locked. A sweep may see it before it is locked and remove it: then once more."""
    while True:
        with disk_errors():
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        stream = os.fdopen(descriptor, "r+b")
        fcntl.flock(stream, fcntl.LOCK_EX)
        if os.fstat(stream.fileno()).st_nlink:
            return stream
        stream.close()


def keep(finished: Draft, verify: Callable[[BinaryIO], object], *, run_id: str = "") -> str:
    """Make the draft durable, let ``verify`` read it back, and give it its final random name.

    With ``run_id`` a note of the name stays until ``settle``: who dies before the run's row has the name
    would leave a file that nobody could find, download or delete.
    """
    with disk_errors():
        finished.stream.flush()
        os.fsync(finished.stream.fileno())
    finished.stream.seek(0)
    verify(finished.stream)
    name = secrets.token_hex(16) + SUFFIX
    with disk_errors():
        if run_id:
            _note_of(run_id).touch(0o600)
            _note_of(run_id).write_text(name)
        finished.path.rename(folder() / name)
        try:
            _sync_folder()
        except BaseException:
            (folder() / name).unlink(missing_ok=True)
            raise
    return name


def unsettled() -> dict[str, str]:
    """The names that runs gave and that nobody has settled yet, by run; of the living and the dead."""
    found = {}
    for note in sorted(folder().glob(f"{_NAMED}*")):
        run_id = note.name.removeprefix(_NAMED)
        with passed_over("reading the note of its file's name", run_id), note.open("rb") as named:
            found[run_id] = named.read(LONGEST_NAME + 1).decode("ascii")
    return found


def settle(run_id: str) -> None:
    """The run's row has the name, or the file is gone."""
    with disk_errors():
        _note_of(run_id).unlink(missing_ok=True)


def _note_of(run_id: str) -> Path:
    return folder() / f"{_NAMED}{run_id}"


def _sync_folder() -> None:
    descriptor = os.open(folder(), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def spool(run_id: str) -> Iterator[Spool]:
    """A private folder for files on their way, locked like a draft; removed at the end of the block."""
    path = folder() / f"{_SPOOL}{run_id}"
    descriptor = _locked_folder(path)
    made = Spool(path)
    try:
        yield made
    finally:
        made.remove()
        os.close(descriptor)


def _locked_folder(path: Path) -> int:
    while True:
        with disk_errors():
            path.mkdir(mode=0o700)
            descriptor = os.open(path, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)


def path_of(name: str) -> Path:
    """The stored file. Raises StorageFailure where it is not there (any more)."""
    path = folder() / name
    if not _is_name(name) or not path.is_file():
        raise StorageFailure(
            "storage.missing",
            _("The backup's file is not in the folder of the backups."),
            hint=_("It was deleted or moved. Use another backup, or put the file back."),
        )
    return path


def delete(name: str) -> None:
    """Delete a stored file. Of a name that no file of the folder can have, nothing is there to delete."""
    if not _is_name(name):
        logger.warning("a name that no file of the backups can have was passed over")
        return
    with disk_errors():
        (folder() / name).unlink(missing_ok=True)


def _is_name(name: str) -> bool:
    """Whether it names a file right in the folder, and nowhere else."""
    return (
        name == Path(name).name and "\0" not in name and 0 < len(os.fsencode(name)) <= LONGEST_NAME
    )


def open_plain(stored: BinaryIO) -> Limited:
    """The plain document of an open file, whatever its wrapping."""
    return codecs.open_document(stored, limit_bytes=conf.document_limit_bytes())


@contextlib.contextmanager
def reader(path: Path, at: Callable[[int], None] | None = None) -> Iterator[ArtifactReader]:
    """An ArtifactReader on a file; ``at`` is told how many of the file's bytes have been read.

    Raises ArtifactError, or StorageFailure where it cannot be read.
    """
    with opened(path, at) as stored:
        yield ArtifactReader(open_plain(stored), line_limit_bytes=conf.row_limit_bytes())


@contextlib.contextmanager
def opened(path: Path, at: Callable[[int], None] | None = None) -> Iterator[BinaryIO]:
    """The file as it is stored. Raises StorageFailure where it cannot be opened."""
    try:
        stored = path.open("rb")
    except OSError as error:
        raise unreadable() from error
    with stored:
        yield _Watched(stored, at) if at else stored  # type: ignore[misc]


class _Watched:
    """Tells how far the reading is: once a block, of a quarter of a megabyte or so."""

    def __init__(self, stored: BinaryIO, at: Callable[[int], None]) -> None:
        self._stored = stored
        self._at = at

    def read(self, size: int = -1) -> bytes:
        data = self._stored.read(size)
        self._at(self._stored.tell())
        return data

    def seek(self, offset: int) -> int:
        return self._stored.seek(offset)


def copy_plain(name: str, target: Path) -> None:
    """Write the plain document of a stored artifact to ``target``, private and whole or not at all.

    Raises ArtifactError where the stored file ends too early, StorageFailure where it cannot be written.
    """
    draft_path = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    with path_of(name).open("rb") as stored:
        try:
            _copy_whole(open_plain(stored), draft_path)
            draft_path.replace(target)
        except OSError as error:
            raise StorageFailure(
                "output.failed",
                _(
                    "The plain copy cannot be written there ({errno}). The backup itself is kept.",
                    errno=errno.errorcode.get(error.errno or 0, "?"),
                ),
                hint=_("Name a file in a folder with enough space where this account may write."),
                permanent=False,
            ) from error
        finally:
            draft_path.unlink(missing_ok=True)


def _copy_whole(plain: Limited, target: Path) -> None:
    """A compressed file that was cut short just ends; the last line tells."""
    end = b""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        while block := plain.read(1 << 20):
            out.write(block)
            end = (end + block)[-1024:]
        out.flush()
        os.fsync(out.fileno())
    if b'\n"integrity": ' not in end or not end.endswith(b"}\n"):
        raise truncated()


def sweep() -> int:
    """Remove what dead writers left behind; what is locked belongs to a living one. Returns how many."""
    removed = 0
    for path in [*folder().glob(f"{_PARTIAL}*"), *folder().glob(f"{_SPOOL}*")]:
        with passed_over("removing what it left behind", path.name.partition("-")[2]):
            if not _is_abandoned(path):
                continue
            if path.is_dir() and not path.is_symlink():
                Spool(path).remove()
            else:
                path.unlink(missing_ok=True)
            removed += 1
    return removed


def _is_abandoned(path: Path) -> bool:
    try:
        # Whatever it is, opening it must not wait, as it would for a named pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return path.is_symlink()  # to nowhere
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def take_in(source: Path, run_id: str) -> str:
    """Copy a file into the folder, private, under a name of its own. Returns the name."""
    name = f"import-{run_id}"
    try:
        given = source.open("rb")
    except OSError as error:
        raise unreadable() from error
    with given, disk_errors():
        descriptor = os.open(folder() / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as out:
                shutil.copyfileobj(given, out, 1 << 20)
        except BaseException:
            (folder() / name).unlink()
            raise
    return name


def unreadable() -> StorageFailure:
    return StorageFailure(
        "storage.unreadable",
        _("The file cannot be opened."),
        hint=_("Check the file's name and that this account may read it."),
    )
