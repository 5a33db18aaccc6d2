"""The dashboard: could we restore today, the two buttons, and what is due."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from backups import conf, permissions
from backups.errors import StorageFailure
from backups.models import BackupRun
from backups.registry import COMPLETE, SAFE, Scope
from backups.services import (
    account_states,
    audit_proof,
    readiness,
    recipients,
    recovery_kit,
    said_of_secrets,
)
from backups.services.readiness import Contents, Next, Readiness
from backups.views.frame import page
from backups.views.trouble import trouble


@dataclass(frozen=True)
class Card:
    """What one of the two cards shows."""

    scope: Scope
    contents: Contents
    next: Next
    last: BackupRun | None
    overdue: bool
    running: BackupRun | None
    may_create: bool
    may_see: bool


@require_safe
@permissions.needs(permissions.SEE, "page.dashboard")
def show(request: HttpRequest) -> HttpResponseBase:
    ready = readiness.today()
    newest = ready.complete or ready.safe
    running = readiness.running()
    safe = _card(request, SAFE, ready.safe, running)
    complete = _card(request, COMPLETE, ready.complete, running)
    return page(
        request,
        "backups/dashboard.html",
        title=_("Backups"),
        tab="dashboard",
        ready=ready,
        safe=safe,
        complete=complete,
        only_complete=readiness.only_complete(),
        local_files=_local_files(ready),
        masks=conf.mask_credentials(),
        credentials=_credentials(ready.safe),
        files=readiness.files_of(ready.complete) if ready.complete else {},
        held=readiness.rows_of(newest) if newest else None,
        limit=conf.file_limit_bytes(),
        kit=_kit_wanted(request),
        outside=_changed_outside(request),
        looked=_broken_trail(request),
        encrypts=bool(recipients.listed()),
        **trouble(),
    )


def _card(
    request: HttpRequest, scope: Scope, last: BackupRun | None, running: list[BackupRun]
) -> Card:
    return Card(
        scope=scope,
        contents=readiness.contents(scope),
        next=readiness.next_backup(scope, last),
        last=last,
        overdue=readiness.is_overdue(scope, last),
        running=next((run for run in running if run.scope == scope), None),
        may_create=permissions.may(request.user, permissions.CREATE[scope]),
        may_see=scope in permissions.visible_scopes(request.user),
    )


def _kit_wanted(request: HttpRequest) -> str:
    """``new`` or ``changed`` where an owner should save the recovery kit; else nothing."""
    if not permissions.may(request.user, permissions.DOWNLOAD[COMPLETE]):
        return ""
    try:
        if recovery_kit.last_saved():
            return ""
        return "changed" if recovery_kit.was_changed() else "new"
    except StorageFailure:
        return ""  # a backup that cannot be signed says so itself


def _changed_outside(request: HttpRequest) -> int:
    """How many changes of accounts came past the application lately, for who may see the trail."""
    if not permissions.may(request.user, permissions.SEE_AUDIT):
        return 0
    return account_states.outside_lately()


def _broken_trail(request: HttpRequest) -> audit_proof.Look | None:
    """The last look at the audit trail where it was not whole and guarded, for who may see the trail."""
    if not permissions.may(request.user, permissions.SEE_AUDIT):
        return None
    looked = audit_proof.last_look()
    return None if looked is None or looked.outcome == audit_proof.WHOLE else looked


def _local_files(ready: Readiness) -> int | None:
    """How many files of ours a Safe backup has no content of, as the newest backup of either kind counted
    them; None where none did yet."""
    runs = [run for run in (ready.safe, ready.complete) if run is not None]
    newest_first = sorted(runs, key=lambda run: run.requested_at, reverse=True)
    counted = (readiness.local_files(run) for run in newest_first)
    return next((number for number in counted if number is not None), None)


def _credentials(safe: BackupRun | None) -> str:
    """What looked like credentials in the last Safe backup, by kind; nothing where there was none."""
    found = said_of_secrets.credentials(safe.statistics) if safe else {}
    return said_of_secrets.listed(found)
