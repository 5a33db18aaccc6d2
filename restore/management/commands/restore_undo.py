"""``manage.py restore_undo``: put back what was there before a restore."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backups.management import terminal
from backups.models import State
from backups.services import auditing
from restore import jobs
from restore.management.choices import add_choices_of_undo, remedy, target_line
from restore.models import RestoreRun
from restore.services.applying import problems
from restore.services.asking import here, requests, undoing


class Command(BaseCommand):
    requires_system_checks = terminal.CHECKS
    help = (
        "Undo a restore by restoring its safety backup. Passwords are then those of the moment of"
        " that restore. Exit 0 done, 1 failed (nothing was changed)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("restore", nargs="?", help="the restore's number; the last if left out")
        add_choices_of_undo(parser)
        parser.add_argument("--confirm", default="", help=f'must be "{requests.PHRASE}"')

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors(remedy=remedy), terminal.bars(self) as listener:
            self.stderr.write(terminal.printable(target_line(here.overwritten())))
            requests.require_phrase(options["confirm"])
            undo = undoing.request(
                _restore(options["restore"]),
                auditing.COMMAND_LINE,
                partial_undo=options["partial_undo"],
                without_undo=options["without_undo"],
            )
            jobs.carry_out_here(undo, requests.stored_file(undo), listener=listener)
        rows = f"{undo.report['rows']:,} rows are" if "rows" in undo.report else "everything is"
        self.stdout.write(
            f"Undone: {rows} as they were before restore {undo.undo_of}\n"
            f"  safety backup of what was there until now: {undo.safety_backup or 'none, as chosen'}"
        )
        for sentence in problems.of_report(undo.report):
            self.stderr.write(f"  {sentence}")


def _restore(number: str | None) -> RestoreRun:
    done = RestoreRun.objects.filter(state=State.SUCCEEDED)
    found = done.filter(pk=number).first() if number else done.first()
    if found is None:
        raise CommandError("There is no such restore that could be undone.")
    return found
