"""Counting what a backup or a restore does to the outside world, and failing at the Nth of it.

An operation is a statement of one of the engine's own connections, a COPY, a commit, a query of its
bookkeeping, a write to a draft or a reading of it, a file given to a storage, a line of the journal. They are
counted a thread, since threads go on beside one another: those of the main one from 1 on, those of each
thread behind a backup from its own number on.
"""

import contextlib
import errno
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import psycopg2
import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connection as django_connection
from psycopg2 import extensions

from backups.services import vault
from backups.services.vault import Draft
from restore.files import Journal

# The threads in which a backup writes its draft and reads it back, with the number before their first.
LANES = {"behind compression": 1_000_000, "behind reading back": 2_000_000}
WATCHED = ("backups restore", "backups snapshot", "backups backup lock", "backups run")
_connect = psycopg2.connect


class Injected(Exception):
    """The fault itself."""


class Log(list[str]):
    """What the main thread did, in its order; and what those behind it did."""

    def __init__(self) -> None:
        super().__init__()
        self.behind: dict[int, list[str]] = {before: [] for before in LANES.values()}

    def note(self, what: str, before: int) -> int:
        """Returns the number of the operation."""
        lane = self.behind[before] if before else self
        lane.append(what)
        return before + len(lane)

    def numbered(self) -> Iterator[tuple[int, str]]:
        """Every operation, with its number."""
        yield from enumerate(self, 1)
        for before, lane in self.behind.items():
            yield from enumerate(lane, before + 1)

    def numbers(self) -> list[int]:
        return [number for number, _ in self.numbered()]


@dataclass
class Faults:
    """``at``: the number of the operation before which ``fault`` is called."""

    fault: Callable[["Operation"], None] | None = None
    at: int = 0
    log: Log = field(default_factory=Log)
    _main: int = field(default_factory=threading.get_ident)

    @property
    def injected(self) -> bool:
        return self.at in self.log.numbers()

    @property
    def place(self) -> str:
        """What was about to be done when the fault came."""
        return f"{self.at} {dict(self.log.numbered())[self.at]}"

    def operation(self, operation: "Operation") -> None:
        before = 0
        if threading.get_ident() != self._main:
            before = LANES.get(threading.current_thread().name, 0)
            if not before:
                return  # progress is told by a thread of its own, at its own times
        if self.log.note(operation.what, before) == self.at and self.fault:
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


def tell(injected: int, wrong: list[str]) -> None:
    """The number is a part of the proof; pytest shows it with ``-s``, and of a test that failed."""
    print(f"\n{injected} faults injected", *wrong, sep="\n")  # noqa: T201
