"""Where artifacts lie: a private folder; nothing in it looks like a backup before it was verified.

``place`` is the folder itself, ``drafts`` what becomes a backup, ``spools`` room for files on their way,
``reading`` and ``copying`` the ways out and in, ``sweeping`` clears up after the dead.
"""

from backups.services.vault.copying import copy_out, take_in
from backups.services.vault.drafts import (
    SUFFIX,
    Draft,
    draft,
    keep,
    make_durable,
    settle,
    unsettled,
)
from backups.services.vault.place import (
    delete,
    disk_errors,
    folder,
    is_read,
    missing,
    path_of,
    read,
    storage_failure,
)
from backups.services.vault.reading import open_plain, opened, reader, unreadable
from backups.services.vault.rooms import fetched, spool
from backups.services.vault.sweeping import sweep

__all__ = [
    "SUFFIX",
    "Draft",
    "copy_out",
    "delete",
    "disk_errors",
    "draft",
    "fetched",
    "folder",
    "is_read",
    "keep",
    "make_durable",
    "missing",
    "open_plain",
    "opened",
    "path_of",
    "read",
    "reader",
    "settle",
    "spool",
    "storage_failure",
    "sweep",
    "take_in",
    "unreadable",
    "unsettled",
]
