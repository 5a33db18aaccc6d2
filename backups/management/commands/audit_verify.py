"""``manage.py audit_verify``: is the audit trail what was written, all of it?"""

from argparse import ArgumentParser
from typing import Any

from backups import printed_json
from backups.management import terminal
from backups.services import audit_proof, audit_watch, auditing
from backups.services.audit_proof import Proof


class Command(terminal.Documented):
    help = (
        "Read the audit trail end to end and say whether events are missing, were changed or stand outside"
        " the chain, whether the newest are those that were noted outside the database, and whether the"
        " database still refuses changes. That somebody looked, and what came of it, is noted beside"
        " BACKUPS_AUDIT_HEAD_FILE."
    )
    examples = (
        ("audit_verify", "now: its status tells how it is"),
        ("audit_verify --alarm", "each day, where no worker does so: from cron"),
        ("audit_verify --json", "for a program"),
        ("audit_verify --accept", "go on from here, after an older database was put back, say"),
    )
    statuses = {
        terminal.DONE: "whole and guarded",
        terminal.FAILED: "could not be read",
        terminal.UNSOUND: "not what was written",
        terminal.INCOMPLETE: "whole, but a trigger is missing or nothing was noted outside the database",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="as JSON")
        parser.add_argument(
            "--alarm",
            action="store_true",
            help="where it is not whole and guarded, write to the owners, as a worker does each day",
        )
        parser.add_argument(
            "--accept",
            action="store_true",
            help="note the newest event outside the database whatever was noted before; that somebody did,"
            " and what had been found, is written down",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors():
            if options["accept"]:
                audit_proof.accept()
            tell = audit_watch.alarm if options["alarm"] else None
            proof = audit_proof.verify_for(auditing.COMMAND_LINE, tell=tell)
        if options["json"]:
            self.stdout.write(printed_json.indented(proof.as_dict()))
        else:
            self._say(proof)
        if not proof.is_guarded:
            raise SystemExit(terminal.INCOMPLETE if proof.is_whole else terminal.UNSOUND)

    def _say(self, proof: Proof) -> None:
        for finding in proof.findings:
            said = f"{finding.severity}: {finding.message}\n  What to do: {finding.hint}"
            self.stderr.write(terminal.printable(said) + f"\n  Code: {finding.code}")
        if proof.is_whole:
            newest = f", the newest {proof.newest.hash}" if proof.newest else ""
            self.stdout.write(f"Whole: {proof.events} events{newest}")
        if proof.before_chain:
            self.stdout.write(
                f"  Of the first {proof.before_chain} it is proven that nothing was changed since the chain"
                " began; they were written before."
            )
