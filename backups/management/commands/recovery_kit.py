"""``manage.py recovery_kit``: save what makes backups of this installation known on a new server."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from backups.management import terminal
from backups.services import auditing, recovery_kit


class Command(terminal.Documented):
    help = (
        "Save the recovery kit: the installation's key, by which a new server knows the backups made"
        " here. The file is private (0600); nothing is written over. Copy it to another place than"
        " the backups."
    )
    examples = (
        ("recovery_kit --output recovery-kit.json", "to copy to another place"),
        (
            "recovery_kit --adopt old-kit.json",
            "on a new server: all backups of the old one are its own",
        ),
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument(
            "--output", type=Path, metavar="FILE", help="the file to write, which must not be there"
        )
        what.add_argument(
            "--adopt",
            type=Path,
            metavar="FILE",
            help="the kit of an installation that is no more: its backups count as made here from now on,"
            " each of them, as long as this server keeps its keys; written down",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["adopt"]:
            self._adopt(options["adopt"])
            return
        with terminal.errors():
            kit = recovery_kit.write(options["output"])
            recovery_kit.note_saved(auditing.COMMAND_LINE, how="command")
        self.stdout.write(
            f"Saved: the recovery kit of installation {kit.installation}\n"
            f"  written to {options['output']}, readable by you alone\n"
            "  Keep it apart from the backups, and not on this server."
        )

    def _adopt(self, path: Path) -> None:
        with terminal.errors():
            kit = recovery_kit.read(path)
            new = recovery_kit.adopt(kit, auditing.COMMAND_LINE)
        known = "" if new else " They were known before."
        self.stdout.write(
            f"Done: backups of installation {kit.installation} count as made here from now on.{known}\n"
            "  The recovery kit of this installation proves them too: save it anew,"
            " manage.py recovery_kit --output FILE"
        )
