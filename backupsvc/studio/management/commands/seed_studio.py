"""``manage.py seed_studio``: a believable studio to try things on."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from backupsvc.studio.demo.rows.people import DEMO_ACCOUNTS
from backupsvc.studio.demo.seeding import DEMO_PASSWORD, Report, is_empty, seed_studio, steps_at


class Command(BaseCommand):
    help = "Fill an empty studio with demo data: the same rows and files for the same seed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--scale", type=int, default=1, help="5,000 rows each (default: 1)")
        parser.add_argument("--seed", type=int, default=1, help="another studio (default: 1)")
        parser.add_argument(
            "--big-file", action="store_true", help="add a file that is too large to be embedded"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["scale"] < 1:
            raise CommandError("--scale must be at least 1.")
        if not _is_empty():
            raise CommandError(
                "The studio is not empty, and demo data must not mix with anybody's own.\n"
                "HINT: seed a fresh database: point DATABASE_URL at one and run migrate first, "
                "or empty this one with flush if nothing in it matters."
            )
        with _progress(steps_at(options["scale"])) as report:
            rows = seed_studio(
                options["scale"], options["seed"], report, big_file=options["big_file"]
            )
        self._tell(rows)

    def _tell(self, rows: int) -> None:
        self.stdout.write(self.style.SUCCESS(f"Made a studio of {rows:,} rows."))
        self.stdout.write(f"Sign in with the password {DEMO_PASSWORD} as")
        for email, role in DEMO_ACCOUNTS:
            self.stdout.write(f"  {email} ({role})")


def _is_empty() -> bool:
    """Raises CommandError where the tables are not there yet."""
    try:
        return is_empty()
    except ProgrammingError as error:
        raise CommandError(
            "The database does not have the studio's tables yet.\nHINT: make them first: manage.py migrate"
        ) from error


@contextmanager
def _progress(steps: int) -> Iterator[Report]:
    """A bar on a terminal, and nothing elsewhere."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:>32}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        bar = progress.add_task("", total=steps)
        yield lambda what, done: progress.update(bar, description=what, advance=done)
