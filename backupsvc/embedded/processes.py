"""Ports, process ids and logs; knows neither PostgreSQL nor Valkey."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_LOG_LIMIT_BYTES = 5 * 1024 * 1024


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], *, timeout_seconds: float) -> bool:
    """Whether ``condition`` came true in time; asks every 50 ms, and at least once."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def pid_in(path: Path) -> int | None:
    """The process id on the first line of ``path``, if there is one."""
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def is_alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's, so it exists
    return not _is_zombie(pid)


def serves(pid: int | None, directory: Path, program: str) -> bool:
    """Whether ``pid`` is a live ``program`` working in ``directory``.

    A number proves nothing: it may belong to a zombie that nobody reaps, or, after a reboot, to
    some other program. Both servers change into their data directory, which tells them apart;
    where we may not look, the program's name has to do.
    """
    if pid is None or not is_alive(pid):
        return False
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == directory.resolve()
    except OSError:
        return program in command_line(pid)


def stop(pid: int, signals: tuple[signal.Signals, ...], *, timeout_seconds: float) -> bool:
    """Send each signal in turn until the process is gone; whether it is."""

    for number in signals:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        if wait_until(lambda: not is_alive(pid), timeout_seconds=timeout_seconds):
            return True
    return False


def sync_directory(path: Path) -> None:
    """Make what was renamed in ``path`` outlive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def start_log(path: Path) -> None:
    """Put a log that has grown large aside, and make one; for its owner alone, as an error's
    detail in it quotes rows.
    """
    if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".log.1"))
    path.touch(mode=0o600)


def log_tail(path: Path, lines: int = 5) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


def _is_zombie(pid: int) -> bool:
    try:
        # The name in parentheses may hold anything; the state follows the last one.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return _ps(pid, "state").startswith("Z")


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return _ps(pid, "command")


def _ps(pid: int, column: str) -> str:
    """One column of ps, where there is no /proc."""
    command = ["ps", "-o", f"{column}=", "-p", str(pid)]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""
