"""What restoring adds to the backup pages: the proof of a test restore, and the hold on what leaves."""

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from backups.models import BackupRun
from backups.permissions import may
from restore.models import Rehearsal
from restore.services.applying import put_back, rehearsing
from restore.services.asking import outgoing
from restore.views.access import RESTORE

_NOTHING = SafeString("")


def proof(request: HttpRequest, run: BackupRun | None) -> SafeString:
    """On a backup's page: when it was last tried out, and the button to try it."""
    if run is None or not run.artifact:
        return _NOTHING
    proof = rehearsing.last_proof(run)
    context = {
        "run": run,
        "proof": proof,
        "put_back": put_back.counted_in(proof.report) if proof else None,
        "latest": Rehearsal.objects.filter(backup=run.pk).first(),
        "may_try": may(request.user, RESTORE),
    }
    return render_to_string("restore/_proof.html", context, request)


def restore_button(request: HttpRequest, run: BackupRun | None) -> SafeString:
    """On a backup's page and on the dashboard: restore this very one, without a way of its file."""
    return _restore(request, run, "bk-button bk-button--quiet")


def restore_link(request: HttpRequest, run: BackupRun | None) -> SafeString:
    """The same in a row of the history."""
    return _restore(request, run, "bk-link")


def _restore(request: HttpRequest, run: BackupRun | None, style: str) -> SafeString:
    if run is None or not run.artifact or not may(request.user, RESTORE):
        return _NOTHING
    return render_to_string("restore/_restore_stored.html", {"run": run, "style": style}, request)


def readiness(request: HttpRequest, run: BackupRun | None) -> SafeString:
    """On the dashboard: whether the newest Complete backup was proven."""
    if run is None:
        return _NOTHING
    context = {"run": run, "proof": rehearsing.last_proof(run)}
    return render_to_string("restore/_proven.html", context, request)


def hold(request: HttpRequest, run: BackupRun | None) -> SafeString:
    """Above every page, while mail and jobs are held."""
    if not (may(request.user, RESTORE) and outgoing.is_held()):
        return _NOTHING
    context = {"waiting": outgoing.held_messages()}
    return render_to_string("restore/_hold.html", context, request)
