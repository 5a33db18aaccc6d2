"""A private folder for fetched content on its way into the artifact; equal bytes lie there once."""

import contextlib
import hashlib
import secrets
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from backups.artifact.age import Decrypting, Encrypting
from backups.artifact.age_keys import Identity
from backups.artifact.behind import Source
from backups.artifact.writer import Sink
from backups.errors import FetchError
from backups.files import private
from backups.wording import _

READ_BYTES = 255 * 1024  # a multiple of three: base64 then needs no remainder carried over


# Linux: by it a file of this process is opened anew, also one that has no name any more.
_DESCRIPTORS = Path("/proc/self/fd")


@dataclass(frozen=True)
class Spooled:
    size_bytes: int
    sha256: str


class TooLarge(FetchError):
    """The content is over the limit: skipped by rule, not a gap."""


class Spool:
    """``folder`` exists and is private; ``remove`` removes it with all it holds. With ``key``, which nobody
    else has, content lies in it encrypted; names are digests of the plain content either way."""

    def __init__(self, folder: Path, key: Identity | None = None) -> None:
        self._folder = folder
        self._key = key

    def path(self, name: str) -> Path:
        return self._folder / name

    def take(self, blocks: Iterable[bytes], *, limit_bytes: int) -> Spooled:
        """Store one stream. Raises TooLarge as soon as the limit is passed; keeps nothing then."""
        draft = self.path(f"draft-{secrets.token_hex(8)}")
        digest, size = hashlib.sha256(), 0
        try:
            with private.create(draft) as out, writing(out, self._key) as sink:
                for block in blocks:
                    size += len(block)
                    if size > limit_bytes:
                        raise _too_large(limit_bytes)
                    digest.update(block)
                    sink.write(block)
            name = digest.hexdigest()
            draft.replace(self.path(name))
        finally:
            draft.unlink(missing_ok=True)
        return Spooled(size, name)

    def read(self, sha256: str) -> Iterator[bytes]:
        with self.path(sha256).open("rb") as stored, reading(stored, self._key) as source:
            while block := source.read(READ_BYTES):
                yield block

    @contextlib.contextmanager
    def nameless(self, sha256: str) -> Iterator[Path]:
        """A path to what was taken, for this process and this block alone: its name is taken off the disk at
        once where the system lets a file be opened without one, so that whoever is killed leaves nothing
        behind. Only without a key."""
        with self.path(sha256).open("rb") as held:
            through = _DESCRIPTORS / str(held.fileno())
            has_path = through.exists()
            if has_path:
                self.discard(sha256)
            try:
                yield through if has_path else self.path(sha256)
            finally:
                self.discard(sha256)

    def discard(self, sha256: str) -> None:
        self.path(sha256).unlink(missing_ok=True)

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


@contextlib.contextmanager
def writing(out: BinaryIO, key: Identity | None) -> Iterator[Sink]:
    """What writes to ``out``, encrypted to ``key`` where there is one; whole at the end of the block."""
    if key is None:
        yield out
        return
    with Encrypting(out, [key.recipient]) as sealed:
        yield sealed


@contextlib.contextmanager
def reading(stored: BinaryIO, key: Identity | None) -> Iterator[Source]:
    """What was written so. The source raises ArtifactError where it is not as it was written."""
    if key is None:
        yield stored
        return
    with contextlib.closing(Decrypting(stored, [key])) as plain:
        yield plain


def _too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(
        "file.too_large",
        _("The file is larger than {limit} bytes, so the rule leaves it out.", limit=limit_bytes),
        hint=_("Keep a copy of the file elsewhere, or raise BACKUPS_FILE_LIMIT_BYTES."),
    )
