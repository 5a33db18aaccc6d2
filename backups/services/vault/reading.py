"""Reading an artifact, wherever it lies and however it is wrapped."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from backups import conf
from backups.artifact import codecs
from backups.artifact.behind import Ahead, hashing
from backups.artifact.codecs import Limited
from backups.artifact.lines import READ_BYTES, Hashing
from backups.artifact.reader import ArtifactReader
from backups.errors import StorageFailure
from backups.services import keyring
from backups.wording import _


def open_plain(stored: BinaryIO) -> Limited:
    """The plain document of an open file, whatever its wrapping; with the keys that are held now."""
    limit_bytes = conf.document_limit_bytes()
    return codecs.open_document(stored, limit_bytes=limit_bytes, unlock=keyring.unlock)


@contextlib.contextmanager
def reader(path: Path, at: Callable[[int], None] | None = None) -> Iterator[ArtifactReader]:
    """An ArtifactReader on a file; ``at`` is told how many of the file's bytes have been read.

    Reading and unpacking go on ahead of the caller and digests behind, in threads that end with the block;
    ``at`` is called in one of them, and what it raises comes out of the reader.

    Raises ArtifactError, or StorageFailure where it cannot be read.
    """
    with opened(path, at) as stored, overlapped(stored) as made:
        yield made


@contextlib.contextmanager
def overlapped(stored: BinaryIO) -> Iterator[ArtifactReader]:
    """An ArtifactReader on an open file, with threads. Raises ArtifactError."""
    with (
        open_plain(stored) as document_inside,
        Ahead(document_inside, block_bytes=READ_BYTES, name="unpacking") as plain,
        hashing("digest of the document") as document,
        hashing("digests of its parts") as parts,
    ):
        yield ArtifactReader(
            plain, line_limit_bytes=conf.row_limit_bytes(), hashing=Hashing(document, parts)
        )


@contextlib.contextmanager
def opened(path: Path, at: Callable[[int], None] | None = None) -> Iterator[BinaryIO]:
    """The file as it is stored. Raises StorageFailure where it cannot be opened."""
    try:
        stored = path.open("rb")
    except OSError as error:
        raise unreadable() from error
    with stored:
        yield _Watched(stored, at) if at else stored  # type: ignore[misc]


class _Watched:
    """Tells how far the reading is: once a block, of a quarter of a megabyte or so."""

    def __init__(self, stored: BinaryIO, at: Callable[[int], None]) -> None:
        self._stored = stored
        self._at = at
        self._furthest = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stored.read(size)
        self._furthest = max(self._furthest, self._stored.tell())
        self._at(self._furthest)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stored.seek(offset, whence)

    def tell(self) -> int:
        return self._stored.tell()


def unreadable() -> StorageFailure:
    return StorageFailure(
        "storage.unreadable",
        _("The file cannot be opened."),
        hint=_("Check the file's name and that this account may read it."),
    )
