"""File content out of Django's storages."""

import contextlib
import stat
from collections.abc import Iterator
from pathlib import Path

from django.core.exceptions import SuspiciousOperation
from django.core.files.storage import Storage

from backups.errors import FetchError
from backups.files.resolve import StorageTarget
from backups.registry.named_storages import storages
from backups.wording import _

READ_BYTES = 256 * 1024


def read(target: StorageTarget) -> Iterator[bytes]:
    """The file's bytes in blocks. Raises FetchError, saying whether trying again may help."""
    try:
        storage = storages[target.alias]
        _require_file(storage, target.name)
        with storage.open(target.name, "rb") as stored:
            while block := stored.read(READ_BYTES):
                yield block
    except FetchError:
        raise
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise _missing() from error
    except (SuspiciousOperation, ValueError) as error:
        raise FetchError(
            "file.bad_name",
            _("The name leads out of the file storage or cannot be a file's name."),
            hint=_("Correct the row that names the file."),
        ) from error
    except Exception as error:
        # Each storage backend has errors of its own (an S3 client's are no OSError). Time limits of a
        # job are raised in the main thread, never in the threads that fetch.
        raise FetchError(
            "file.unreadable",
            _("The file storage could not read the file."),
            hint=_(
                "Check the storage's disk, address and permissions, then make the backup again."
            ),
            permanent=False,
        ) from error


def _require_file(storage: Storage, name: str) -> None:
    """Opening a named pipe waits until somebody writes to it, which nobody can call off."""
    # Django's word for a storage that is no folder of this computer, and so has no pipes.
    with contextlib.suppress(NotImplementedError):
        if not stat.S_ISREG(Path(storage.path(name)).stat().st_mode):
            raise _missing()


def _missing() -> FetchError:
    return FetchError(
        "file.missing",
        _("The file is not in the file storage."),
        hint=_("Upload the file again, or remove the row that names it."),
    )
