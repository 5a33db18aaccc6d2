"""Ending a fetch from outside: at its deadline, or because nobody wants it any more.

Time-outs of a socket begin anew with every byte, so a server that drips keeps a thread for ever. Shutting
the connection down ends whatever waits for it.
"""

import contextlib
import os
import socket
import threading
from types import TracebackType
from typing import Any, Self

from requests import Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

# The deadline of what this thread fetches now.
_here = threading.local()


class Deadline:
    """Of one fetch of this thread: use as a context. After ``seconds`` its connections are shut down."""

    def __init__(self, seconds: float) -> None:
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self.end)
        self._timer.daemon = True
        self.has_ended = False

    def __enter__(self) -> Self:
        _here.deadline = self
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _here.deadline = None
        self._timer.cancel()
        with self._lock:
            for own in self._sockets:
                own.close()
            self._sockets.clear()

    def add(self, connected: socket.socket) -> None:
        # A second descriptor of the same connection: it stays ours whoever closes the first, and it
        # reaches the connection below TLS.
        own = socket.socket(fileno=os.dup(connected.fileno()))
        with self._lock:
            self._sockets.append(own)
            if self.has_ended:
                _shut_down(own)

    def end(self) -> None:
        """Shut everything down; also what is connected later."""
        with self._lock:
            self.has_ended = True
            for own in self._sockets:
                _shut_down(own)


def keep_deadlines(session: Session) -> None:
    """Make the session's connections known to the deadline of the thread that uses them."""
    for adapter in session.adapters.values():
        if isinstance(adapter, HTTPAdapter):
            adapter.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


class _Known:
    """Mixed into urllib3's connections: a new one and one that is used again are both told of."""

    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self._tell()

    def request(self, *arguments: Any, **options: Any) -> None:
        self._tell()
        super().request(*arguments, **options)  # type: ignore[misc]

    def _tell(self) -> None:
        deadline: Deadline | None = getattr(_here, "deadline", None)
        if deadline is not None and self.sock is not None:
            deadline.add(self.sock)


class _Connection(_Known, HTTPConnection):
    pass


class _SecureConnection(_Known, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def _shut_down(own: socket.socket) -> None:
    with contextlib.suppress(OSError):
        own.shutdown(socket.SHUT_RDWR)
