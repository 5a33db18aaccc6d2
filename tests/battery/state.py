"""What a run may leave behind, and what it may not."""

import hashlib
import threading
import time
from pathlib import Path

from django.conf import settings

from backups.database.connection import connected
from backups.models import BackupRun
from restore.models import RestoreRun

Files = dict[str, str]


def stored_files() -> Files:
    """Every file in Django's storage, by name, with its hash."""
    root = Path(settings.MEDIA_ROOT)
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


def leftovers() -> list[str]:
    """What lies in the folder of the backups and belongs to no finished run."""
    owned = set(BackupRun.objects.values_list("artifact", flat=True))
    owned |= {f"superseded-{run.pk}" for run in RestoreRun.objects.filter(state="succeeded")}
    return sorted(
        path.name for path in Path(settings.BACKUPS_ROOT).iterdir() if path.name not in owned
    )


def sessions(*, within_seconds: float = 5) -> list[str]:
    """The engine's sessions that are still there, and whoever holds an advisory lock."""
    end = time.monotonic() + within_seconds
    while (found := _sessions()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def _sessions() -> list[str]:
    with connected(purpose="look at the state") as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT a.application_name, a.state, l.locktype FROM pg_stat_activity a"
            " LEFT JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'advisory'"
            " WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()"
            " AND (a.application_name LIKE 'backups%' OR l.pid IS NOT NULL)"
        )
        return [str(row) for row in cursor.fetchall()]


def threads() -> list[str]:
    """What a run had made beside it, and nobody ended."""
    return sorted(
        thread.name
        for thread in threading.enumerate()
        if thread.name.startswith(("behind ", "safety backup", "rules", "progress"))
    )


def unfinished_runs() -> list[str]:
    return [
        f"{model.__name__} {run.state} {run.error_code}"
        for model in (BackupRun, RestoreRun)
        for run in model.objects.all()
        if run.is_active
    ]
