"""After the password again: a cookie that opens one run's download for a quarter of an hour.

Signed, sent to that run's addresses only, and worth nothing in another session.
"""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from backups.models import BackupRun

SECONDS = 15 * 60
_SALT = "backups.views.grants"


def grant(request: HttpRequest, response: HttpResponse, run: BackupRun) -> None:
    response.set_signed_cookie(
        _name(run),
        _bound_to(request, run),
        salt=_SALT,
        max_age=SECONDS,
        path=reverse("admin:backups_run", args=[run.pk]),
        secure=request.is_secure(),
        httponly=True,
        samesite="Strict",
    )


def is_granted(request: HttpRequest, run: BackupRun) -> bool:
    value = request.get_signed_cookie(_name(run), default="", salt=_SALT, max_age=SECONDS) or ""
    return constant_time_compare(value, _bound_to(request, run))


def _name(run: BackupRun) -> str:
    return f"backup-{run.pk[:8]}"


def _bound_to(request: HttpRequest, run: BackupRun) -> str:
    """Says for whom and what, without telling the session's key."""
    session = request.session.session_key or ""
    return salted_hmac(_SALT, f"{run.pk}:{session}:{request.user.pk}").hexdigest()
