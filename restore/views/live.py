"""A restore as it goes, and its report: opened by the run's own cookie alone.

Nothing here, in the templates or on the way may ask for the session or the account: any query on their
tables waits for the restore's commit. So there is no ``admin_view`` and no context processor.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST, require_safe

from backups.errors import BackupSystemError
from backups.models import BackupRun, State
from backups.permissions import note_refusal
from backups.services import auditing, runs
from backups.services.auditing import Actor
from backups.views.going import elapsed, standings
from restore.models import RestoreRun, Upload
from restore.plan import Of, PasswordOf
from restore.services.applying import on_purpose, problems, put_back
from restore.services.asking import requests
from restore.services.planning import said_of_people
from restore.views import presence, presenting, table_rows, tickets
from restore.views.going import going, order_of

PLAN_CHANGED = "restore.plan_changed"


@never_cache
@require_safe
def show(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """The whole page."""
    run = _run(request, run_id)
    return _refused(request, run_id) if run is None else _answer("restore/live.html", request, run)


@never_cache
@require_safe
def status(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """The part that changes. Where the run has ended, the page is loaded once more, for the report."""
    run = _run(request, run_id)
    if run is None:
        _note_refusal(request, run_id)
        return HttpResponse(status=403)
    if not run.is_active:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return _answer("restore/_live.html", request, run)


@never_cache
@csrf_protect
@require_POST
def stop(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """Ask the restore to stop; before its commit it then changes nothing."""
    run = _run(request, run_id)
    if run is None:
        return _refused(request, run_id)
    runs.cancel(run)
    actor = Actor(
        run.requested_by_name, run.requested_by_email, str(request.META.get("REMOTE_ADDR", ""))
    )
    auditing.audit(actor, "restore", "cancel requested", subject=run.pk)
    return HttpResponseRedirect(reverse("admin:restore_live", args=[run.pk]))


def _run(request: HttpRequest, run_id: str) -> RestoreRun | None:
    if not tickets.opens(request, run_id):
        return None
    run = RestoreRun.objects.filter(pk=run_id).first()
    if run is not None and run.state == State.RUNNING and not _is_alive(run):
        requests.end_abandoned()
        run.refresh_from_db()
    return run


def _is_alive(run: RestoreRun) -> bool:
    try:
        return runs.is_alive(run.pk)
    except BackupSystemError:
        return True  # the database cannot be asked now: the next look will


def _answer(template: str, request: HttpRequest, run: RestoreRun) -> HttpResponse:
    context = context_of(run) | {"csrf_token": get_token(request), "live": True}
    if run.is_active:
        context |= {"presence": presence.presence(), **going(run, context["safety"])}
    return HttpResponse(render_to_string(template, context))


def context_of(run: RestoreRun) -> dict[str, Any]:
    """What the page and the report show of a run."""
    tables = run.report.get("tables") or []
    return {
        "run": run,
        "stages": standings(run, order_of(run)),
        "elapsed": elapsed(run),
        "succeeded": run.state == State.SUCCEEDED,
        "cancelled": run.state == State.CANCELLED,
        "plan_changed": run.error_code == PLAN_CHANGED,
        "upload": Upload.objects.filter(pk=run.upload).first() if run.upload else None,
        "report": run.report,
        "put_back": put_back.counted_in(run.report),
        "on_purpose": on_purpose.in_words(run.report),
        "problems": problems.of_report(run.report),
        "groups": table_rows.groups(tables),
        "sums": table_rows.sums(tables),
        "accounts": run.plan.get("accounts"),
        "acting": run.plan.get("acting"),
        "made_at": run.plan.get("file", {}).get("created_at", ""),
        "owners": _owners(run.plan.get("accounts") or {}),
        "people": presenting.people_lost(run.plan.get("accounts")),
        "people_of_file": said_of_people.in_words(run.report.get("people_lost"), Of.FILE),
        "let_in": presenting.let_in(run.report),
        "held_back": presenting.held_back(run.report),
        "safety": _safety(run),
        "lacks": presenting.lacks_of(run.report),
        "undo": run.report.get("undo") or {},
    }


def _owners(accounts: dict[str, Any]) -> list[dict[str, Any]]:
    """Some who can sign in and restore, for whoever cannot any more."""
    able = [a for a in accounts.get("named", []) if a["owner"] and a["active"]]
    return [a for a in able if a["password"] != PasswordOf.NONE][:3]


def _safety(run: RestoreRun) -> BackupRun | None:
    return BackupRun.objects.filter(pk=run.safety_backup).first() if run.safety_backup else None


def _refused(request: HttpRequest, run_id: str) -> HttpResponse:
    _note_refusal(request, run_id)
    report = reverse("admin:restore_report", args=[run_id])
    return HttpResponse(
        render_to_string("restore/live_refused.html", {"report_url": report}), status=403
    )


def _note_refusal(request: HttpRequest, run_id: str) -> None:
    """Who comes without the run's ticket; neither session nor account can be asked who that is."""
    note_refusal(request, "restore.live", subject=run_id, form="ticket", path=request.path[:200])
