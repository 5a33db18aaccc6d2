"""``manage.py backup_pin``: let nobody delete a backup, and give it a name."""

from argparse import ArgumentParser
from typing import Any

from backups.management import numbers, terminal
from backups.models import LONGEST_NOTE, BackupRun
from backups.services import auditing, keeping


class Command(terminal.Documented):
    help = "Pin a backup, so that nobody deletes it until it is released."
    examples = (
        ("backup_pin 3fa94c0d11e2", "pin it"),
        ('backup_pin 3fa94c0d11e2 --name "before the move"', "pin it, and name it"),
        ("backup_pin 3fa94c0d11e2 --release", "let it be deleted again"),
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("backup", help="the backup's number, or as much of it as is unique")
        parser.add_argument(
            "--release",
            action="store_true",
            help="the opposite; what a restore needs to be undone is kept all the same",
        )
        parser.add_argument(
            "--name",
            help=f"what people call it, {LONGEST_NOTE} characters at most; an empty one takes it away",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors():
            run = numbers.find(BackupRun.objects.all(), options["backup"])
            if options["name"] is not None:
                keeping.name(run, options["name"], auditing.COMMAND_LINE)
            change = keeping.release if options["release"] else keeping.pin
            change(run, auditing.COMMAND_LINE)
        number = numbers.short(run.pk)
        if options["release"]:
            self.stdout.write(
                f"Released: {run.scope} backup {number}. Pin it again: manage.py backup_pin {number}"
            )
        else:
            self.stdout.write(
                f"Pinned: {run.scope} backup {number}."
                f" Release it: manage.py backup_pin {number} --release"
            )
