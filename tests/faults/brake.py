"""Stops a worker at a chosen place, so that it can be killed just there.

The place stands in a file that the worker's environment names: ``stage:loading``,
``section:users``, or ``after:`` and one of ``BEHIND``. Who reaches it renames the file, writes its
process number into it and waits to be killed. It works once; what comes later passes by.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

VARIABLE = "BACKUPSVC_TEST_BRAKE"
# Where it is set, few rows are read ahead too, as those of a large studio are.
LARGE = "BACKUPSVC_TEST_LARGE"
REACHED = ".reached"
# Functions behind which one can stop: an artifact just got its name, a restore was just committed, a safety
# backup made ahead is whole.
BEHIND = (
    "backups.services.vault.keep",
    "restore.files.Journal.forget",
    "backups.services.vault.make_durable",
)


def install() -> None:
    """Called when Django is ready, in every process under test."""
    if VARIABLE not in os.environ:
        return
    place = Path(os.environ[VARIABLE])
    from backups.services.progress import Progress

    for kind in ("stage", "section"):
        _watch(Progress, kind, lambda _, name, kind=kind: f"{kind}:{name}", place)
    for target in BEHIND:
        owner, name = target.rsplit(".", 1)
        _watch(resolve_name(owner), name, lambda *_, target=target: f"after:{target}", place)
    if LARGE in os.environ:
        resolve_name("restore.services.applying.ahead").ROWS_WORTH_READING_AHEAD = 0


def _watch(owner: Any, name: str, say: Callable[..., str], place: Path) -> None:
    original = getattr(owner, name)

    def watched(*arguments: Any, **options: Any) -> Any:
        answer = original(*arguments, **options)
        _stop_at(place, say(*arguments[:2]))
        return answer

    setattr(owner, name, watched)


def _stop_at(place: Path, here: str) -> None:
    if not place.exists() or place.read_text() != here:
        return
    reached = place.with_suffix(REACHED)
    draft = place.with_suffix(".draft")
    draft.write_text(str(os.getpid()))
    place.unlink()
    draft.rename(reached)
    while True:
        signal.pause()
