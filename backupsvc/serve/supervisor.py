"""Children of a foreground command: started, started again when they die, stopped in order.

What they do stands in ``child.py``; nothing of Django in here.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_LAST_SECONDS = 5.0


@dataclass
class Child:
    """One program: what of ``child.py``, with which arguments.

    ``grace_seconds`` is how long it may take to stop by itself; the second SIGTERM after it means
    "now" to a worker, and SIGKILL follows.
    """

    name: str
    what: str
    arguments: Sequence[str] = ()
    sockets: Sequence[int] = ()
    grace_seconds: float = 5.0
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    started: float = field(default=0.0, init=False)
    pause_seconds: float = field(default=0.0, init=False)

    def start(self, lifeline: int) -> None:
        command = [sys.executable, "-m", "backupsvc.serve.child", self.what, *self.arguments]
        # A session of its own: Ctrl-C reaches the parent alone, which then stops things in order.
        self.process = subprocess.Popen(
            [*command, "--lifeline", str(lifeline)],
            pass_fds=(lifeline, *self.sockets),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.started = time.monotonic()

    def is_due(self) -> bool:
        return self.process is None and time.monotonic() >= self.started + self.pause_seconds

    def has_died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def bury(self) -> int:
        """Note a death and when to start again; its exit code."""
        code = self.process.returncode if self.process else 0
        self.process = None
        if time.monotonic() - self.started > _LONGEST_PAUSE_SECONDS:
            self.pause_seconds = 0.0
        self.pause_seconds = min(
            max(self.pause_seconds * 2, _PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS
        )
        self.started = time.monotonic()
        return code

    def stop(self) -> None:
        """Ask, ask again, then kill; idempotent."""
        if self.process is None:
            return
        self.process.terminate()
        if not self._ends_within(lambda: self.grace_seconds):
            self.process.terminate()
        if not self._ends_within(lambda: _LAST_SECONDS):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def _ends_within(self, seconds: Callable[[], float]) -> bool:
        """Asks for ``seconds`` again and again, as a signal may shorten them meanwhile."""
        began = time.monotonic()
        while self.process is not None and self.process.poll() is None:
            if time.monotonic() - began >= seconds():
                return False
            time.sleep(0.05)
        return True


class Supervisor:
    """Keeps children alive. They notice the supervisor's own death, however it dies, by the
    other end of a pipe that closes with it: their ``--lifeline``.
    """

    def __init__(self, children: Sequence[Child]) -> None:
        self._children = children
        self._lifeline, self._held_end = os.pipe()

    def start(self) -> None:
        for child in self._children:
            child.start(self._lifeline)

    def tend(self) -> None:
        """Start children again that have died, each time after a longer pause; call often."""
        for child in self._children:
            if child.has_died():
                cause = _cause(child.bury())
                sys.stderr.write(
                    f"{child.name} ended ({cause}); "
                    f"starting it again in {child.pause_seconds:.0f} s\n"
                )
                sys.stderr.flush()
            if child.is_due():
                child.start(self._lifeline)

    def hurry(self) -> None:
        """Cut the grace of all children short."""
        for child in self._children:
            child.grace_seconds = 0.0

    def stop(self) -> None:
        """Stop all children, last started first; idempotent."""
        for child in reversed(self._children):
            child.stop()


def _cause(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
