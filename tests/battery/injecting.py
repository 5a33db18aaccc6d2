"""Writing down what a backup or a restore does to the outside world, and failing at any place of it.

An operation is a statement of one of the engine's own connections, a COPY, a commit, a query of its
bookkeeping, a write to a draft or a reading of it, a file given to a storage, a line of the journal. Its
place is named by its thread, its words and how many of those words came before in that thread: a mere
number would mean another operation in each run, since what waits for a thread behind asks more or less often.
"""

import contextlib
import errno
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import psycopg2
import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connection as django_connection
from psycopg2 import extensions

from backups.services import vault
from backups.services.vault import Draft
from restore.files import Journal

MAIN = ""
READING_BACK = "behind reading back"
AHEAD = "safety backup ahead"
# The threads in which a backup writes its draft and reads it back, and in which a restore has its safety
# backup made beside the reading of the file.
BEHIND = ("behind compression", READING_BACK, AHEAD)
WATCHED = ("backups restore", "backups snapshot", "backups backup lock", "backups run")
_connect = psycopg2.connect


class Injected(Exception):
    """The fault itself."""


class Hanging(BaseException):
    """What a fault has left waiting for somebody who does not come."""


class Place(NamedTuple):
    """Where an operation stands: the ``nth`` (from 1) of these words in its thread."""

    thread: str
    what: str
    nth: int

    def __str__(self) -> str:
        return f"{self.what} ({self.nth}) {self.thread}".rstrip()


class Log:
    """What each thread did, in its order."""

    def __init__(self) -> None:
        self._lanes: dict[str, list[Place]] = {thread: [] for thread in (MAIN, *BEHIND)}
        self._seen = Counter[tuple[str, str]]()

    @property
    def main(self) -> list[Place]:
        return self.of(MAIN)

    def of(self, thread: str) -> list[Place]:
        return self._lanes[thread]

    def note(self, thread: str, what: str) -> Place:
        self._seen[thread, what] += 1
        place = Place(thread, what, self._seen[thread, what])
        self._lanes[thread].append(place)
        return place

    def places(self) -> list[Place]:
        """Of every thread, one behind the other."""
        return [place for lane in self._lanes.values() for place in lane]

    def last(self, beginning: str) -> Place:
        """The main thread's last operation whose words begin so."""
        return [place for place in self.main if place.what.startswith(beginning)][-1]

    def following(self, place: Place) -> Place:
        """What the main thread does next."""
        return self.main[self.main.index(place) + 1]


@dataclass
class Faults:
    """``at``: the place before which ``fault`` is called."""

    fault: Callable[["Operation"], None] | None = None
    at: Place | None = None
    log: Log = field(default_factory=Log)
    _main: int = field(default_factory=threading.get_ident)

    @property
    def injected(self) -> bool:
        """Whether that place was reached."""
        return self.at in self.log.places()

    def operation(self, operation: "Operation") -> None:
        thread = MAIN
        if threading.get_ident() != self._main:
            thread = threading.current_thread().name
            if thread not in BEHIND:
                return  # progress is told by a thread of its own, at its own times
        if self.log.note(thread, operation.what) == self.at and self.fault:
            self.fault(operation)


@dataclass
class Operation:
    """One operation, about to be done."""

    what: str
    session: extensions.connection | None = None


def raise_error(operation: Operation) -> None:
    raise Injected(operation.what)


def interrupt(operation: Operation) -> None:
    """As Ctrl-C does, at any line of the program."""
    raise KeyboardInterrupt


def end_session(operation: Operation) -> None:
    """As an administrator does, or a server that restarts. What has no session meets a full disk."""
    if operation.session is None:
        full_disk(operation)
        return
    with contextlib.closing(_connect(operation.session.dsn, password=_password())) as other:
        other.autocommit = True
        with other.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(%s, 5000)", [operation.session.info.backend_pid]
            )


def full_disk(operation: Operation) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@contextlib.contextmanager
def hanging_is_an_error(after_seconds: int = 120) -> Iterator[None]:
    """End what waits for ever by a ``Hanging``, raised in the main thread."""

    def end(*_: object) -> None:
        raise Hanging

    former = signal.signal(signal.SIGALRM, end)
    signal.alarm(after_seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)


def _password() -> str:
    return str(django_connection.settings_dict["PASSWORD"])


@contextlib.contextmanager
def injecting(faults: Faults) -> Iterator[Faults]:
    """Watch what this thread does while the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg2, "connect", _watching(faults))
        patch.setattr(Journal, "note", _before(faults, "journal", Journal.note))
        patch.setattr(
            FileSystemStorage, "_save", _before(faults, "storage", FileSystemStorage._save)
        )
        watched: Any = lambda path, stream: _Draft(path, stream, faults)  # noqa: E731
        patch.setattr(vault.drafts, "Draft", watched)
        with django_connection.execute_wrapper(_Bookkeeping(faults)):
            yield faults


def _before(faults: Faults, what: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*args: Any, **options: Any) -> Any:
        faults.operation(Operation(what))
        return call(*args, **options)

    return wrapped


def _watching(faults: Faults) -> Callable[..., Any]:
    class Cursor(extensions.cursor):
        def execute(self, query: Any, values: Any = None) -> None:
            faults.operation(Operation(_words(query, self), self.connection))
            super().execute(query, values)

        def copy_expert(self, query: Any, file: Any, size: int = 8192) -> None:
            faults.operation(Operation(_words(query, self), self.connection))
            super().copy_expert(query, file, size)

    class Session(extensions.connection):
        def commit(self) -> None:
            faults.operation(Operation("COMMIT", self))
            super().commit()
            faults.operation(Operation("after COMMIT", self))

    def connect(*args: Any, **options: Any) -> Any:
        if options.get("application_name") not in WATCHED:
            return _connect(*args, **options)
        faults.operation(Operation(f"connect {options['application_name']}"))
        made = _connect(*args, connection_factory=Session, **options)
        made.cursor_factory = Cursor
        return made

    return connect


def _words(query: Any, cursor: Any) -> str:
    text = query if isinstance(query, str) else query.as_string(cursor.connection)
    return " ".join(text.split())[:60]


class _Bookkeeping:
    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def __call__(self, execute: Any, query: str, values: Any, many: bool, context: Any) -> Any:
        self._faults.operation(
            Operation(f"bookkeeping {query[:40]}", context["connection"].connection)
        )
        return execute(query, values, many, context)


class _Draft(Draft):
    def __init__(self, path: Path, stream: BinaryIO, faults: Faults) -> None:
        super().__init__(path, cast(BinaryIO, _Stream(stream, faults)))
        self._faults = faults

    def open_again(self) -> BinaryIO:
        return cast(BinaryIO, _Stream(super().open_again(), self._faults))


class _Stream:
    """A draft's file whose every write, flush and reading back is an operation."""

    def __init__(self, stream: Any, faults: Faults) -> None:
        self._stream = stream
        self._faults = faults

    def write(self, block: Any) -> int:
        self._faults.operation(Operation("draft write"))
        return int(self._stream.write(block))

    def flush(self) -> None:
        self._faults.operation(Operation("draft flush"))
        self._stream.flush()

    def read(self, *size: int) -> bytes:
        self._faults.operation(Operation("draft read"))
        return bytes(self._stream.read(*size))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def tell(places: int, missed: int, wrong: list[str]) -> None:
    """The number is a part of the proof; pytest shows it with ``-s``, and of a test that failed."""
    print(f"\n{places - missed} faults injected, {missed} places not reached", *wrong, sep="\n")  # noqa: T201
    assert missed <= places / 10, "a proof that leaves places out proves little"
    assert wrong == []
