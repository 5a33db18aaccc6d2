"""Reading a backup back while it is still being written: from the disk, never from memory.

A thread follows the writer with a file handle of its own. Once the file is durable, what was read is hashed
again, so that bytes that changed on the disk meanwhile are noticed as if all had been read only then. Of an
encrypted file the keys that are held where the reading back begins open it there too.
"""

import contextvars
import hashlib
import io
import threading
from collections.abc import Callable
from types import TracebackType
from typing import BinaryIO, Self

from backups.artifact.lines import damaged
from backups.services.vault import Draft

HASH_BYTES = 1024 * 1024
_LOOK_SECONDS = 0.2

Verify = Callable[[BinaryIO], object]


class _Stopped(Exception):
    """Nobody wants the file any more."""


class Following:
    """What has been written so far; reading waits until there is as much as was asked for, or the end.

    Waiting for all of it makes the reads of equal files equal in number.
    """

    def __init__(self, stored: BinaryIO) -> None:
        self._stored = stored
        self._written_bytes = 0
        self._is_whole = self._is_stopped = False
        self._changed = threading.Condition()
        self._digest = hashlib.sha256()
        self.read_bytes = 0
        self.sha256 = ""

    def wrote(self, size_bytes: int) -> None:
        with self._changed:
            self._written_bytes += size_bytes
            self._changed.notify_all()

    def is_whole(self) -> None:
        with self._changed:
            self._is_whole = True
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def read(self, size: int = -1, /) -> bytes:
        self._wait_for(size)
        place = self._stored.tell()
        data = self._stored.read(size)
        # What is read again was hashed already.
        new = data[max(0, self.read_bytes - place) :] if place <= self.read_bytes else b""
        self._digest.update(new)
        self.read_bytes += len(new)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_END:
            self._wait_for(-1)
        return self._stored.seek(offset, whence)

    def tell(self) -> int:
        return self._stored.tell()

    def readable(self) -> bool:
        return True

    def is_still(self, stored: BinaryIO, check: Callable[[], None]) -> bool:
        """Whether the file begins with what was read. ``sha256`` is that of the whole file then."""
        digest, left = hashlib.sha256(), self.read_bytes
        while left and (block := stored.read(min(left, HASH_BYTES))):
            check()
            digest.update(block)
            left -= len(block)
        same = digest.digest() == self._digest.digest()
        while block := stored.read(HASH_BYTES):
            check()
            digest.update(block)
        self.sha256 = digest.hexdigest()
        return same

    def _wait_for(self, size: int) -> None:
        """Up to ``size`` more bytes, below 0 for all."""
        needed = self._stored.tell() + size if size >= 0 else None
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._is_stopped
                    or self._is_whole
                    or (needed is not None and self._written_bytes >= needed)
                )
            )
            if self._is_stopped:
                raise _Stopped


class ReadingBack:
    """``sink`` is where the backup is written to; ``finish`` gives the answer. Nothing outlives the block."""

    def __init__(self, draft: Draft, verify: Verify, check: Callable[[], None]) -> None:
        self._draft = draft
        self._verify = verify
        self._check = check
        self._error: BaseException | None = None
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=lambda: context.run(self._run), name="behind reading back", daemon=True
        )

    def __enter__(self) -> Self:
        self._stored = self._draft.open_again()
        self.following = Following(self._stored)
        self.sink = _Telling(self._draft.stream, self.following)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.following.stop()
        self._thread.join()
        self._stored.close()

    def finish(self, stored: BinaryIO) -> None:
        """The file is whole and durable: wait for the end of the reading. ``stored`` is the file from its
        start. Raises what ``verify`` raises, and ArtifactError ``artifact.damaged``."""
        self.following.is_whole()
        while self._thread.is_alive():
            self._thread.join(_LOOK_SECONDS)
            self._check()
        if self._error is not None:
            raise self._error
        self.require_still(stored, self._check)

    def require_still(self, stored: BinaryIO, check: Callable[[], None]) -> None:
        """Hash what was read again. ``stored`` is the file from its start. Raises ArtifactError
        ``artifact.damaged``."""
        if not self.following.is_still(stored, check):
            raise damaged()

    def _run(self) -> None:
        try:
            self._verify(self.following)  # type: ignore[arg-type]
        except BaseException as error:  # ``finish`` raises it
            self._error = error


class _Telling:
    """Writes to the disk, and says how much is there to be read."""

    def __init__(self, stream: BinaryIO, following: Following) -> None:
        self._stream = stream
        self.following = following

    def write(self, block: bytes, /) -> int:
        written = self._stream.write(block)
        self._stream.flush()
        self.following.wrote(written)
        return written

    def flush(self) -> None:
        self._stream.flush()
