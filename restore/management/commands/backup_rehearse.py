"""``manage.py backup_rehearse``: prove that a stored backup can be restored."""

from argparse import ArgumentParser
from typing import Any

from backups.management import numbers, terminal
from backups.management.identities import add_identity, give_if_asked, held
from backups.models import BackupRun
from backups.services import auditing, keyring, runs
from restore import jobs
from restore.management.choices import remedy
from restore.models import Rehearsal
from restore.services.applying import put_back, rehearsing


class Command(terminal.Documented):
    help = "Restore a stored backup into a throwaway database, compare each table and file, and drop it."
    examples = (
        ("backup_rehearse", "the newest backup"),
        ("backup_rehearse 3fa94c0d11e2 --enqueue", "another one, by a worker"),
        ("backup_rehearse 3fa94c0d11e2 --identity key.txt", "an encrypted one"),
    )
    statuses = {terminal.DONE: "proven", terminal.FAILED: "not proven; the message says why"}

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "backup",
            nargs="?",
            help="the backup's number, or as much of it as is unique; the newest if left out",
        )
        add_identity(parser)
        parser.add_argument(
            "--enqueue", action="store_true", help="let a worker do it, and wait for the end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors(remedy=remedy), terminal.bars(self) as listener, held(options):
            rehearsal = rehearsing.request(_backup(options["backup"]), auditing.COMMAND_LINE)
            if options["enqueue"]:
                jobs.enqueue_rehearsal(rehearsal)

                def look() -> None:
                    runs.end_abandoned(Rehearsal)
                    give_if_asked(rehearsal.pk, keyring.given())

                terminal.wait_for(rehearsal, listener, look)
                terminal.require_success(rehearsal)
            else:
                rehearsing.carry_out(rehearsal, listener=listener)
        report = rehearsal.report
        self.stdout.write(
            f"Proven: backup {rehearsal.backup} was restored into a throwaway database in"
            f" {report['seconds']:.0f} s\n"
            f"  {put_back.counted_in(report)} read back and equal,"
            f" {report['files']['kept']:,} files equal to their hashes"
        )
        for finding in report.get("findings", ()):
            self.stdout.write(
                f"  Not tried: {finding['message']}\n    What to do: {finding['hint']}"
            )


def _backup(number: str | None) -> BackupRun:
    return numbers.stored_backup(number) if number else numbers.newest()
