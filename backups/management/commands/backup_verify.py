"""``manage.py backup_verify``: read stored backups end to end, now and in this process."""

from argparse import ArgumentParser
from typing import Any

from backups.management import numbers, terminal
from backups.management.identities import add_identity, held
from backups.models import BackupRun
from backups.services import auditing, keeping, keyring, vault


class Command(terminal.Documented):
    help = (
        "Read a stored backup end to end and say whether it is sound. Nothing is restored. Of an encrypted"
        " one whose key is not given, the bytes are compared with those that were proven when it was made."
    )
    examples = (
        ("backup_verify 3fa94c0d11e2", "the backup whose number begins so"),
        (
            "backup_verify 3fa94c0d11e2 --identity key.txt",
            "an encrypted one, opened and read through",
        ),
        ("backup_verify --all", "every stored backup, one after the other"),
    )
    statuses = {terminal.DONE: "sound", terminal.UNSOUND: "not sound, or not there"}

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "backup",
            nargs="?",
            help="the backup's number, or as much of it as is unique; the newest if left out",
        )
        parser.add_argument(
            "--all", action="store_true", help="every stored backup, whatever the first one says"
        )

        add_identity(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with terminal.errors(status=terminal.UNSOUND), held(options):
            sound = [self._verify(run) for run in _chosen(options)]
        if not all(sound):
            raise SystemExit(terminal.UNSOUND)

    def _verify(self, run: BackupRun) -> bool:
        number = numbers.short(run.pk)
        if keeping.verify_again(run, auditing.COMMAND_LINE):
            if run.stored_sha256 and not keyring.opens(vault.path_of(run.artifact)):
                self.stdout.write(
                    f"Unchanged: {run.scope} backup {number}, encrypted, as it was proven when it was made,"
                    f" sha256 of the file {run.stored_sha256}\n"
                    f"  Open it and read it through: manage.py backup_verify {number} --identity FILE"
                )
                return True
            self.stdout.write(
                f"Sound: {run.scope} backup {number}, sha256 {run.digest}\n"
                f"  Try the restore itself out: manage.py backup_rehearse {number}"
            )
            return True
        self.stderr.write(
            f"Not sound: {run.scope} backup {number}\n  {run.error_message}\n"
            f"  What to do: {run.error_hint} Then make a new one:"
            f" manage.py backup_create --scope {run.scope}\n  Code: {run.error_code}"
        )
        return False


def _chosen(options: dict[str, Any]) -> list[BackupRun]:
    if options["all"]:
        return list(BackupRun.objects.exclude(artifact=""))
    return [numbers.stored_backup(options["backup"]) if options["backup"] else numbers.newest()]
