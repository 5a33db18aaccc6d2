"""``manage.py backup_inspect``: is this file a whole backup, and what is in it?"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from backups import printed_json
from backups.errors import BackupSystemError
from backups.management import terminal
from restore.inspection import Inspection, inspect, unsound
from restore.management.choices import add_kit, kit_of


class Command(BaseCommand):
    requires_system_checks = terminal.CHECKS
    help = "Read a backup end to end without touching the database. Exit 0 sound, 2 not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--json", action="store_true")
        add_kit(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            inspection = inspect(options["file"], kit=kit_of(options))
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
