"""What is done with a finished backup: verify again, pin, release, delete."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from backups import jobs, permissions
from backups.errors import BackupSystemError, WorkerFailure
from backups.forms import PasswordAgainForm
from backups.models import BackupRun
from backups.registry import COMPLETE
from backups.services import keeping
from backups.services.auditing import Actor
from backups.translating import message_and_hint
from backups.views.frame import ask_again, page
from backups.views.lookup import run_or_refuse


@require_POST
@permissions.needs(permissions.SEE, "backup.verify")
def verify(request: HttpRequest, run_id: str) -> HttpResponse:
    """Have a worker read the file through; its page says how it went."""
    run = run_or_refuse(request, run_id, "backup.verify")
    try:
        if run.artifact:
            with_key = bool(run.encryption and request.POST.get("with_key"))
            actor = permissions.actor_of(request)
            jobs.enqueue_verification(run, actor, with_key=with_key)
            _warn_of_no_worker(request)
    except WorkerFailure as error:
        messages.error(request, message_and_hint(error))
    return redirect("admin:backups_run", run.pk)


def _warn_of_no_worker(request: HttpRequest) -> None:
    if not jobs.workers_listening():
        messages.warning(
            request,
            _(
                "Nobody is there to do the work: start a worker: manage.py backup_worker."
                " The verification waits until then."
            ),
        )


@require_POST
@permissions.needs(permissions.KEEP, "backup.pin")
def pin(request: HttpRequest, run_id: str) -> HttpResponse:
    told = _("Pinned: nobody can delete it until it is released.")
    return _changed(request, run_id, "backup.pin", keeping.pin, told)


@require_POST
@permissions.needs(permissions.KEEP, "backup.release")
def release(request: HttpRequest, run_id: str) -> HttpResponse:
    told = _("Released: it can be deleted.")
    return _changed(request, run_id, "backup.release", keeping.release, told)


@require_POST
@permissions.needs(permissions.SEE, "backup.name")
def name(request: HttpRequest, run_id: str) -> HttpResponse:
    """Call it as the person does; whoever may make such a backup may name it."""
    run = run_or_refuse(request, run_id, "backup.name")
    try:
        keeping.name(run, request.POST.get("name", ""), permissions.actor_of(request))
    except BackupSystemError as error:
        messages.error(request, message_and_hint(error))
    return redirect("admin:backups_run", run.pk)


def _changed(
    request: HttpRequest,
    run_id: str,
    action: str,
    change: Callable[[BackupRun, Actor], None],
    told: str,
) -> HttpResponse:
    run = run_or_refuse(request, run_id, action)
    change(run, permissions.actor_of(request))
    messages.success(request, told)
    return redirect("admin:backups_run", run.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.needs(permissions.DELETE, "backup.delete")
def delete(request: HttpRequest, run_id: str) -> HttpResponseBase:
    run = run_or_refuse(request, run_id, "backup.delete")
    form = PasswordAgainForm(
        request, request.POST or None, reason="backup.delete", subject=str(run.pk)
    )
    needs_password = run.scope == COMPLETE
    if request.method == "POST" and needs_password and not form.is_valid():
        return ask_again(request, form)
    if request.method != "POST":
        title = _("Delete this backup?")
        asked = form if needs_password else None
        return page(request, "backups/delete.html", title=title, tab="history", run=run, form=asked)
    try:
        keeping.delete(run, permissions.actor_of(request))
    except BackupSystemError as error:
        messages.error(request, message_and_hint(error))
        return redirect("admin:backups_run", run.pk)
    messages.success(request, _("The backup was deleted. The audit trail remembers it."))
    return redirect("admin:backups_history")
