"""A stored artifact as a plain file for a person, and a person's file into the folder."""

import errno
import secrets
import shutil
from pathlib import Path
from typing import BinaryIO

from backups.artifact.codecs import Limited
from backups.artifact.lines import truncated
from backups.errors import StorageFailure
from backups.files import private
from backups.services.vault.place import disk_errors, folder, path_of
from backups.services.vault.reading import open_plain, unreadable
from backups.wording import _


def copy_out(name: str, target: Path, *, as_stored: bool = False) -> None:
    """Write a stored artifact to ``target``, private and whole or not at all: its plain document, or as it
    is stored.

    Raises ArtifactError where the stored file ends too early, StorageFailure where it cannot be written.
    """
    draft_path = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    with path_of(name).open("rb") as stored:
        try:
            if as_stored:
                _copy(stored, draft_path)
            else:
                _copy_whole(open_plain(stored), draft_path)
            draft_path.replace(target)
        except OSError as error:
            raise StorageFailure(
                "output.failed",
                _(
                    "The copy cannot be written there ({errno}). The backup itself is kept.",
                    errno=errno.errorcode.get(error.errno or 0, "?"),
                ),
                hint=_("Name a file in a folder with enough space where this account may write."),
                permanent=False,
            ) from error
        finally:
            draft_path.unlink(missing_ok=True)


def _copy(stored: BinaryIO, target: Path) -> None:
    with private.create(target) as out:
        shutil.copyfileobj(stored, out, 1 << 20)
        private.sync(out)


def _copy_whole(plain: Limited, target: Path) -> None:
    """A compressed file that was cut short just ends; the last line tells."""
    end = b""
    with private.create(target) as out:
        while block := plain.read(1 << 20):
            out.write(block)
            end = (end + block)[-1024:]
        private.sync(out)
    if b'\n"integrity": ' not in end or not end.endswith(b"}\n"):
        raise truncated()


def take_in(source: Path, run_id: str) -> str:
    """Copy a file into the folder, private, under a name of its own. Returns the name."""
    name = f"import-{run_id}"
    try:
        given = source.open("rb")
    except OSError as error:
        raise unreadable() from error
    with given, disk_errors():
        out = private.create(folder() / name)
        try:
            with out:
                shutil.copyfileobj(given, out, 1 << 20)
                private.sync(out)
        except BaseException:
            (folder() / name).unlink()
            raise
    return name
