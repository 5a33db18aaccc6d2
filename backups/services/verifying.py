"""Reading a stored backup end to end: every digest, without touching the database."""

import hashlib
from collections.abc import Callable, Iterable
from typing import BinaryIO, Protocol

from django.utils import timezone

from backups import conf
from backups.artifact.lines import damaged
from backups.artifact.manifest import SectionHead
from backups.artifact.reader import ArtifactReader, Tail
from backups.artifact.rows import RowCodec
from backups.hunting.proving import Said, said_in_head, said_in_tail, said_of_file
from backups.models import BackupRun
from backups.services import keyring, vault

# Of each section. What is wrong with how a column is written is so in all rows.
ROWS_LOOKED_AT = 3


class Look(Protocol):
    """Somebody who looks at all that is read, and may raise."""

    def rows(self, head: SectionHead, block: bytes) -> None:
        """Whole rows of a section."""

    def texts(self, said: Iterable[Said]) -> None:
        """What stands outside of the rows."""


def verify_stream(stored: BinaryIO, check: Callable[[], None], look: Look | None = None) -> Tail:
    """Read an open artifact through. ``check`` is called often and may raise to stop it. ``look`` is shown
    everything but the content of files.

    Raises ArtifactError where anything is not as it was written.
    """
    with vault.open_plain(stored) as plain:
        reader = ArtifactReader(plain, line_limit_bytes=conf.row_limit_bytes())
        if look is not None:
            look.texts(said_in_head(reader.manifest))
        for section in reader.sections():
            unseen = True
            for block in section.blocks():
                check()
                if unseen:
                    _require_form(section.head, block)
                    unseen = False
                if look is not None:
                    look.rows(section.head, block)
        for file in reader.files():
            if look is not None:
                look.texts(said_of_file(file.head))
            for _ in file.content():
                check()
        tail = reader.tail()
        if look is not None:
            look.texts(said_in_tail(tail))
        return tail


def _require_form(head: SectionHead, block: bytes) -> None:
    """A digest agrees with whatever was written; that it can be read as rows, the first ones tell. Raises
    ArtifactError."""
    codec = RowCodec(head)
    for row in block.split(b"\n", ROWS_LOOKED_AT)[:ROWS_LOOKED_AT]:
        if row:
            codec.cells(row)


def verify(run: BackupRun) -> Tail | None:
    """Verify the stored artifact of a run again, end to end, and note when. Of an encrypted one that no key
    of now opens, the bytes are compared with those that were proven when it was made: None.

    Raises ArtifactError, StorageFailure.
    """
    path = vault.path_of(run.artifact)
    opened = not run.stored_sha256 or keyring.opens(path)
    tail = None
    with path.open("rb") as stored:
        if opened:
            tail = verify_stream(stored, lambda: None)
        elif hashlib.file_digest(stored, "sha256").hexdigest() != run.stored_sha256:
            raise damaged()
    run.verified_at = timezone.now()
    run.save(update_fields=["verified_at"])
    return tail
