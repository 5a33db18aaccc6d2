"""``manage.py backup_fetched``: what earlier backups fetched and keep, and letting it go."""

from argparse import ArgumentParser
from typing import Any

from backups import conf
from backups.files import fetched
from backups.management import terminal
from backups.services import vault


class Command(terminal.Documented):
    help = "Say how much content of files is kept so that unchanged files are not fetched again."
    examples = (
        ("backup_fetched", "how much is kept"),
        ("backup_fetched --clear", "delete it, and let the next backup fetch every file"),
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--clear", action="store_true", help="delete it: the next backup fetches every file"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors():
            folder = vault.fetched()
            kept = fetched.clear(folder) if options["clear"] else fetched.held(folder)
        word = "deleted" if options["clear"] else "kept"
        limit = conf.fetched_limit_bytes()
        self.stdout.write(
            f"{kept.files:,} files of {kept.bytes:,} bytes {word}; at most {limit:,} bytes are kept."
        )
