"""Undoing a restore, trying one out, and letting mail and jobs leave again."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from backups import jobs as backup_jobs
from backups.errors import BackupSystemError
from backups.models import BackupRun
from backups.permissions import actor_of, needs
from backups.services import auditing, readiness, runs
from backups.translating import message_and_hint, refusal_of
from backups.views.frame import ask_again, page
from restore import jobs
from restore.forms import ConfirmForm, ReleaseForm, UndoForm
from restore.mail import really_send
from restore.models import Rehearsal, RestoreRun
from restore.services.applying import put_back, rehearsing
from restore.services.asking import here, outgoing, requests, undoing
from restore.views import presence, tickets
from restore.views.access import RESTORE
from restore.views.going import going
from restore.views.importing import TAB
from restore.views.presenting import findings
from restore.views.table_rows import proven


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@needs(RESTORE, "restore.undo")
def undo(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """Ask for the phrase and the password, then restore what was there before ``run_id``."""
    run = get_object_or_404(RestoreRun, pk=run_id)
    form = UndoForm(
        request,
        request.POST or None,
        reason="undo",
        subject=run.pk,
        obstructed=undoing.was_obstructed(run),
    )
    if request.method == "POST" and undoing.can_undo(run):
        if form.is_valid():
            return _start_undo(request, run, form)
        auditing.audit(actor_of(request), "restore.undo", "refused", subject=run.pk)
        return ask_again(request, form)
    return _ask_undo(request, run, form)


def _start_undo(request: HttpRequest, run: RestoreRun, form: UndoForm) -> HttpResponseBase:
    # Nothing behind this line may ask for the session or the account: the undo may have begun.
    actor, secure = actor_of(request), request.is_secure()
    try:
        begun = undoing.request(
            run,
            actor,
            partial_undo=form.chosen("partial_undo"),
            without_undo=form.chosen("without_undo"),
        )
        jobs.enqueue_restore(begun)
    except BackupSystemError as error:
        form.add_error(None, message_and_hint(error))
        return ask_again(request, form)
    response = HttpResponseRedirect(reverse("admin:restore_live", args=[begun.pk]))
    tickets.issue(response, begun, secure=secure)
    return response


def _ask_undo(request: HttpRequest, run: RestoreRun, form: ConfirmForm) -> HttpResponseBase:
    safety = BackupRun.objects.filter(pk=run.safety_backup).first()
    return page(
        request,
        "restore/undo.html",
        title=_("Undo a restore"),
        tab=TAB,
        run=run,
        safety=safety,
        held=readiness.rows_of(safety) if safety else None,
        can_undo=undoing.can_undo(run),
        here=here.overwritten(),
        form=form,
        phrase=requests.PHRASE,
        presence=presence.presence(),
    )


@require_POST
@needs(RESTORE, "rehearsal.start")
def rehearse(request: HttpRequest, backup_id: str) -> HttpResponseBase:
    """Ask a worker to try the restore of a stored backup."""
    backup = get_object_or_404(BackupRun, pk=backup_id)
    try:
        rehearsal = rehearsing.request(backup, actor_of(request))
        jobs.enqueue_rehearsal(rehearsal)
    except BackupSystemError as error:
        messages.error(request, refusal_of(error))
        return redirect("admin:backups_run", backup.pk)
    return redirect("admin:restore_rehearsal", rehearsal.pk)


@require_safe
@needs(RESTORE, "page.rehearsal")
def rehearsal(request: HttpRequest, rehearsal_id: str) -> HttpResponseBase:
    """A test restore as it goes, and what it proved."""
    return page(
        request,
        "restore/rehearsal.html",
        title=_("Test restore"),
        tab="history",
        **_rehearsal_context(rehearsal_id),
    )


@require_safe
@needs(RESTORE, "page.rehearsal")
def rehearsal_status(request: HttpRequest, rehearsal_id: str) -> HttpResponseBase:
    """The part that changes; at the end the page is loaded once more."""
    context = _rehearsal_context(rehearsal_id)
    if not context["run"].is_active:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return page(request, "restore/_live.html", title="", **context)


def _rehearsal_context(rehearsal_id: str) -> dict[str, Any]:
    runs.end_abandoned(Rehearsal)
    run = get_object_or_404(Rehearsal, pk=rehearsal_id)
    return {
        "run": run,
        "backup": BackupRun.objects.filter(pk=run.backup).first(),
        "presence": presence.presence() if run.is_active else "",
        "put_back": put_back.counted_in(run.report),
        "proven": proven(run.report.get("sections", {})),
        "findings": findings({"findings": run.report.get("findings", [])}),
        **going(run),
    }


@require_POST
@needs(RESTORE, "rehearsal.cancel")
def cancel_rehearsal(request: HttpRequest, rehearsal_id: str) -> HttpResponseBase:
    run = get_object_or_404(Rehearsal, pk=rehearsal_id)
    runs.cancel(run)
    auditing.audit(actor_of(request), "rehearsal", "cancelled", subject=run.pk)
    return redirect("admin:restore_rehearsal", run.pk)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@needs(RESTORE, "outgoing.release")
def release(request: HttpRequest) -> HttpResponseBase:
    """End the hold on mail and jobs; the held mail is sent or thrown away, as the owner says."""
    chosen = request.POST.get("mail") or request.GET.get("mail")
    mail = ReleaseForm.SEND if chosen == ReleaseForm.SEND else ReleaseForm.DISCARD
    form = ReleaseForm(request, request.POST or None, reason="release", initial={"mail": mail})
    if request.method != "POST":
        return _ask_release(request, form)
    if not form.is_valid():
        return ask_again(request, form, query=f"?mail={mail}")
    outgoing.release(actor_of(request))
    backup_jobs.release_others()
    if form.cleaned_data["mail"] == ReleaseForm.DISCARD:
        messages.success(request, _thrown_away(outgoing.discard_messages()))
        return redirect("admin:backups_backuprun_changelist")
    settled = outgoing.send_messages(lambda message, options: really_send([message], **options))
    if settled.sent or not settled.failed:
        messages.success(request, _sent(settled.sent))
    if settled.unreadable:
        messages.warning(request, _unreadable(settled.unreadable))
    if settled.failed:
        form.add_error(None, _not_taken(settled.failed))
        return ask_again(request, form, query=f"?mail={mail}")
    return redirect("admin:backups_backuprun_changelist")


def _thrown_away(count: int) -> str:
    return ngettext("%d message was thrown away.", "%d messages were thrown away.", count) % count


def _sent(count: int) -> str:
    return ngettext("%d message was sent.", "%d messages were sent.", count) % count


def _unreadable(count: int) -> str:
    return (
        ngettext(
            "%d stored message cannot be read and was set aside.",
            "%d stored messages cannot be read and were set aside.",
            count,
        )
        % count
    )


def _not_taken(count: int) -> str:
    return (
        ngettext(
            "Mail and jobs leave again, but the mail server did not take all that was stored: %d"
            " message stays. Try again, or throw the rest away.",
            "Mail and jobs leave again, but the mail server did not take all that was stored: %d"
            " messages stay. Try again, or throw the rest away.",
            count,
        )
        % count
    )


def _ask_release(request: HttpRequest, form: ReleaseForm) -> HttpResponseBase:
    return page(
        request,
        "restore/release.html",
        title=_("Held mail and jobs"),
        tab=TAB,
        held=outgoing.is_held(),
        waiting=outgoing.held_messages(),
        unreadable=outgoing.unreadable_messages(),
        form=form,
    )
