"""``manage.py first_start``: print the one-time code by which the first account is made on a page."""

from argparse import ArgumentParser
from typing import Any

from backups.management import terminal
from restore.services.asking import first_start


class Command(terminal.Documented):
    help = "Print the one-time code that the first page asks for while nobody has an account."
    examples = (
        ("first_start", "the code that counts now"),
        ("first_start --new", "another one, after too many wrong guesses"),
    )
    statuses = {terminal.DONE: "printed", terminal.FAILED: "there is, or was, an account"}

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--new", action="store_true", help="another code; the one before is worth nothing then"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors():
            code = first_start.renew() if options["new"] else first_start.code()
        self.stdout.write(
            "Nobody has an account yet. Open the application's address and type this one-time code:\n"
            f"  {code}\n"
            f"It also lies in the folder of the backups, in {first_start.FILE_NAME}."
        )
