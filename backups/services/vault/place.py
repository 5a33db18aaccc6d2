"""The folder itself, what the disk may say of it, and the files in it by name."""

import contextlib
import errno
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from backups import conf
from backups.errors import StorageFailure
from backups.files import private
from backups.wording import _

logger = logging.getLogger("backups")

LONGEST_NAME = 255


def folder() -> Path:
    """The folder, made at first need with mode 0700."""
    with disk_errors():
        return private.make_folder(conf.root())


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


def path_of(name: str) -> Path:
    """The stored file. Raises StorageFailure where it is not there (any more)."""
    path = folder() / name
    if not _is_name(name) or not path.is_file():
        raise missing()
    return path


def missing() -> StorageFailure:
    return StorageFailure(
        "storage.missing",
        _("The backup's file is not in the folder of the backups."),
        hint=_("It was deleted or moved. Use another backup, or put the file back."),
    )


@contextlib.contextmanager
def read(name: str) -> Iterator[Path]:
    """The stored file, of which ``is_read`` is true while the block lasts, in every process.

    Raises StorageFailure where it is gone.
    """
    path = path_of(name)
    with disk_errors(), private.shared(path):
        yield path


def is_read(name: str) -> bool:
    """Whether some process is within ``read`` of it."""
    with disk_errors():
        return _is_name(name) and private.is_shared(folder() / name)


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
