"""The steps of the tests of rehearsals, and what one may leave behind."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backups.errors import BackupSystemError
from backups.models import BackupRun
from backups.services import auditing
from restore.database import throwaway
from restore.models import Rehearsal
from restore.services.applying import rehearsing

PATIENCE_SECONDS = 60


def rehearse(backup: BackupRun, listener: Any = None) -> Rehearsal:
    return rehearsing.carry_out(
        rehearsing.request(backup, auditing.COMMAND_LINE), listener=listener
    )


def refused(backup: BackupRun, listener: Any = None) -> Rehearsal:
    with pytest.raises(BackupSystemError):
        rehearse(backup, listener)
    return Rehearsal.objects.latest("requested_at")


def all_rows(rehearsal: Rehearsal) -> int:
    """With those of Django's own tables, which a report counts apart."""
    framework: dict[str, int] = rehearsal.report["framework"]
    return int(rehearsal.report["rows"]) + sum(framework.values())


def throwaways() -> list[str]:
    """Of this run's database alone: others may run beside it."""
    ours = throwaway.prefix_of("default")
    left = [name for name in throwaway.left_over() if name.startswith(ours)]
    return [name for name in left if not throwaway.in_use("default", name)]


def when_at(stage: str, do: Callable[[], None]) -> Callable[[dict[str, Any]], None]:
    """A listener that does something once, when a rehearsal has come to a stage."""
    waiting = [do]

    def listen(values: dict[str, Any]) -> None:
        if values["stage"] == stage and waiting:
            waiting.pop()()

    return listen


def trying_processes() -> dict[int, int]:
    """The processes that try a restore, each with its parent's number."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes().split(b"\0")
            parent = int((place / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        if any(word.endswith(b"/isolated.py") for word in words):
            found[int(place.name)] = parent
    return found


def trying_for(parent: int) -> list[int]:
    return [number for number, starter in trying_processes().items() if starter == parent]


def is_there(number: int) -> bool:
    try:
        os.kill(number, 0)
        state = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def eventually(look: Callable[[], Any]) -> Any:
    """What ``look`` finds, as soon as it finds anything."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)
    return found
