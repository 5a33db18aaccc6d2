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
    examples = (("recovery_kit --output recovery-kit.json", "to copy to another place"),)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            required=True,
            help="the file to write, which must not be there",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors():
            kit = recovery_kit.write(options["output"])
            recovery_kit.note_saved(auditing.COMMAND_LINE, how="command")
        self.stdout.write(
            f"Saved: the recovery kit of installation {kit.installation}\n"
            f"  written to {options['output']}, readable by you alone\n"
            "  Keep it apart from the backups, and not on this server."
        )
