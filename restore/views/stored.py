"""Restoring a backup that is stored here: the same plan as for a file that was brought, without the way."""

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from backups.errors import BackupSystemError
from backups.models import BackupRun
from backups.permissions import actor_of, needs
from backups.translating import refusal_of
from restore.plan import Choices
from restore.services.asking import uploads
from restore.views.access import RESTORE
from restore.views.uploading import plan


@require_POST
@needs(RESTORE, "plan")
def begin(request: HttpRequest, backup_id: str) -> HttpResponseBase:
    """Ask for a plan of a stored backup, and go to it. Where it cannot be read, its own page says so."""
    backup = get_object_or_404(BackupRun, pk=backup_id)
    actor = actor_of(request)
    try:
        upload = uploads.of_backup(backup, actor)
        plan(upload, request, Choices(acting=actor.email))
    except BackupSystemError as error:
        messages.error(request, refusal_of(error))
        return redirect("admin:backups_run", backup.pk)
    return redirect("admin:restore_plan", upload.pk)
