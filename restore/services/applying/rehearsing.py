"""The rehearsal: a restore into a throwaway database, compared with the file, then dropped.

Nothing of production is written or locked; of the file storage nothing is written either: each file's
content is read out of the artifact and compared with its hash.
"""

import time
from pathlib import Path
from typing import Any

from django.apps import apps

from backups.findings import Finding, Severity
from backups.models import BackupRun, State
from backups.registry import registry
from backups.services import auditing, keeping, key_requests, runs, vault
from backups.services.auditing import Actor
from backups.services.progress import Listener, Progress
from backups.stages import Stage
from backups.wording import _
from restore.database import live_schema, throwaway
from restore.database.live_schema import Carried
from restore.database.programs import Programs, find_programs
from restore.models import Rehearsal
from restore.services.applying import isolation

_OURS = ("backups", "restore", "django.contrib.sessions", "django.contrib.admin")


def request(backup: BackupRun, actor: Actor) -> Rehearsal:
    """Write down that a test restore of a stored backup is wanted."""
    runs.end_abandoned(Rehearsal)
    vault.path_of(backup.artifact)
    with runs.asking() as asked:
        keeping.hold(backup.pk)
        rehearsal = Rehearsal.objects.create(
            backup=backup.pk, requested_by_name=actor.name, requested_by_email=actor.email
        )
        asked.append(rehearsal)
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
        path = vault.path_of(backup.artifact)
        with key_requests.unlocked(path, progress.check, lambda: progress.stage(Stage.KEY)):
            report = rehearse(path, rehearsal.pk, progress)
        took = round(time.monotonic() - started, 1)
        runs.succeed(rehearsal, report=report | {"seconds": took})
    return rehearsal


def rehearse(path: Path, run_id: str, progress: Progress) -> dict[str, Any]:
    """Restore the file at ``path`` into a throwaway database. Returns what was compared.

    This process only makes the database and drops it. Who restores is a process of its own, which
    cannot reach the live one, whatever the project's migrations and signals do.
    """
    drop_left_over()
    progress.stage(Stage.THROWAWAY)
    with isolation.private_folder() as folder, throwaway.throwaway_database() as alias:
        progress.stage(Stage.SCHEMA)
        programs = find_programs(throwaway.server_major(alias))
        carried = (
            _carry_over(programs, alias, folder, progress) if programs else _by_migrations(alias)
        )
        order = isolation.order_for(
            alias,
            run=run_id,
            file=path,
            folder=folder,
            waiting=[(key.schema, key.table, key.name) for key in carried.waiting],
            by_migrations=programs is None,
        )
        report = isolation.carry_out(order, progress)
    schema = "live" if programs else "migrations"
    return report | {"schema": schema, "findings": [f.as_dict() for f in carried.findings]}


def _carry_over(programs: Programs, alias: str, folder: Path, progress: Progress) -> Carried:
    return live_schema.carry_over(
        programs,
        alias,
        folder,
        restored={section.table for section in registry.sections},
        ours=_ours(),
        watch=progress,
    )


def _ours() -> set[str]:
    """Tables whose rows have nothing to do with those of a file."""
    installed = [label for label in _OURS if apps.is_installed(label)]
    configs = [config for config in apps.get_app_configs() if config.name in installed]
    return {model._meta.db_table for config in configs for model in config.get_models()}


def _by_migrations(alias: str) -> Carried:
    """Safe where it happens. The report says that it is not the live schema that was tried."""
    major = throwaway.server_major(alias)
    return Carried(
        [
            Finding(
                "rehearsal.schema_by_migrations",
                Severity.WARNING,
                _(
                    "The schema was made by the application's migrations, as no pg_dump of version {version}"
                    " or newer was found. What only the live schema has was not tried.",
                    version=str(major),
                ),
                _("Install PostgreSQL's client programs, or name pg_dump by BACKUPS_PG_DUMP."),
            )
        ]
    )


def drop_left_over() -> None:
    """Drop the throwaway databases of rehearsals that died."""
    for name in throwaway.left_over():
        if throwaway.is_abandoned("default", name):
            throwaway.drop("default", name)


def end_dead() -> None:
    """End the test restores whose worker died, and drop what they left."""
    runs.end_abandoned(Rehearsal)
    drop_left_over()


def last_proof(backup: BackupRun) -> Rehearsal | None:
    """The newest rehearsal of this backup that succeeded."""
    return Rehearsal.objects.filter(backup=backup.pk, state=State.SUCCEEDED).first()
