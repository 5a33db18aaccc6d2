"""``manage.py backup_rehearse``: prove that a stored backup can be restored."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backups.management import terminal
from backups.models import BackupRun
from backups.services import auditing, runs
from restore import jobs
from restore.management.choices import remedy
from restore.models import Rehearsal
from restore.services.applying import rehearsing


class Command(BaseCommand):
    requires_system_checks = terminal.CHECKS
    help = (
        "Restore a stored backup into a throwaway database, compare, and drop it."
        " Exit 0 proven, 1 not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("backup", nargs="?", help="the backup's number; the newest if left out")
        parser.add_argument("--enqueue", action="store_true", help="let a worker do it, and wait")

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors(remedy=remedy), terminal.bars(self) as listener:
            rehearsal = rehearsing.request(_backup(options["backup"]), auditing.COMMAND_LINE)
            if options["enqueue"]:
                jobs.enqueue_rehearsal(rehearsal)
                terminal.wait_for(rehearsal, listener, lambda: runs.end_abandoned(Rehearsal))
                terminal.require_success(rehearsal)
            else:
                rehearsing.carry_out(rehearsal, listener=listener)
        report = rehearsal.report
        self.stdout.write(
            f"Proven: backup {rehearsal.backup} was restored into a throwaway database in"
            f" {report['seconds']} s\n"
            f"  {report['rows']:,} rows in {len(report['sections'])} sections read back and equal,"
            f" {report['files']['kept']:,} files equal to their hashes"
        )
        for finding in report.get("findings", ()):
            self.stdout.write(
                f"  Not tried: {finding['message']}\n    What to do: {finding['hint']}"
            )


def _backup(number: str | None) -> BackupRun:
    stored = BackupRun.objects.exclude(artifact="")
    found = stored.filter(pk=number).first() if number else stored.first()
    if found is None:
        raise CommandError("There is no such stored backup. Make one: manage.py backup_create")
    return found
