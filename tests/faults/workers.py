"""A real worker as a process of its own, and ways to stop and kill what it does."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from tests.faults import brake

# The design's own limit for a run to reach its end after a death.
FINAL_SECONDS = 120
_LOOK_SECONDS = 0.05


class Worker:
    """``manage.py backup_worker``, with a brake. Use as a context."""

    def __init__(self, folder: Path) -> None:
        self._brake = folder / "brake"
        self._horses: list[int] = []
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Worker":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "backup_worker"],
            cwd=settings.BASE_DIR,
            env=os.environ | {brake.VARIABLE: str(self._brake)},
        )

    def stop_at(self, place: str) -> None:
        """The next one to come to the place waits there."""
        self._brake.with_suffix(brake.REACHED).unlink(missing_ok=True)
        self._brake.write_text(place)

    def stopped(self) -> int:
        """Wait until somebody has; who it is."""
        reached = self._brake.with_suffix(brake.REACHED)
        wait_until(reached.exists)
        self._horses.append(int(reached.read_text()))
        return self._horses[-1]

    def kill_horse(self) -> None:
        """SIGKILL to who carries out the job."""
        os.kill(self.stopped(), signal.SIGKILL)

    def kill(self) -> None:
        """SIGKILL to everything, as when the computer dies."""
        for number in self._horses:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        if self._process:
            self._process.kill()
            self._process.wait()
        self._process = None


def wait_until(true: Callable[[], object], *, seconds: float = FINAL_SECONDS) -> None:
    """Wait for other processes, which is all that these tests wait for."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(_LOOK_SECONDS)
