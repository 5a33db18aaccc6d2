"""What a command is to read: a file, or a backup that is stored here, named by its number."""

import contextlib
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backups.management import numbers
from backups.models import BackupRun
from backups.services import delivering, vault


@dataclass(frozen=True)
class Source:
    """``path`` is what is read, ``name`` what people call it; ``backup`` where it is a stored one."""

    path: Path
    name: str
    backup: BackupRun | None = None

    @property
    def number(self) -> str:
        return self.backup.pk if self.backup else ""


def add_source(parser: ArgumentParser) -> None:
    parser.add_argument(
        "source",
        metavar="FILE or NUMBER",
        help="a file, or the number of a backup that is stored here, or as much of it as is unique"
        " (backup_list has them); where both fit it is the file",
    )


@contextlib.contextmanager
def opened(given: str) -> Iterator[Source]:
    """The file that was meant; a stored backup is deleted by nobody while the block lasts.

    Raises StorageFailure where it is a number that nothing here has.
    """
    path = Path(given)
    if path.exists() or not numbers.looks_like_one(given):
        yield Source(path, path.name)
        return
    backup = numbers.stored_backup(given)
    with vault.read(backup.artifact) as stored:
        yield Source(stored, delivering.file_name(backup, "stored"), backup)
