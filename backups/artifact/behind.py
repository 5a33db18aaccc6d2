"""Work that goes on behind whoever hands it over: one thread, in order, with a bounded queue.

Hashing, compression and writing let go of the interpreter's lock, so that they and the reading of rows go on
at the same time. Nothing here outlives its ``with`` block, whatever ends it.
"""

import hashlib
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

# What waits at most. One item goes through however large it is: a row may be larger.
MOST_WAITING_BYTES = 2 * 1024 * 1024
PREFIX = "behind "

Item = TypeVar("Item")


class Behind(Generic[Item]):
    """Calls ``work`` with each item, in the order in which they were handed over.

    What ``work`` raises is raised by the next ``put`` or ``drain``, else by the end of the block, and it is
    called no more. A block that ends in an exception throws away what still waits. ``size`` tells the bytes
    of an item.
    """

    def __init__(
        self,
        work: Callable[[Item], object],
        *,
        name: str,
        size: Callable[[Item], int] = len,  # type: ignore[assignment]
    ) -> None:
        self._work, self._size = work, size
        self._waiting: deque[Item] = deque()
        self._waiting_bytes = 0
        self._at_work = self._ended = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=PREFIX + name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self.drain()
        finally:
            with self._changed:
                self._waiting.clear()
                self._ended = True
                self._changed.notify_all()
            # For the one item at most that is being worked on.
            self._thread.join()

    def put(self, item: Item) -> None:
        """Hand over; waits while too much is on its way. Raises what the work raised."""
        size = self._size(item)
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._error is not None
                    or not self._waiting
                    or self._waiting_bytes + size <= MOST_WAITING_BYTES
                )
            )
            self._raise()
            self._waiting.append(item)
            self._waiting_bytes += size
            self._changed.notify_all()

    def drain(self) -> None:
        """Wait until all that was handed over is done. Raises what the work raised."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._error is not None or not (self._waiting or self._at_work)
            )
            self._raise()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._at_work = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if not self._waiting:
                    return
                item = self._waiting.popleft()
                self._waiting_bytes -= self._size(item)
                self._at_work = True
                self._changed.notify_all()
            try:
                self._work(item)
            except BaseException as error:  # whoever handed it over raises it
                with self._changed:
                    self._error = error
                    self._waiting.clear()
                    self._at_work = False
                    self._changed.notify_all()
                return
            del item

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error


class Handing:
    """Something to write to, whose blocks somebody else takes."""

    def __init__(self, behind: Behind[Any]) -> None:
        self.write: Callable[[bytes], object] = behind.put


class Source(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class Ahead:
    """Reads a stream ahead of whoever takes from it, in blocks of ``block_bytes``, ``most`` of them."""

    def __init__(self, source: Source, *, block_bytes: int, name: str, most: int = 8) -> None:
        self._source = source
        self._block_bytes, self._most = block_bytes, most
        self._ready: deque[bytes] = deque()
        self._stopped = False
        self._end: BaseException | None = None
        self._at_end = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=PREFIX + name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_ended: object) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join()

    def read(self, size: int = -1, /) -> bytes:
        """The next block, however many bytes were asked for; empty at the end. Raises what the reading
        raised."""
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._at_end)
            if self._ready:
                block = self._ready.popleft()
                self._changed.notify_all()
                return block
        if self._end is not None:
            raise self._end
        return b""

    def _run(self) -> None:
        try:
            while block := self._source.read(self._block_bytes):
                with self._changed:
                    self._changed.wait_for(lambda: self._stopped or len(self._ready) < self._most)
                    if self._stopped:
                        return
                    self._ready.append(block)
                    self._changed.notify_all()
        except BaseException as error:  # whoever reads raises it
            self._end = error
        finally:
            with self._changed:
                self._at_end = True
                self._changed.notify_all()


class Digest:
    """SHA-256 of what is given, computed behind the caller where there is somebody to do it."""

    def __init__(self, behind: "Behind[Any] | None" = None) -> None:
        self._digest = hashlib.sha256()
        self._behind = behind

    def update(self, data: bytes) -> None:
        if self._behind is None:
            self._digest.update(data)
        else:
            self._behind.put((self._digest, data))

    def hexdigest(self) -> str:
        if self._behind is not None:
            self._behind.drain()
        return self._digest.hexdigest()


def hashing(name: str) -> "Behind[Any]":
    """Somebody who computes digests, several by turns."""
    return Behind(lambda item: item[0].update(item[1]), name=name, size=lambda item: len(item[1]))
