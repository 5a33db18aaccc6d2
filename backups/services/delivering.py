"""Handing a stored backup out, whole or from any byte on, in small blocks and never in memory."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from backups.models import BackupRun
from backups.services import encrypting, vault

BLOCK_BYTES = 256 * 1024
Form = Literal["plain", "stored"]
FORMS: tuple[Form, ...] = ("plain", "stored")


@dataclass(frozen=True)
class Delivery:
    """A file about to be sent: its name for the person, its size, and what proves it unchanged."""

    run: BackupRun
    form: Form
    name: str
    size_bytes: int
    etag: str

    def blocks(self, first: int, last: int) -> Iterator[bytes]:
        """The bytes from ``first`` to ``last``, both included. Raises StorageFailure, ArtifactError.

        In the plain form the compressed stream is read over up to ``first``: a gigabyte a second.
        """
        with vault.path_of(self.run.artifact).open("rb") as stored:
            source = self._source(stored, first)
            left = last - first + 1
            while left > 0:
                block = source.read(min(BLOCK_BYTES, left))
                if not block:
                    return
                left -= len(block)
                yield block

    def _source(self, stored: BinaryIO, first: int) -> BinaryIO:
        if self.form == "stored":
            stored.seek(first)
            return stored
        plain = vault.open_plain(stored)
        while first > 0:
            passed = len(plain.read(min(BLOCK_BYTES, first)))
            if not passed:
                break
            first -= passed
        return plain  # type: ignore[return-value]


def delivery(run: BackupRun, form: Form) -> Delivery:
    """Raises StorageFailure where the file is not there, ConfigurationError where the plain document of an
    encrypted one is asked for."""
    if form == "plain":
        encrypting.require_may_be_plain(run)
    path = vault.path_of(run.artifact)
    size = path.stat().st_size if form == "stored" else run.plain_bytes
    return Delivery(run, form, file_name(run, form), size, f'"{run.digest}-{form}"')


def file_name(run: BackupRun, form: Form) -> str:
    """Tells kind and time: ``safe-backup-2025-10-30-1405Z.json``."""
    at = run.requested_at.astimezone(datetime.UTC)
    kind = "safety" if run.purpose == "safety" else run.scope
    suffix = "json" if form == "plain" else "json.zst" + (".age" if run.encryption else "")
    return f"{kind}-backup-{at:%Y-%m-%d-%H%M}Z.{suffix}"
