"""Room for files on their way."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from backups.artifact.age_keys import Identity
from backups.files import private
from backups.files.spool import Spool
from backups.services.vault.place import disk_errors, folder

SPOOL = ".spool-"
_FETCHED = ".fetched"


def fetched() -> Path:
    """Where what was fetched is kept for the next backup; it may not be there yet."""
    return folder() / _FETCHED


@contextlib.contextmanager
def spool(run_id: str, key: Identity | None = None) -> Iterator[Spool]:
    """A private folder for files on their way, locked like a draft; removed at the end of the block. ``key``:
    as ``Spool`` takes it."""
    path = folder() / f"{SPOOL}{run_id}"
    with disk_errors():
        descriptor = private.create_locked_folder(path)
    made = Spool(path, key)
    try:
        yield made
    finally:
        made.remove()
        os.close(descriptor)
