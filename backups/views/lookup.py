"""Finding the run that an address names, for somebody who may know of it."""

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from backups import permissions
from backups.models import BackupRun
from backups.registry import Scope


def run_or_refuse(request: HttpRequest, run_id: str, action: str) -> BackupRun:
    """The run. Raises Http404, or PermissionDenied where its kind is not this person's."""
    run = get_object_or_404(BackupRun, pk=run_id)
    if Scope(run.scope) not in permissions.visible_scopes(request.user):
        permissions.refuse(request, action, subject=run.pk)
    return run
