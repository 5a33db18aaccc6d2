"""The rehearsal: a restore into a throwaway database, compared with the file, then dropped.

Nothing of production is written or locked; of the file storage nothing is written either: each file's
content is read out of the artifact and compared with its hash.
"""

import time
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections, transaction

from backups.database.connection import connected, database_errors
from backups.errors import RestoreError
from backups.models import BackupRun, State
from backups.registry import registry
from backups.services import auditing, runs, vault
from backups.services.auditing import Actor
from backups.services.progress import Listener, Progress
from backups.stages import Stage
from restore.database import throwaway
from restore.database.transaction import restore_transaction
from restore.models import Rehearsal
from restore.plan import Choices, FilesPlan
from restore.services.applying.writing import FilesCompared, Writer
from restore.services.planning.counting import make_plan
from restore.services.planning.following import tables_held
from restore.services.planning.locating import places
from restore.services.planning.staging import prepare

ACTING = "rehearsal@localhost.invalid"


def request(backup: BackupRun, actor: Actor) -> Rehearsal:
    """Write down that a test restore of a stored backup is wanted."""
    runs.end_abandoned(Rehearsal)
    vault.path_of(backup.artifact)
    with transaction.atomic():
        rehearsal = Rehearsal.objects.create(
            backup=backup.pk, requested_by_name=actor.name, requested_by_email=actor.email
        )
        auditing.audit(actor, "rehearsal", "requested", subject=backup.pk)
    return rehearsal


def carry_out(rehearsal: Rehearsal, *, listener: Listener | None = None) -> Rehearsal:
    """Try the restore. Returns the rehearsal as it ended.

    Raises BackupSystemError: the backup cannot be restored, or could not be tried; see the code.
    """
    with (
        runs.carried_out(rehearsal),
        vault.disk_errors(),
        Progress(rehearsal, listener) as progress,
    ):
        backup = BackupRun.objects.get(pk=rehearsal.backup)
        started = time.monotonic()
        report = rehearse(vault.path_of(backup.artifact), rehearsal.pk, progress)
        took = round(time.monotonic() - started, 1)
        runs.succeed(rehearsal, report=report | {"seconds": took})
    return rehearsal


def rehearse(path: Path, run_id: str, progress: Progress) -> dict[str, Any]:
    """Restore the file at ``path`` into a throwaway database. Returns what was compared."""
    drop_left_over()
    progress.stage(Stage.THROWAWAY)
    with throwaway.throwaway_database() as alias:
        _make_schema(alias)
        with connected(alias, purpose="rehearsal") as connection, database_errors():
            connection.autocommit = True
            with progress.interruptible(connection):
                prepared = prepare(path, connection, registry, progress)
                choices = _choices(alias, prepared.manifest.type)
                with places(path, registry), restore_transaction(connection) as work:
                    work.hold(tables_held(prepared), wait_seconds=1)
                    with work.only_looking():
                        plan = make_plan(connection, prepared, choices, FilesPlan())
                    if plan.blocking:
                        first = plan.blocking[0]
                        raise RestoreError(first.code, first.message, hint=first.hint)
                    files = FilesCompared(progress.check)
                    writer = Writer(work, prepared, plan, path, progress)
                    report = writer.write(files, run_id)
    return report


def _make_schema(alias: str) -> None:
    """The schema as a new server would get it: by the application's own migrations."""
    call_command("migrate", database=alias, verbosity=0, interactive=False, skip_checks=True)
    connections[alias].close()


def _choices(alias: str, kind: str) -> Choices:
    """A Safe restore needs an owner who acts; here one is made up. The file's roles are believed: it
    is tried, not trusted."""
    if kind == "safe":
        model = get_user_model()
        # One and the same field where people sign in with their address.
        names = dict.fromkeys([model.USERNAME_FIELD, model.get_email_field_name()], ACTING)
        model._default_manager.db_manager(alias).create_superuser(**names, password=None)
        connections[alias].close()
    return Choices(acting=ACTING if kind == "safe" else "", accept_foreign=True)


def drop_left_over() -> None:
    """Drop the throwaway databases of rehearsals that died."""
    for name in throwaway.left_over():
        if not throwaway.in_use("default", name):
            throwaway.drop("default", name)


def last_proof(backup: BackupRun) -> Rehearsal | None:
    """The newest rehearsal of this backup that succeeded."""
    return Rehearsal.objects.filter(backup=backup.pk, state=State.SUCCEEDED).first()
