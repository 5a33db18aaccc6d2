"""``manage.py backup_worker``: carry out the backups and restores that were asked for."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from backups import jobs
from backups.management import terminal


class Command(BaseCommand):
    help = "Be a worker for backups and restores until told to stop."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--burst", action="store_true", help="stop when nothing is left to do")

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors():
            jobs.work(burst=options["burst"])
