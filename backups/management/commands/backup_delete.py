"""``manage.py backup_delete``: remove a stored backup for good."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from backups.management import numbers, terminal
from backups.models import BackupRun
from backups.services import auditing, keeping


class Command(terminal.Documented):
    help = (
        "Delete a backup, its file too. The audit trail remembers it. One that is pinned, in use, or the"
        " way back of a restore is not deleted."
    )
    examples = (("backup_delete 3fa94c0d11e2 --yes", "the backup whose number begins so"),)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("backup", help="the backup's number, or as much of it as is unique")
        parser.add_argument(
            "--yes", action="store_true", help="yes, delete it; without this nothing is done"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors():
            run = numbers.find(BackupRun.objects.all(), options["backup"])
            number = numbers.short(run.pk)
            told = f"{run.scope} backup {number} of {run.requested_at:%Y-%m-%d %H:%M} UTC"
            if not options["yes"]:
                raise CommandError(
                    f"Nothing was deleted. This would delete the {told}, for good:"
                    f" manage.py backup_delete {number} --yes"
                )
            keeping.delete(run, auditing.COMMAND_LINE)
        self.stdout.write(f"Deleted: {told}")
