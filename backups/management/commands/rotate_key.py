"""``manage.py rotate_key``: a new key of the installation, by which its backups are signed from now on."""

from argparse import ArgumentParser
from typing import Any

from backups.errors import ConfigurationError
from backups.management import terminal
from backups.services import auditing, rotating
from backups.wording import _


class Command(terminal.Documented):
    help = (
        "Make a new key of the installation. Backups are signed with it from now on; those made before stay"
        " authentic here, as the former key is kept for that. The recovery kit must then be saved anew."
    )
    examples = (("rotate_key --confirm", "when the key, or a kit, may be in wrong hands"),)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--confirm", action="store_true", help="without it nothing is done")

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors():
            if not options["confirm"]:
                raise ConfigurationError(
                    "key.unconfirmed",
                    _("The confirmation is missing. Nothing was changed."),
                    hint=_(
                        "Confirm with --confirm, and have a place ready for the new recovery kit."
                    ),
                )
            before, after = rotating.rotate(auditing.COMMAND_LINE)
        self.stdout.write(
            f"Done: this installation is {after} now; it was {before}\n"
            "  Backups made before stay authentic here. On another server the new recovery kit proves them"
            " too, and an old kit only what is older:\n"
            "  save it now: manage.py recovery_kit --output FILE"
        )
