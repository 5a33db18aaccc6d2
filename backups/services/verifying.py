"""Reading a stored backup end to end: every digest, without touching the database."""

from collections.abc import Callable
from typing import BinaryIO

from django.utils import timezone

from backups import conf
from backups.artifact.manifest import SectionHead
from backups.artifact.reader import ArtifactReader, Tail
from backups.models import BackupRun
from backups.services import vault

Look = Callable[[SectionHead, bytes], None]


def verify_stream(stored: BinaryIO, check: Callable[[], None], look: Look | None = None) -> Tail:
    """Read an open artifact through. ``check`` is called often and may raise to stop it. ``look`` is shown
    the rows of each section in blocks, and may raise too.

    Raises ArtifactError where anything is not as it was written.
    """
    reader = ArtifactReader(vault.open_plain(stored), line_limit_bytes=conf.row_limit_bytes())
    for section in reader.sections():
        for block in section.blocks():
            check()
            if look is not None:
                look(section.head, block)
    for file in reader.files():
        for _ in file.content():
            check()
    return reader.tail()


def verify(run: BackupRun) -> Tail:
    """Verify the stored artifact of a run again and note when. Raises ArtifactError, StorageFailure."""
    with vault.path_of(run.artifact).open("rb") as stored:
        tail = verify_stream(stored, lambda: None)
    run.verified_at = timezone.now()
    run.save(update_fields=["verified_at"])
    return tail
