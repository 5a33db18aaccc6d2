"""``manage.py backup_export``: copy a stored backup to a file, as a download would."""

import shlex
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from backups.management import numbers, output_files, terminal
from backups.services import auditing, encrypting, vault


class Command(terminal.Documented):
    help = (
        "Copy a stored backup to a file that only this account may read. A Complete one holds password"
        " hashes, access tokens and every file: keep it encrypted and offline."
    )
    examples = (
        ("backup_export 3fa94c0d11e2 --output studio.json", "as the plain document"),
        ("backup_export 3fa94c0d11e2 --output studio.json.zst --as-stored", "compressed"),
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("backup", help="the backup's number, or as much of it as is unique")
        parser.add_argument(
            "--output",
            type=Path,
            required=True,
            metavar="FILE",
            help="the file to write; one that is there already is not overwritten",
        )
        parser.add_argument(
            "--as-stored",
            action="store_true",
            help="compressed, as it lies here; the restore commands take both forms",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        output, as_stored = options["output"], options["as_stored"]
        with terminal.errors():
            run = numbers.stored_backup(options["backup"])
            if not as_stored:
                encrypting.require_may_be_plain(run)
            output_files.require_new(output)
            with vault.read(run.artifact):
                vault.copy_out(run.artifact, output, as_stored=as_stored)
            auditing.audit(
                auditing.COMMAND_LINE,
                "backup.download",
                "served",
                subject=run.pk,
                form="stored" if as_stored else "plain",
            )
        self.stdout.write(
            f"Written: {run.scope} backup {numbers.short(run.pk)} to {output}\n"
            f"  Look at it anywhere: manage.py backup_inspect {shlex.quote(str(output))}"
        )
