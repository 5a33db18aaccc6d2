"""One run: live while it works, and what came of it."""

import contextlib
import datetime
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from backups import jobs, permissions
from backups.errors import BackupSystemError, WorkerFailure
from backups.models import BackupRun, State
from backups.registry import COMPLETE, Scope, registry
from backups.services import outlook, runs
from backups.translating import translated
from backups.views.frame import page
from backups.views.lookup import run_or_refuse
from backups.wording import Sentence

STAGES = [
    ("waiting", gettext_lazy("Waiting for its turn")),
    ("checking", gettext_lazy("Checking the tables")),
    ("rows", gettext_lazy("Reading the rows")),
    ("locators", gettext_lazy("Listing the files")),
    ("files", gettext_lazy("Fetching the files")),
    ("verifying", gettext_lazy("Reading the backup back")),
]


@dataclass(frozen=True)
class Stage:
    label: str
    done: bool
    current: bool


@require_safe
@permissions.needs(permissions.SEE, "backup.see")
def show(request: HttpRequest, run_id: str) -> HttpResponseBase:
    run = run_or_refuse(request, run_id, "backup.see")
    run = _as_it_is(run)
    kind = _("Complete Backup") if run.scope == COMPLETE else _("Safe Backup")
    # While it works, the state stands in the part that is fetched again and again.
    title = kind if run.is_active else f"{kind}: {run.get_state_display()}"
    context = live_context(run) if run.is_active else _finished_context(request, run)
    return page(request, "backups/run.html", title=title, tab="history", **context)


@require_safe
@permissions.needs(permissions.SEE, "backup.see")
def live(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """What changes while the run works; asks the browser to load the page anew at its end."""
    run = _as_it_is(run_or_refuse(request, run_id, "backup.see"))
    if not run.is_active:
        return HttpResponseClientRefresh()
    return render(request, "backups/run_live.html", live_context(run))


@require_safe
@permissions.needs(permissions.SEE, "backup.see")
def verification(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """Whether a verification is still under way; asks for the page anew when it has ended."""
    run = run_or_refuse(request, run_id, "backup.see")
    if not jobs.verification_is_pending(run):
        return HttpResponseClientRefresh()
    return render(request, "backups/run_verifying.html", {"run": run})


@require_POST
@permissions.needs(permissions.SEE, "backup.cancel")
def cancel(request: HttpRequest, run_id: str) -> HttpResponse:
    run = run_or_refuse(request, run_id, "backup.cancel")
    if run.is_active:
        runs.cancel(run)
        runs.audit(permissions.actor_of(request), "backup.cancel", "requested", subject=run.pk)
    else:
        messages.info(request, _("The backup had ended already."))
    return redirect("admin:backups_run", run.pk)


def _as_it_is(run: BackupRun) -> BackupRun:
    """The run, ended first if the process that worked on it has died."""
    if run.state == State.RUNNING:
        with contextlib.suppress(BackupSystemError):
            runs.end_abandoned(BackupRun)
        run.refresh_from_db()
    return run


def live_context(run: BackupRun) -> dict[str, Any]:
    """What a running backup's page shows, worked out from its counters and the last backup's size."""
    expected = outlook.expected(Scope(run.scope))
    elapsed = _elapsed(run)
    seconds = elapsed.total_seconds()
    share = _share(run, expected)
    return {
        "run": run,
        "trouble": _trouble(run),
        "stages": _stages(run),
        "stage": dict(STAGES).get(run.stage, run.get_state_display()),
        "group": _group(run.section),
        "expected": expected,
        "elapsed": elapsed,
        "percent": round(share * 100) if share is not None else None,
        "rate": run.bytes_done / seconds if seconds >= 1 and run.bytes_done else None,
        "left": _left(share, seconds),
    }


def _stages(run: BackupRun) -> list[Stage]:
    wanted = [s for s in STAGES if s[0] != "files" or run.scope == COMPLETE]
    names = [name for name, _label in wanted]
    at = names.index(run.stage) if run.stage in names else -1
    return [Stage(str(label), n < at, n == at) for n, (_name, label) in enumerate(wanted)]


def _share(run: BackupRun, expected: dict[str, int]) -> float | None:
    """How much is done, between 0 and 0.99; None where nothing tells."""
    if run.stage == "verifying":
        return None
    if expected["bytes"] and run.bytes_done:
        return min(run.bytes_done / expected["bytes"], 0.99)
    if run.stage == "rows" and run.rows_total:
        return min(run.rows_done / run.rows_total, 0.99)
    return None


def _left(share: float | None, seconds: float) -> float | None:
    if share is None or share < 0.02 or seconds < 2:
        return None
    return seconds * (1 - share) / share


def _elapsed(run: BackupRun) -> datetime.timedelta:
    return timezone.now() - (run.started_at or run.requested_at)


def _group(section: str) -> str:
    found = registry.by_key().get(section)
    return translated(found.group) if found else ""


def _trouble(run: BackupRun) -> str:
    """Why a waiting run does not begin: ``redis``, ``queue``, ``worker`` or nothing."""
    if run.state != State.QUEUED:
        return ""
    try:
        return "" if jobs.workers_listening() else "worker"
    except WorkerFailure as error:
        return "queue" if error.code == "worker.no_queue" else "redis"


def _finished_context(request: HttpRequest, run: BackupRun) -> dict[str, Any]:
    listed = run.statistics.get("not_embedded", [])
    return {
        "run": run,
        "took": run.finished_at - run.started_at if run.finished_at and run.started_at else None,
        "is_there": bool(run.artifact) and outlook.is_there(run),
        "files": outlook.files_of(run),
        "sections": _section_rows(run),
        "gaps": [_missing_file(item) for item in listed if item["state"] == "gap"],
        "skipped": [_missing_file(item) for item in listed if item["state"] == "skipped"],
        "verifying": jobs.verification_is_pending(run),
        "may_keep": permissions.may(request.user, permissions.KEEP),
        "may_delete": permissions.may(request.user, permissions.DELETE),
        "may_download": permissions.may(request.user, permissions.DOWNLOAD[Scope(run.scope)]),
    }


def _missing_file(item: dict[str, Any]) -> dict[str, Any]:
    """An entry of a run's list of files that are not in the backup."""
    return item | {"reason": Sentence.of(item.get("words"), otherwise=item["reason"])}


def _section_rows(run: BackupRun) -> list[dict[str, Any]]:
    """Counts and digests as the artifact has them, under the groups of today's registry."""
    known = registry.by_key()
    found = run.statistics.get("sections", {})
    return [
        {
            "key": key,
            "group": translated(known[key].group) if key in known else _("Other"),
            **statistics,
        }
        for key, statistics in found.items()
    ]
