"""``manage.py backup_inspect``: is this file a whole backup, and what is in it?"""

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from backups import printed_json
from backups.errors import BackupSystemError
from backups.hunting.proving import Leak
from backups.management import terminal
from backups.management.identities import add_identity, held
from backups.services.withholding import leaks_in
from restore.inspection import Inspection, inspect, unsound
from restore.management.choices import add_kit, kit_of
from restore.management.sources import add_source, opened

# As many rows are named in words; the JSON form has all.
LISTED = 100


class Command(terminal.Documented):
    help = (
        "Read a backup end to end, and say what it is. No row of the database is looked at, but with"
        " --secrets."
    )
    examples = (
        ("backup_inspect studio.json", "a file"),
        ("backup_inspect studio.json.zst.age --identity key.txt", "an encrypted file"),
        ("backup_inspect 3fa94c0d11e2 --json", "a stored backup by its number, for a program"),
        (
            "backup_inspect studio.json --secrets",
            "is a secret of today's database in this Safe file?",
        ),
    )
    statuses = {
        terminal.DONE: "sound",
        terminal.UNSOUND: "not sound, not there, or a secret of today is in it",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_source(parser)
        parser.add_argument("--json", action="store_true", help="print JSON, errors too")
        add_kit(parser)
        add_identity(parser)
        parser.add_argument(
            "--secrets",
            action="store_true",
            help="look in a Safe file for every secret that the database holds now, in all forms",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with held(options), opened(options["source"]) as source:
                inspection = inspect(source.path, kit=kit_of(options))
                leaks = list(leaks_in(source.path)) if options["secrets"] else []
        except BackupSystemError as error:
            if options["json"]:
                self.stdout.write(printed_json.indented(unsound(error)))
                raise SystemExit(terminal.UNSOUND) from None
            terminal.refuse(error, status=terminal.UNSOUND)
        if options["json"]:
            found = {"secrets": [asdict(leak) for leak in leaks]} if options["secrets"] else {}
            self.stdout.write(printed_json.indented(inspection.as_dict() | found))
        else:
            self._describe(inspection)
            if options["secrets"]:
                self._describe_leaks(leaks)
        if leaks:
            raise SystemExit(terminal.UNSOUND)

    def _describe_leaks(self, leaks: list[Leak]) -> None:
        for leak in leaks[:LISTED]:
            self.stdout.write(f"  {_place_of(leak)}: a secret of {leak.secret}")
        if len(leaks) > LISTED:
            self.stdout.write(f"  and {len(leaks) - LISTED:,} more")
        self.stdout.write(
            f"{len(leaks):,} places hold a secret of today"
            if leaks
            else "No secret of today is in it."
        )

    def _describe(self, inspection: Inspection) -> None:
        facts = inspection.as_dict()
        ours = "this installation" if inspection.authentic else "another installation"
        if inspection.by_kit:
            ours = f"installation {facts['installation']}, as the recovery kit proves"
        self.stdout.write(
            f"Sound: a {facts['type']} backup of {facts['created_at']}, made by {ours}\n"
            f"  {inspection.counted}, {facts['bytes']:,} bytes\n"
            f"  {facts['files']['embedded']:,} contents of files, {facts['files']['gaps']:,} missing,"
            f" {facts['files']['skipped']:,} skipped by rule\n"
            f"  sha256 {facts['digest']}"
        )


def _place_of(leak: Leak) -> str:
    if not leak.section:
        return f"outside of the rows, under {leak.column}"
    return f"{leak.section}.{leak.column}, row {', '.join(leak.key)}"
