"""``make run``, really run: what it starts, what it survives and what it leaves behind."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backupsvc.embedded import processes
from backupsvc.embedded.pair import Pair

SECONDS = 60
# What the test run has set for itself and the command must find unset.
OURS = re.compile(r"DATABASE_URL|REDIS_URL|DJANGO_SETTINGS_MODULE|BACKUPS|MEDIA_ROOT")


class Foreground:
    """A foreground command of its own servers, and the children that it has started."""

    def __init__(self, root: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if not OURS.match(name)}
        self.root = root
        self.said = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "backupsvc.serve", "--empty", "--port", "18000"],
            env={**environment, "BACKUPSVC_VAR": str(root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for(self, text: str) -> re.Match[str]:
        while not (match := re.search(text, self.said)):
            assert self.process.stdout is not None
            line = self.process.stdout.readline()
            assert line, self.said
            self.said += line
        return match

    def child(self, what: str) -> int | None:
        """The process id of a child, if it lives."""
        marker = f"backupsvc.serve.child {what} "
        listing = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True)
        for line in listing.stdout.splitlines():
            pid, parent, command = line.split(None, 2)
            if marker in command and int(parent) == self.process.pid:
                return int(pid)
        return None


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all tests here, as the tables take seconds to make."""
    return tmp_path_factory.mktemp("foreground") / "var"


@pytest.fixture
def command(root: Path) -> Iterator[Foreground]:
    foreground = Foreground(root)
    yield foreground
    if foreground.process.poll() is None:
        foreground.process.kill()
    foreground.process.communicate()
    Pair(foreground.root).stop(force=True)


def eventually(condition: Callable[[], bool]) -> bool:
    return processes.wait_until(condition, timeout_seconds=SECONDS)


def answers(address: str) -> bool:
    with urllib.request.urlopen(f"{address}admin/login/", timeout=SECONDS) as response:  # noqa: S310
        return bool(response.status == 200 and response.url.endswith("/first-start/"))


def test_it_serves_mends_itself_and_leaves_nothing_running(command: Foreground) -> None:
    address = command.wait_for(r"The studio is at (http://\S+)")[1]
    command.wait_for("one-time code")
    assert answers(address)

    worker = command.child("worker")
    assert worker is not None
    os.kill(worker, signal.SIGKILL)
    command.wait_for(r"The worker ended \(SIGKILL\); starting it again in 1 s")
    assert eventually(lambda: command.child("worker") not in {None, worker})

    command.process.send_signal(signal.SIGTERM)
    assert command.process.wait(SECONDS) == 0
    assert not [what for what in ("web", "worker", "files") if command.child(what)]
    assert not Pair(command.root).stop(), "the last user stops the servers"


def test_killed_hard_it_takes_its_children_along(command: Foreground) -> None:
    command.wait_for("Ctrl-C stops everything")
    children = {what: command.child(what) for what in ("web", "worker", "files")}
    assert all(children.values()), children
    command.process.kill()
    command.process.wait(SECONDS)
    gone = [pid for pid in children.values() if pid]
    assert eventually(lambda: not any(processes.is_alive(pid) for pid in gone))
    assert Pair(command.root).stop(), "servers stay until somebody stops them"
