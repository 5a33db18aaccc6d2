"""``manage.py backup_create``: make a Safe or a Complete backup."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from backups import jobs
from backups.management import numbers, output_files, terminal
from backups.models import LONGEST_NOTE, BackupRun, State
from backups.registry import Scope
from backups.services import (
    auditing,
    creating,
    keeping,
    readiness,
    runs,
    said_of_rules,
    said_of_secrets,
    vault,
)
from backups.services.progress import Listener

_SHOWN_GAPS = 20


class Command(terminal.Documented):
    help = "Make a backup, read it back from end to end, and store it."
    examples = (
        ("backup_create --scope safe", "without passwords, tokens and the content of files"),
        ("backup_create --scope complete --output studio.json", "everything, and a copy of it"),
        ('backup_create --scope complete --name "before the move"', "with a name of its own"),
    )
    statuses = {
        terminal.FAILED: "failed; no file was kept",
        terminal.INCOMPLETE: "incomplete: a file could not be fetched; the backup can be restored",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--scope",
            choices=[s.value for s in Scope],
            required=True,
            help="safe: without passwords, tokens and the content of files; complete: everything",
        )
        parser.add_argument(
            "--output", type=Path, metavar="FILE", help="also write the plain .json file here"
        )
        parser.add_argument(
            "--name",
            default="",
            help=f"what people call this backup, {LONGEST_NOTE} characters at most",
        )
        parser.add_argument(
            "--enqueue", action="store_true", help="let a worker do it, and wait for the end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors(), terminal.bars(self) as listener:
            if options["output"]:
                output_files.require_folder(options["output"])
            note = keeping.fitting_name(options["name"])
            run = creating.request(Scope(options["scope"]), auditing.COMMAND_LINE, note=note)
            if options["enqueue"]:
                run = self._let_worker(run, listener)
            else:
                creating.carry_out(run, listener=listener)
            if options["output"]:
                vault.copy_out(run.artifact, options["output"])
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
        files, rows = readiness.files_of(run), readiness.rows_of(run)
        self.stdout.write(
            f"{run.get_state_display()}: {run.scope} backup {run.pk}\n"
            f"  {rows['rows']:,} rows in {rows['tables']} tables, {rows['framework_rows']:,} in"
            f" {rows['framework_tables']} of Django itself,"
            f" {files['held']:,} files ({files['embedded_bytes']:,} bytes)\n"
            f"  {run.plain_bytes:,} bytes plain, {run.stored_bytes:,} bytes stored,"
            f" verified, sha256 {run.digest}"
        )
        if files["named"]:
            self.stdout.write(
                f"  files that are only named: {files['named']:,}, of them local: {files['named_local']:,};"
                " a Safe backup has no content of files"
            )
        if files["not_included_in_rows"]:
            self.stdout.write(
                f"  {files['not_included_in_rows']:,} files that rows hold themselves (data: addresses) are"
                " left out of a Safe backup."
            )
        if files["in_rows"]:
            self.stdout.write(
                f"  {files['in_rows']:,} more files stand in rows themselves (data: addresses) and are in the"
                " backup with them."
            )
        if unchanged := run.statistics["unchanged_files"]["files"]:
            self.stdout.write(
                f"  {unchanged:,} files had not changed since an earlier backup and were not fetched again"
                f" ({run.statistics['unchanged_files']['bytes']:,} bytes)."
            )
        for said in said_of_secrets.in_full(run.statistics):
            self.stdout.write(f"  {said}")
        if files["skipped"]:
            self.stdout.write(f"  {files['skipped']:,} files skipped by rule (too large).")
        for said in said_of_rules.in_full(run.statistics):
            self.stdout.write(f"  {said}")
        if output:
            self.stdout.write(f"  written to {output}")
        number = numbers.short(run.pk)
        self.stdout.write(f"  What it would bring back: manage.py restore_plan {number}")
        if run.state == State.INCOMPLETE:
            self._gaps(run)
            raise SystemExit(terminal.INCOMPLETE)

    def _gaps(self, run: BackupRun) -> None:
        """The files that are missing, by name and with the reason."""
        gaps = [f for f in run.statistics.get("not_embedded", []) if f["state"] == "gap"]
        number = run.statistics["files"]["gaps"]
        self.stderr.write(
            "1 file could not be fetched:"
            if number == 1
            else f"{number:,} files could not be fetched:"
        )
        for gap in gaps[:_SHOWN_GAPS]:
            self.stderr.write(terminal.printable(f"  {gap['name']}: {gap['reason']}"))
        if number > _SHOWN_GAPS:
            self.stderr.write("  … and more: the run's page and the file list them.")
