"""``manage.py`` as a program of its own, in the surroundings of the test that starts it."""

import signal
import subprocess
import sys
from pathlib import Path

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


def manage(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run to the end; what it said stands in ``stdout`` and ``stderr``."""
    return subprocess.run(
        [sys.executable, MANAGE, *arguments], capture_output=True, text=True, check=False
    )


def started(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, MANAGE, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hears_ctrl_c,
    )


def _hears_ctrl_c() -> None:
    """What a shell starts behind itself is deaf to it, and so is whatever that starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def burst_worker() -> "subprocess.CompletedProcess[str]":
    """A worker that does what waits and ends."""
    return manage("backup_worker", "--burst")
