"""The file that a restore reads: the given one, or, where the person accepts it, a copy of a reformatted
or edited one in our own layout."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backups.artifact.reformat import reformat
from backups.errors import ArtifactError, StorageFailure
from backups.services import keyring, vault
from backups.services.verifying import verify_stream
from backups.stages import Stage
from backups.wording import _
from restore.plan import Choices
from restore.services.planning.watching import Watch, begin_reading

# What a file may be accepted in spite of, by an explicit choice.
ALTERED = {"artifact.layout", "artifact.damaged"}
_COPY_BYTES = 1 << 20
# What the rest of the server may need meanwhile.
SPARE_BYTES = 64 << 20


@contextmanager
def opened(path: Path, choices: Choices, watch: Watch) -> Iterator[Path]:
    """The path to read. A copy lives as long as the block, in a private folder.

    Where the person accepts an altered file: the stages ``LOOKING`` and ``REWRITING``.

    Raises ArtifactError: the file is not a backup, or is altered and that was not accepted.
    """
    if not choices.accept_altered or not _is_altered(path, watch):
        yield path
        return
    if keyring.is_encrypted(path):
        raise _encrypted_and_altered()
    with vault.spool(f"altered-{secrets.token_hex(8)}") as spool:
        plain, copy = spool.path("plain"), spool.path("copy.json")
        begin_reading(Stage.REWRITING, path, watch)
        with (
            vault.opened(path, watch.at) as stored,
            vault.open_plain(stored) as document,
            plain.open("wb") as out,
        ):
            written = 0
            while block := document.read(_COPY_BYTES):
                watch.check()
                # Behind this one comes the copy, which takes as much again.
                _require_room(plain, 2 * len(block) + written)
                written += out.write(block)
        with copy.open("wb") as out:
            reformat(plain, out)
        plain.unlink()
        yield copy


def _encrypted_and_altered() -> ArtifactError:
    """An orderly copy of it would lie on the disk for whoever reads that."""
    return ArtifactError(
        "artifact.encrypted_altered",
        _("The file is encrypted, and what is in it was reformatted or edited."),
        hint=_("Decrypt it with your key first: age -d -i KEY FILE, then choose the plain file."),
    )


def _require_room(path: Path, needed: int) -> None:
    """Raises StorageFailure while the disk can still do without."""
    if shutil.disk_usage(path.parent).free < needed + SPARE_BYTES:
        raise StorageFailure(
            "storage.full",
            _("The disk of the backups is too full to unpack the file."),
            hint=_("Free space on it, then try again."),
        )


def _is_altered(path: Path, watch: Watch) -> bool:
    begin_reading(Stage.LOOKING, path, watch)
    try:
        with vault.opened(path, watch.at) as stored:
            verify_stream(stored, watch.check)
    except ArtifactError as error:
        if error.code not in ALTERED:
            raise
        return True
    except OSError as error:
        raise vault.unreadable() from error
    return False
