"""``manage.py backup_worker``: carry out the backups and restores that were asked for."""

from argparse import ArgumentParser
from typing import Any

from backups import jobs
from backups.management import terminal


class Command(terminal.Documented):
    help = "Carry out the backups and restores that were asked for, until told to stop."
    examples = (
        ("backup_worker", "under a supervisor that starts it again"),
        ("backup_worker --burst", "what waits now, and no more"),
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--burst", action="store_true", help="stop when nothing is left to do")

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors():
            jobs.work(burst=options["burst"])
