"""Clearing up after writers that died."""

from backups.files import private
from backups.files.spool import Spool
from backups.services.sweeping import passed_over
from backups.services.vault.drafts import PARTIAL
from backups.services.vault.place import folder
from backups.services.vault.rooms import SPOOL


def sweep() -> int:
    """Remove what dead writers left behind; what is locked belongs to a living one. Returns how many."""
    removed = 0
    for path in [*folder().glob(f"{PARTIAL}*"), *folder().glob(f"{SPOOL}*")]:
        with passed_over("removing what it left behind", path.name.partition("-")[2]):
            if not private.is_abandoned(path):
                continue
            if path.is_dir() and not path.is_symlink():
                Spool(path).remove()
            else:
                path.unlink(missing_ok=True)
            removed += 1
    return removed
