"""A restore as ``manage.py restore_apply`` does it, that prints how long each of its stages took.

Run as a program: ``python -m benchmarks.restoring FILE``, with ``--write-all`` as if every table had changed.
Also printed: how long the site was away, from
the moment the restore asks for the first lock that stops writers until it has committed.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WRITE_ALL = "--write-all"
AWAY = "site away"
AFTER = "after the commit"


class Timeline:
    """When what began, in the order of time by ``clock``, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._stages: list[tuple[str, float]] = []
        self._moments: dict[str, float] = {}

    def listener(self, values: dict[str, Any]) -> None:
        """Called at each new stage, and twice a second."""
        stage = str(values["stage"])
        if stage and (not self._stages or self._stages[-1][0] != stage):
            self._stages.append((stage, self._clock()))

    def mark(self, name: str, owner: object, function: str) -> None:
        """Note when ``owner``'s function is called first. Raises AttributeError where it has gone."""
        work = getattr(owner, function)

        def marked(*args: Any, **kwargs: Any) -> Any:
            self._moments.setdefault(name, self._clock())
            return work(*args, **kwargs)

        setattr(owner, function, marked)

    def parts(self) -> dict[str, float]:
        """Seconds a stage, until now for the last; the time away, and what came after it."""
        now = self._clock()
        ends = [began for _, began in self._stages[1:]] + [now]
        parts: dict[str, float] = {}
        for (name, began), end in zip(self._stages, ends, strict=True):
            parts[name] = parts.get(name, 0.0) + end - began
        committed = self._moments["committed"]
        return parts | {AWAY: committed - self._moments["locked"], AFTER: now - committed}


def main() -> None:
    import django

    django.setup()
    from django.conf import settings

    from backups import jobs
    from backups.services import auditing
    from restore.database.transaction import RestoreTransaction
    from restore.plan import Choices
    from restore.services.applying import applying
    from restore.services.asking import requests

    path = Path(sys.argv[1])
    settings.BACKUPS_LEAVE_EQUAL_TABLES = WRITE_ALL not in sys.argv
    timeline = Timeline()
    timeline.mark("locked", RestoreTransaction, "hold")
    timeline.mark("locked", RestoreTransaction, "lock")
    # The first thing done behind the commit; no stage begins there.
    timeline.mark("committed", applying, "follow_up")
    run = requests.request(path, auditing.COMMAND_LINE, Choices())
    with jobs.others_paused():
        applying.carry_out(run, path, listener=timeline.listener)
    sys.stdout.write(json.dumps(timeline.parts()))


if __name__ == "__main__":
    main()
