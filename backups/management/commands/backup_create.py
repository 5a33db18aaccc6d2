"""``manage.py backup_create``: make a Safe or a Complete backup."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from backups import jobs
from backups.artifact import passphrase
from backups.management import numbers, output_files, terminal
from backups.management.identities import asked_passphrase, give_if_asked
from backups.models import LONGEST_NOTE, BackupRun, State
from backups.registry import Scope
from backups.services import (
    auditing,
    creating,
    keeping,
    keyring,
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
        (
            "backup_create --scope safe --mask-credentials",
            "nor keys of services that stand in texts",
        ),
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
            "--output",
            type=Path,
            metavar="FILE",
            help="also write the plain .json file here; an encrypted one as it is stored",
        )
        parser.add_argument(
            "--name",
            default="",
            help=f"what people call this backup, {LONGEST_NOTE} characters at most",
        )
        encrypt = parser.add_mutually_exclusive_group()
        encrypt.add_argument(
            "--encrypt",
            action="store_true",
            default=None,
            help="encrypt it to the owner's public keys (backup_keys); a Complete backup is as soon as there"
            " are any",
        )
        encrypt.add_argument(
            "--passphrase",
            action="store_true",
            help="encrypt it with a passphrase, in place of keys: asked for twice, or the first line of the"
            " standard input",
        )
        encrypt.add_argument(
            "--no-encrypt", dest="encrypt", action="store_false", help="leave it readable for all"
        )
        parser.add_argument(
            "--mask-credentials",
            action="store_true",
            help="in a Safe backup, show markers for what looks like a credential that no column is known to"
            " hold: private keys, keys of clouds, JWTs, bearer tokens, signed links; they are counted anyway",
        )
        parser.add_argument(
            "--enqueue", action="store_true", help="let a worker do it, and wait for the end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors(), terminal.bars(self) as listener:
            if options["output"]:
                output_files.require_folder(options["output"])
            note = keeping.fitting_name(options["name"])
            words = (
                [passphrase.new(asked_passphrase(twice=True).text)] if options["passphrase"] else []
            )
            run = creating.request(
                Scope(options["scope"]),
                auditing.COMMAND_LINE,
                note=note,
                encrypt=options["encrypt"],
                by_passphrase=bool(words),
                mask_credentials=options["mask_credentials"],
            )
            if options["enqueue"]:
                run = self._let_worker(run, listener, words)
            else:
                with keyring.held(words):
                    creating.carry_out(run, listener=listener)
            if options["output"]:
                as_stored = bool(run.encryption)
                vault.copy_out(run.artifact, options["output"], as_stored=as_stored)
                # As a download is: whoever can run commands has the file now. Where to is not said.
                form = "stored" if as_stored else "plain"
                auditing.audit(
                    auditing.COMMAND_LINE, "backup.download", "served", subject=run.pk, form=form
                )
        self._report(run, options["output"])

    def _let_worker(
        self, run: BackupRun, listener: Listener | None, words: list[passphrase.Passphrase]
    ) -> BackupRun:
        jobs.enqueue_backup(run)
        if not jobs.workers_listening():
            self.stderr.write("No worker is listening. Start one: manage.py backup_worker")

        def look() -> None:
            runs.end_abandoned(BackupRun)
            give_if_asked(run.pk, words)

        terminal.wait_for(run, listener, look)
        terminal.require_success(run)
        return run

    def _report(self, run: BackupRun, output: Path | None) -> None:
        files, rows = readiness.files_of(run), readiness.rows_of(run)
        self.stdout.write(
            f"{run.get_state_display()}: {run.scope} backup {run.pk}\n"
            f"  {rows},"
            f" {files['held']:,} files ({files['embedded_bytes']:,} bytes)\n"
            f"  {run.plain_bytes:,} bytes plain, {run.stored_bytes:,} bytes stored,"
            f" verified, sha256 {run.digest}"
        )
        if run.encryption:
            names = ", ".join(f"{k['name']} ({k['fingerprint']})" for k in run.encrypted_to)
            how = f"to {terminal.printable(names)}" if names else "with the passphrase"
            self.stdout.write(f"  encrypted {how}; sha256 of the file {run.stored_sha256}")
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
        if said_of_secrets.are_credentials_in(run.statistics):
            self.stdout.write(
                "  To mask them: manage.py backup_create --scope safe --mask-credentials"
            )
        if files["skipped"]:
            self.stdout.write(f"  {files['skipped']:,} files skipped by rule (too large).")
        for said in said_of_rules.in_full(run.statistics):
            self.stdout.write(f"  {said}")
        if output:
            self.stdout.write(f"  written to {output}")
        number = numbers.short(run.pk)
        self.stdout.write(f"  What it would bring back: manage.py restore_plan {number}")
        if run.encryption:
            option = "--identity FILE" if run.encrypted_to else "--passphrase"
            self.stdout.write(f"    with {option}, as it is encrypted")
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
