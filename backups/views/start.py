"""Starting a backup: Safe at one click, Complete after the password."""

import contextlib

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from backups import conf, jobs, permissions
from backups.errors import ConfigurationError, WorkerFailure
from backups.forms import PasswordAgainForm
from backups.models import ACTIVE_STATES, BackupRun, Purpose
from backups.registry import COMPLETE, SAFE, Scope
from backups.services import creating, readiness, recipients, runs
from backups.translating import message_and_hint
from backups.views.frame import ask_again, page


@require_POST
@permissions.needs(permissions.CREATE[SAFE], "backup.safe")
def safe(request: HttpRequest) -> HttpResponseBase:
    return _begin(
        request,
        SAFE,
        encrypt=True if request.POST.get("encrypt") else None,
        mask_credentials=bool(request.POST.get("mask_credentials")),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.needs(permissions.CREATE[COMPLETE], "backup.complete")
def complete(request: HttpRequest) -> HttpResponseBase:
    form = PasswordAgainForm(request, request.POST or None, reason="backup.complete")
    if request.method == "POST":
        if not form.is_valid():
            return ask_again(request, form)
        chosen = request.POST.get("encryption", "")
        return _begin(
            request,
            COMPLETE,
            encrypt=False if chosen == "plain" else None,
            by_passphrase=chosen == "passphrase",
        )
    return page(
        request,
        "backups/start_complete.html",
        title=_("Complete Backup"),
        tab="dashboard",
        form=form,
        next=readiness.next_backup(COMPLETE, readiness.finished(COMPLETE).first()),
        contents=readiness.contents(COMPLETE),
        limit=conf.file_limit_bytes(),
        keys=recipients.listed(),
        obligatory=conf.encrypt_complete(),
    )


def _begin(
    request: HttpRequest,
    scope: Scope,
    *,
    encrypt: bool | None,
    by_passphrase: bool = False,
    mask_credentials: bool = False,
) -> HttpResponse:
    """Ask for a backup, or lead to the one that is being made already. The choices are those of
    ``creating.request``."""
    runs.end_abandoned(BackupRun)
    active = BackupRun.objects.filter(
        scope=scope.value, purpose=Purpose.ORDINARY, state__in=ACTIVE_STATES
    ).first()
    if active:
        messages.info(request, _("This backup is being made already; here is how far it is."))
        return redirect("admin:backups_run", active.pk)
    try:
        actor = permissions.actor_of(request)
        run = creating.request(
            scope,
            actor,
            encrypt=encrypt,
            by_passphrase=by_passphrase,
            mask_credentials=mask_credentials,
        )
    except ConfigurationError as error:
        messages.error(request, message_and_hint(error))
        return redirect("admin:backups_backuprun_changelist")
    with contextlib.suppress(WorkerFailure):
        # Else the run's row says what is wrong and what to do, and so does its page.
        jobs.enqueue_backup(run)
    return redirect("admin:backups_run", run.pk)
