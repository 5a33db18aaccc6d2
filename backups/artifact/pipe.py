"""Bytes from one thread to another: what a library writes into, and somebody reads from, or the reverse."""

import threading
from collections import deque
from collections.abc import Callable

from backups.artifact.behind import PREFIX

_WAITING_BYTES = 1024 * 1024


class Stopped(Exception):
    """Nobody wants the rest."""


class Pipe:
    """Bytes from one thread to another, of which no more wait than ``_WAITING_BYTES``."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._ended = self._stopped = self.has_begun = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._block, self._at = b"", 0

    def write(self, data: bytes, /) -> int:
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or self._error or self._waiting_bytes < _WAITING_BYTES
            )
            if self._stopped or self._error:
                raise self._error or Stopped
            self.has_begun = True
            self._waiting.append(bytes(data))
            self._waiting_bytes += len(data)
            self._changed.notify_all()
        return len(data)

    def flush(self) -> None:
        """All is handed on at once."""

    def read(self, size: int = -1, /) -> bytes:
        if self._at >= len(self._block) and not self._next():
            return b""
        end = len(self._block) if size < 0 else self._at + size
        part = self._block[self._at : end]
        self._at += len(part)
        return part

    def _next(self) -> bool:
        with self._changed:
            self._changed.wait_for(
                lambda: self._waiting or self._ended or self._stopped or self._error
            )
            if self._stopped:
                raise Stopped
            if not self._waiting:
                if self._error:
                    raise self._error
                return False
            self._block, self._at = b"".join(self._waiting), 0
            self._waiting.clear()
            self._waiting_bytes = 0
            self._changed.notify_all()
        return bool(self._block) or self._next()

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def require_sound(self) -> None:
        if self._error:
            raise self._error


def working(name: str, work: Callable[[], None]) -> threading.Thread:
    return threading.Thread(target=work, name=PREFIX + name, daemon=True)
