"""``manage.py restore_undo``: put back what was there before a restore."""

from argparse import ArgumentParser
from typing import Any

from backups.errors import RestoreError
from backups.management import numbers, terminal
from backups.models import State
from backups.services import auditing
from backups.wording import _
from restore import jobs
from restore.management.choices import add_choices_of_undo, remedy, target_line
from restore.models import RestoreRun
from restore.services.applying import problems
from restore.services.asking import here, requests, undoing


class Command(terminal.Documented):
    help = (
        "Undo a restore by restoring its safety backup. Passwords are then those of the moment of"
        " that restore."
    )
    examples = (
        (f'restore_undo --confirm "{requests.PHRASE}"', "the last restore"),
        (f'restore_undo 3fa94c0d11e2 --confirm "{requests.PHRASE}"', "an earlier one"),
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "restore",
            nargs="?",
            help="the restore's number, or as much of it as is unique; the last if left out",
        )
        add_choices_of_undo(parser)
        parser.add_argument(
            "--confirm",
            default="",
            metavar="WORDS",
            help=f'must be "{requests.PHRASE}"; without it nothing is done',
        )

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
            f"Undone: {rows} as they were before restore {undo.undo_of}\n  {_way_back(undo)}"
        )
        for sentence in problems.of_report(undo.report):
            self.stderr.write(f"  {sentence}")


def _restore(number: str | None) -> RestoreRun:
    done = RestoreRun.objects.filter(state=State.SUCCEEDED)
    if number:
        return numbers.find(
            done, number, hint=_("The page of all restores has their numbers; the last needs none.")
        )
    found = done.first()
    if found is None:
        raise RestoreError(
            "undo.none",
            _("No restore has succeeded here, so none can be undone."),
            hint=_("Restore another backup instead."),
        )
    return found


def _way_back(undo: RestoreRun) -> str:
    if not undo.safety_backup:
        return "safety backup of what was there until now: none, as chosen"
    return (
        f"safety backup of what was there until now: {undo.safety_backup}\n"
        f"  To undo this undo: manage.py restore_undo {undo.pk}"
        f' --confirm "{requests.PHRASE}"'
    )
