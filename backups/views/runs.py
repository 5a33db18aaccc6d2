"""One run: live while it works, and what came of it."""

import contextlib
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from backups import jobs, permissions
from backups.errors import BackupSystemError
from backups.models import BackupRun, State
from backups.registry import COMPLETE, SAFE, Scope, registry
from backups.services import (
    auditing,
    composing,
    key_requests,
    readiness,
    runs,
    said_of_rules,
    said_of_secrets,
)
from backups.stages import Stage
from backups.translating import translated
from backups.views.frame import page
from backups.views.going import counts_of_backup, going, pace_of_whole
from backups.views.keys import KEYS
from backups.views.lookup import run_or_refuse
from backups.views.trouble import trouble
from backups.wording import Sentence

_ORDER = (
    Stage.TURN,
    Stage.CHECKING,
    Stage.ROWS,
    Stage.LOCATORS,
    Stage.FETCHING,
    Stage.READING_BACK,
)


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
    asked = key_requests.pending(run.pk)
    return render(request, "backups/run_verifying.html", {"run": run, "key_asked": asked})


@require_POST
@permissions.needs(permissions.SEE, "backup.cancel")
def cancel(request: HttpRequest, run_id: str) -> HttpResponse:
    run = run_or_refuse(request, run_id, "backup.cancel")
    if run.is_active:
        runs.cancel(run)
        auditing.audit(permissions.actor_of(request), "backup.cancel", "requested", subject=run.pk)
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
    expected = readiness.expected(Scope(run.scope))
    return {
        "run": run,
        "back": reverse("admin:backups_run", args=[run.pk]),
        "is_backup": True,
        **(trouble() if run.state == State.QUEUED else {}),
        **going(
            run,
            order_of(run),
            pace=pace_of_whole(run, expected["bytes"]),
            counts=counts_of_backup(
                run,
                expected_bytes=expected["bytes"],
                files=composing.embeds_files(run),
                expected_files=expected["files"],
            ),
            section=run.section,
        ),
    }


def order_of(run: BackupRun) -> tuple[Stage, ...]:
    """Every stage that the page lists of such a backup."""
    embeds = composing.embeds_files(run)
    return tuple(stage for stage in _ORDER if embeds or stage is not Stage.FETCHING)


def _finished_context(request: HttpRequest, run: BackupRun) -> dict[str, Any]:
    listed = run.statistics.get("not_embedded", [])
    return {
        "run": run,
        "took": run.finished_at - run.started_at if run.finished_at and run.started_at else None,
        "is_there": bool(run.artifact) and readiness.is_there(run),
        "files": readiness.files_of(run),
        "held": readiness.rows_of(run),
        "rules": said_of_rules.in_full(run.statistics),
        "secrets": said_of_secrets.in_full(run.statistics),
        "may_mask": said_of_secrets.are_credentials_in(run.statistics)
        and run.scope == SAFE
        and permissions.may(request.user, permissions.CREATE[SAFE]),
        "sections": _section_rows(run),
        "gaps": [_missing_file(item) for item in listed if item["state"] == "gap"],
        "skipped": [_missing_file(item) for item in listed if item["state"] == "skipped"],
        "verifying": jobs.verification_is_pending(run),
        "key_asked": key_requests.pending(run.pk) if run.encryption else None,
        "may_try_key": bool(run.encryption) and permissions.may(request.user, KEYS),
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
