"""How far a run is, told to the database twice a second on a connection of its own.

The same thread looks whether somebody cancelled, and whether a signal waits: a signal's handler runs
only when a statement returns, so a silent statement is cancelled first.
"""

import contextlib
import select
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Protocol, Self

from django.db import DatabaseError, connection
from django.utils import timezone

from backups import conf
from backups.errors import CancelledError
from backups.models import Run
from backups.stages import Stage
from backups.wording import _


class Cancellable(Protocol):
    def cancel(self) -> None: ...


Listener = Callable[[dict[str, Any]], None]

_COUNTERS = (
    "sections_done",
    "sections_total",
    "rows_done",
    "rows_total",
    "bytes_done",
    "bytes_total",
    "files_done",
    "files_total",
    "files_failed",
    "files_skipped",
)


class Progress:
    """Counters of one run; the work adds to them and calls ``check`` often.

    ``listener`` is called with all values twice a second and at every new stage, for a terminal.
    """

    def __init__(self, run: Run, listener: Listener | None = None) -> None:
        self._model = type(run)
        self._id = run.pk
        self._values: dict[str, Any] = dict.fromkeys(_COUNTERS, 0) | {
            "stage": Stage.QUEUED,
            "stage_began_at": None,
            "section": "",
        }
        self._listener = listener
        self._statements: list[Cancellable] = []
        self._stop = threading.Event()
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._report, name="progress", daemon=True)
        self._wake_read, self._wake_write = socket.socketpair()

    def __enter__(self) -> Self:
        for end in (self._wake_read, self._wake_write):
            end.setblocking(False)
        self._former_fd = self._listen_to_signals()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        with contextlib.suppress(OSError):
            self._wake_write.send(b"\0")
        self._thread.join()
        if self._former_fd is not None:
            signal.set_wakeup_fd(self._former_fd)
        self._wake_read.close()
        self._wake_write.close()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def stage(self, stage: Stage, **values: Any) -> None:
        """Begin a stage; ``values`` replace counters. Raises CancelledError."""
        self.check()
        began = {"stage": stage, "stage_began_at": timezone.now(), "section": ""}
        self._values |= began | values
        self._tell_listener()

    def section(self, key: str) -> None:
        self.check()
        self._values["section"] = key

    def add(self, **amounts: int) -> None:
        """Add to counters. Raises CancelledError."""
        for name, amount in amounts.items():
            self._values[name] += amount
        self.check()

    def at(self, bytes_done: int) -> None:
        """How far into ``bytes_total`` the stage is."""
        self._values["bytes_done"] = bytes_done

    def mirror(self, values: dict[str, Any]) -> None:
        """Show what another process, which does the work, says of itself. Raises CancelledError."""
        self.check()
        if not values.get("stage"):
            return  # it has not begun
        began = values["stage"] != self._values["stage"]
        self._values |= {name: value for name, value in values.items() if name in self._values}
        if began:
            self._tell_listener()

    def check(self) -> None:
        if self._cancelled.is_set():
            raise cancelled()

    @contextlib.contextmanager
    def interruptible(self, statement: Cancellable) -> Iterator[None]:
        """While the block runs, cancelling the run cancels the connection's statement too.

        A statement that was cancelled that way ends in CancelledError."""
        self._statements.append(statement)
        try:
            yield
        except Exception:
            self.check()
            raise
        finally:
            self._statements.remove(statement)

    def _listen_to_signals(self) -> int | None:
        if threading.current_thread() is not threading.main_thread():
            return None
        return signal.set_wakeup_fd(self._wake_write.fileno(), warn_on_full_buffer=False)

    def _report(self) -> None:
        try:
            signalled = False
            while not self._stop.is_set():
                self._write()
                before, signalled = signalled, self._signalled(conf.progress_seconds())
                # A statement may begin just behind the first time, and would be waited for to its end.
                if signalled or before:
                    self._cancel_statements()
            self._write()
        finally:
            connection.close()

    def _signalled(self, seconds: float) -> bool:
        readable, _, _ = select.select([self._wake_read], [], [], seconds)
        if not readable:
            return False
        return any(number != 0 for number in self._wake_read.recv(4096))

    def _write(self) -> None:
        try:
            self._tell_listener()
        except Exception:
            # A terminal that has gone. The page is told all the same, and asked whether to go on.
            self._listener = None
        try:
            rows = self._model._default_manager.filter(pk=self._id)
            rows.update(**self._values)
            wanted = rows.values_list("cancel_requested", flat=True).first()
        except DatabaseError:
            # The work itself will notice if the database is gone for good.
            connection.close()
            return
        if wanted:
            self._cancelled.set()
            self._cancel_statements()

    def _cancel_statements(self) -> None:
        for statement in list(self._statements):
            with contextlib.suppress(Exception):
                statement.cancel()

    def _tell_listener(self) -> None:
        if self._listener:
            self._listener(dict(self._values))


def cancelled() -> CancelledError:
    return CancelledError(
        "run.cancelled",
        _("The run was cancelled. Nothing was changed."),
        hint=_("Start it again when you want to."),
        permanent=False,
    )
