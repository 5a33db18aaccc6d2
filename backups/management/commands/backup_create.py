"""``manage.py backup_create``: make a Safe or a Complete backup."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from backups import jobs
from backups.errors import WorkerFailure
from backups.management import terminal
from backups.models import BackupRun, State
from backups.registry import Scope
from backups.services import auditing, creating, runs, said_of_rules, said_of_secrets, vault
from backups.services.progress import Listener
from backups.wording import _


class Command(BaseCommand):
    help = (
        "Make a backup. Exit status: 0 done, 3 incomplete (a file could not be fetched;"
        " the backup can be restored), 1 failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--scope", choices=[s.value for s in Scope], required=True)
        parser.add_argument("--output", type=Path, help="also write the plain .json file here")
        parser.add_argument(
            "--enqueue", action="store_true", help="let a worker do it, and wait for the end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors(), terminal.bars(self) as listener:
            if options["output"]:
                _require_folder(options["output"])
            run = creating.request(Scope(options["scope"]), auditing.COMMAND_LINE)
            if options["enqueue"]:
                run = self._let_worker(run, listener)
            else:
                creating.carry_out(run, listener=listener)
            if options["output"]:
                vault.copy_plain(run.artifact, options["output"])
                # As a download is: whoever can run commands has the file now. Where to is not said.
                auditing.audit(
                    auditing.COMMAND_LINE, "backup.download", "served", subject=run.pk, form="plain"
                )
        self._report(run, options["output"])

    def _let_worker(self, run: BackupRun, listener: Listener | None) -> BackupRun:
        jobs.enqueue_backup(run)
        if not jobs.workers_listening():
            self.stderr.write("No worker is listening. Start one: manage.py backup_worker")
        terminal.wait_for(run, listener, lambda: runs.end_abandoned(BackupRun))
        terminal.require_success(run)
        return run

    def _report(self, run: BackupRun, output: Path | None) -> None:
        files = run.statistics["files"]
        self.stdout.write(
            f"{run.get_state_display()}: {run.scope} backup {run.pk}\n"
            f"  {run.statistics['rows']:,} rows in {len(run.statistics['sections'])} sections,"
            f" {files['embedded']:,} files ({files['embedded_bytes']:,} bytes)\n"
            f"  {run.plain_bytes:,} bytes plain, {run.stored_bytes:,} bytes stored,"
            f" verified, sha256 {run.digest}"
        )
        if files["not_included_local"]:
            self.stdout.write(
                f"  {files['not_included_local']:,} local files are not in a Safe backup."
            )
        if files["not_included_in_rows"]:
            self.stdout.write(
                f"  {files['not_included_in_rows']:,} files that rows hold themselves (data: addresses) are"
                " left out of a Safe backup."
            )
        for said in said_of_secrets.in_full(run.statistics):
            self.stdout.write(f"  {said}")
        if files["skipped"]:
            self.stdout.write(f"  {files['skipped']:,} files skipped by rule (too large).")
        for said in said_of_rules.in_full(run.statistics):
            self.stdout.write(f"  {said}")
        if output:
            self.stdout.write(f"  written to {output}")
        if run.state == State.INCOMPLETE:
            self.stderr.write(
                f"{files['gaps']:,} files could not be fetched; the file names each with the reason."
            )
            raise SystemExit(terminal.INCOMPLETE)


def _require_folder(output: Path) -> None:
    if not output.parent.is_dir() or output.is_dir():
        raise WorkerFailure(
            "output.folder",
            _("The file given with --output cannot be written there."),
            hint=_("Name a file in a folder that exists."),
        )
