"""``manage.py restore_release``: let mail and jobs leave again after a foreign file was restored."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from backups import jobs
from backups.management import terminal
from backups.services import auditing
from restore.mail import really_send
from restore.services.asking import outgoing


class Command(terminal.Documented):
    help = "End the hold on outgoing mail and jobs. Say what becomes of the mail that was held."
    examples = (
        ("restore_release --discard", "nobody gets the mail that was held"),
        ("restore_release --send", "it leaves now"),
    )
    statuses = {
        terminal.FAILED: "nothing was held, or some of the mail stays: the message says which"
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--send", action="store_true", help="send the mail that was held")
        what.add_argument("--discard", action="store_true", help="throw it away")

    def handle(self, *args: Any, **options: Any) -> None:
        if not outgoing.is_held() and not outgoing.held_messages():
            raise CommandError("Nothing is held.")
        outgoing.release(auditing.COMMAND_LINE)
        jobs.release_others()
        if options["discard"]:
            self.stdout.write(f"Released; {outgoing.discard_messages():,} messages thrown away.")
            return
        settled = outgoing.send_messages(lambda message, options: really_send([message], **options))
        self.stdout.write(f"Released; {settled.sent:,} messages sent.")
        left = []
        if settled.failed:
            left.append(f"{settled.failed:,} messages were not taken and stay stored: try again.")
        if settled.unreadable:
            left.append(f"{settled.unreadable:,} files could not be read and were set aside.")
        if left:
            raise CommandError(" ".join(left))
