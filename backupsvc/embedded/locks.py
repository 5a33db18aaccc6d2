"""Who may start and stop the servers, and who uses them: two lock files, no counting.

The kernel drops both locks when a process dies, however it dies, so neither can be left over.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backupsvc.embedded.errors import EmbeddedError


@contextmanager
def exclusive(path: Path, *, timeout_seconds: float) -> Iterator[None]:
    """Hold ``path`` alone; waits for others.

    Raises:
        EmbeddedError: ``lock-timeout``, when another process holds it for too long.
    """
    descriptor = _open(path)
    try:
        deadline = time.monotonic() + timeout_seconds
        while not _try(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    "lock-timeout",
                    f"another process has been starting or stopping the servers for "
                    f"{timeout_seconds:.0f} s",
                    hint=f"wait for it, or end the process that holds {path}",
                )
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def hold(path: Path) -> bool:
    """Hold ``path`` alone until this process ends; whether that was possible at once."""
    descriptor = _open(path)
    if _try(descriptor, fcntl.LOCK_EX):
        return True
    os.close(descriptor)
    return False


class Membership:
    """This process's place among the users of a pair; join and leave under the exclusive lock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    @property
    def joined(self) -> bool:
        return self._descriptor is not None

    def join(self) -> None:
        """Idempotent. The descriptor is not inherited by programs that this process starts."""
        if self._descriptor is None:
            self._descriptor = _open(self._path)
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def leave(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def others_remain(self) -> bool:
        """Whether any other process uses the pair. Only meaningful after ``leave``."""
        descriptor = _open(self._path)
        try:
            return not _try(descriptor, fcntl.LOCK_EX)
        finally:
            os.close(descriptor)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
