"""``manage.py backup_inspect``: is this file a whole backup, and what is in it?"""

from argparse import ArgumentParser
from typing import Any

from backups import printed_json
from backups.errors import BackupSystemError
from backups.management import terminal
from restore.inspection import Inspection, inspect, unsound
from restore.management.choices import add_kit, kit_of
from restore.management.sources import add_source, opened


class Command(terminal.Documented):
    help = "Read a backup end to end, and say what it is. No row of the database is looked at."
    examples = (
        ("backup_inspect studio.json", "a file"),
        ("backup_inspect 3fa94c0d11e2 --json", "a stored backup by its number, for a program"),
    )
    statuses = {terminal.DONE: "sound", terminal.UNSOUND: "not sound, or not there"}

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_source(parser)
        parser.add_argument("--json", action="store_true", help="print JSON, errors too")
        add_kit(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with opened(options["source"]) as source:
                inspection = inspect(source.path, kit=kit_of(options))
        except BackupSystemError as error:
            if options["json"]:
                self.stdout.write(printed_json.indented(unsound(error)))
                raise SystemExit(terminal.UNSOUND) from None
            terminal.refuse(error, status=terminal.UNSOUND)
        if options["json"]:
            self.stdout.write(printed_json.indented(inspection.as_dict()))
        else:
            self._describe(inspection)

    def _describe(self, inspection: Inspection) -> None:
        facts = inspection.as_dict()
        ours = "this installation" if inspection.authentic else "another installation"
        if inspection.by_kit:
            ours = f"installation {facts['installation']}, as the recovery kit proves"
        self.stdout.write(
            f"Sound: a {facts['type']} backup of {facts['created_at']}, made by {ours}\n"
            f"  {facts['rows']:,} rows in {len(facts['sections'])} sections, {facts['bytes']:,} bytes\n"
            f"  {facts['files']['embedded']:,} files, {facts['files']['gaps']:,} missing,"
            f" {facts['files']['skipped']:,} skipped by rule\n"
            f"  sha256 {facts['digest']}"
        )
