"""``manage.py backup_list``: which backups are there, with the numbers that other commands take."""

import datetime
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet

from backups import printed_json
from backups.management import numbers, terminal
from backups.models import BackupRun, Encryption, Purpose, State
from backups.registry import Scope
from backups.services import readiness


class Command(terminal.Documented):
    help = "List the backups, newest first, with the numbers that other commands take."
    examples = (
        ("backup_list", "the newest twenty"),
        ("backup_list --scope complete --stored", "Complete backups whose files are here"),
        ("backup_list --limit 500 --json", "for a program"),
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--scope", choices=[s.value for s in Scope], help="only backups of this type"
        )
        parser.add_argument(
            "--state", choices=State.values, help="only backups that have come to this state"
        )
        parser.add_argument(
            "--stored", action="store_true", help="only backups that have a file in the folder"
        )
        parser.add_argument(
            "--limit", type=int, default=20, metavar="N", help="at most so many; 20 if left out"
        )
        parser.add_argument(
            "--json", action="store_true", help="print JSON, with whole numbers and sizes in bytes"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors():
            runs = list(_chosen(options)[: max(options["limit"], 0)])
            if options["json"]:
                self.stdout.write(printed_json.indented([_facts(run) for run in runs]))
                return
            self._table(runs)

    def _table(self, runs: list[BackupRun]) -> None:
        output = terminal.Output(self, width=200)
        if not runs:
            output.line("There is no such backup. Make one: manage.py backup_create --scope safe")
            return
        heads = (
            "Number",
            "Asked for (UTC)",
            "Type",
            "State",
            "Rows",
            "Stored",
            "Encrypted",
            "Kept",
            "Name",
            "By",
        )
        output.table(heads, map(_cells, runs))
        newest = next((run for run in runs if run.artifact), None)
        if newest:
            output.line(
                f"What one would bring back: manage.py restore_plan {numbers.short(newest.pk)}"
            )


def _chosen(options: dict[str, Any]) -> QuerySet[BackupRun]:
    wanted = {name: options[name] for name in ("scope", "state") if options[name]}
    runs = BackupRun.objects.filter(**wanted)
    return runs.exclude(artifact="") if options["stored"] else runs


def _cells(run: BackupRun) -> list[str]:
    kind = "safety" if run.purpose == Purpose.SAFETY else run.scope
    return [
        numbers.short(run.pk),
        f"{run.requested_at.astimezone(datetime.UTC):%Y-%m-%d %H:%M}",
        kind,
        "damaged" if run.artifact and run.error_code else str(run.state),
        f"{readiness.rows_of(run).rows:,}" if run.artifact else "",
        f"{run.stored_bytes:,}" if run.artifact else "no file",
        _encrypted(run),
        _kept(run),
        run.note,
        run.requested_by_email or run.requested_by_name,
    ]


def _encrypted(run: BackupRun) -> str:
    """By what it is opened: the names of the keys, as they were called then."""
    if run.encryption == Encryption.RECIPIENTS:
        return ", ".join(f"{key['name']} ({key['fingerprint']})" for key in run.encrypted_to)
    return {
        Encryption.NONE: "no" if run.artifact else "",
        Encryption.PASSPHRASE: "passphrase",
        Encryption.INSTALLATION: "this installation",
    }[Encryption(run.encryption)]


def _kept(run: BackupRun) -> str:
    if run.pinned:
        return "pinned"
    return f"until {run.keep_until:%Y-%m-%d}" if run.is_kept and run.keep_until else ""


def _facts(run: BackupRun) -> dict[str, Any]:
    def when(at: datetime.datetime | None) -> str | None:
        return at.isoformat() if at else None

    return {
        "number": run.pk,
        "type": run.scope,
        "purpose": run.purpose,
        "state": run.state,
        "name": run.note,
        "asked_for_at": when(run.requested_at),
        "by": run.requested_by_email or run.requested_by_name,
        "is_stored": bool(run.artifact) and readiness.is_there(run),
        "stored_bytes": run.stored_bytes,
        "plain_bytes": run.plain_bytes,
        **asdict(readiness.rows_of(run)),
        "digest": run.digest,
        "encryption": run.encryption,
        "encrypted_to": run.encrypted_to,
        "stored_sha256": run.stored_sha256,
        "verified_at": when(run.verified_at),
        "pinned": run.pinned,
        "keep_until": when(run.keep_until),
        "code": run.error_code,
    }
