"""Pictures of every backup page for docs/screenshots; ``take_restore_screenshots.py`` has the others.

Not a test, though it runs as one (`make screenshots`): it wants what those want, a running application.
"""

import datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from backups.models import BackupRun, Purpose, State
from backupsvc.studio.models import ChatMessage
from tests.browser.camera import Camera
from tests.browser.visitor import PASSWORD

pytestmark = pytest.mark.usefixtures("worker")


def test_pictures_are_taken(visitor, held_up):
    camera = Camera(visitor)
    shoot = camera.shoot
    shoot("dashboard-first-run", "")
    owner = visitor("owner")
    make(owner, "safe", "read back from end to end")
    complete = make(owner, "complete", "read back from end to end")
    earlier_runs()
    with held_up(ChatMessage):
        owner.open()
        owner.click("Safe Backup")
        owner.sees("Cancel this backup")
        shoot("run-live", owner.page.url.removeprefix(owner.address))
        owner.click("Cancel this backup")
        owner.sees("The run was cancelled.")
    shoot("dashboard", "")
    shoot("dashboard-admin", "", role="admin")
    shoot("history", "history/")
    shoot("coverage", "coverage/")
    shoot("audit", "audit/")
    shoot("complete-start", "start/complete/")
    shoot("run-failed", f"runs/{failed().pk}/")
    shoot("download-password", f"runs/{complete}/download/")
    shoot("download", f"runs/{complete}/download/", before=unlock)
    shoot("delete", f"runs/{complete}/delete/")
    shoot("refused", "audit/", role="designer")
    lose_files(3)
    incomplete = make(owner, "complete", "could not be fetched")
    shoot("run-incomplete", f"runs/{incomplete}/")
    assert camera.problems == []


def make(owner, scope, said):
    owner.open("start/complete/" if scope == "complete" else "")
    if scope == "complete":
        owner.page.get_by_label("Your password, again").fill(PASSWORD)
        owner.click("Make the Complete Backup")
    else:
        owner.click("Safe Backup")
    owner.sees(said, seconds=60)
    return BackupRun.objects.filter(scope=scope).latest("requested_at").pk


def lose_files(number):
    pictures = [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
    for path in sorted(pictures)[:number]:
        path.unlink()


def unlock(someone):
    field = someone.page.get_by_label("Your password, again")
    if field.count():
        field.fill(PASSWORD)
        someone.click("Continue")
        someone.sees("Choose a form")


def failed():
    now = timezone.now()
    return BackupRun.objects.create(
        scope="safe",
        state=State.FAILED,
        requested_by_name="Ada Admin",
        requested_by_email="admin@studio.example",
        started_at=now,
        finished_at=now + datetime.timedelta(seconds=74),
        error_code="storage.full",
        error_message="The disk that holds the backups is full.",
        error_hint="Free space on it or delete old backups, then try again.",
    )


def earlier_runs():
    """A year of them, copies of what was just made."""
    newest = {run.scope: run for run in BackupRun.objects.all()}
    for week in range(1, 52):
        source = newest["complete" if week % 4 == 0 else "safe"]
        source.pk = f"{week:032x}"
        source.requested_at = timezone.now() - datetime.timedelta(weeks=week, minutes=week)
        source.started_at = source.requested_at
        source.finished_at = source.requested_at + datetime.timedelta(seconds=40 + week * 3)
        source.state = State.SUCCEEDED if week % 11 else State.CANCELLED
        source.purpose = Purpose.SAFETY if week == 8 else Purpose.ORDINARY
        source.pinned = week == 12
        source.save(force_insert=True)
