"""The recovery kit that somebody gave for one file: beside that file, private, and gone with it.

A worker is another process than the page that took the kit, and nothing of a key belongs into a row, a job
or a log.
"""

from backups.errors import StorageFailure
from backups.files import private
from backups.services import vault
from backups.services.recovery_kit import RecoveryKit

SUFFIX = ".kit"


def keep(stored: str, kit: RecoveryKit) -> None:
    """Let ``kit`` count for the file of this name, in place of one that was given before. Private keys that
    are in it are not kept.

    Raises StorageFailure."""
    with vault.disk_errors():
        keys = "".join(f"{one.hex()}\n" for one in (kit.key, *kit.former))
        private.write(vault.folder() / (stored + SUFFIX), keys.encode())


def of(stored: str) -> RecoveryKit | None:
    """The kit that was given for the file; None where none was. Raises StorageFailure."""
    if not stored:
        return None
    try:
        today, *former = vault.path_of(stored + SUFFIX).read_text().split()
        return RecoveryKit(bytes.fromhex(today), tuple(map(bytes.fromhex, former)))
    except (StorageFailure, FileNotFoundError, ValueError):
        return None


def discard(stored: str) -> None:
    """Idempotent."""
    if stored:
        vault.delete(stored + SUFFIX)
