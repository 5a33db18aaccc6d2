"""``manage.py demo``: the main job once, in a database and storage of its own; see ``make demo``."""

import re
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from backups.management import terminal
from backupsvc.studio.demo.seeding import is_empty
from backupsvc.studio.walkthrough.walk import show, walk

# The names that ``backupsvc.embedded.scratch`` gives to databases that are dropped afterwards.
_SCRATCH = re.compile(r"_[0-9a-f]{8}$")


class Command(BaseCommand):
    help = (
        "Back up, damage and restore a studio, and compare. Only in a scratch database: make demo."
        " Exit 0 all was proven, 1 something differs."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        _require_scratch(str(settings.DATABASES["default"]["NAME"]))
        if is_empty():
            raise CommandError("There is no demo studio here. Run it with: make demo")
        console = Console()
        with terminal.errors():
            outcome = walk(console)
        show(console, outcome)
        if outcome.different:
            raise SystemExit(terminal.FAILED)


def _require_scratch(name: str) -> None:
    if not _SCRATCH.search(name):
        raise CommandError(
            "The demo damages the studio it works on, and this database is not a scratch one."
            " Run it with: make demo"
        )
