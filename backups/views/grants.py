"""After the password again: a cookie that opens one run's download, or the recovery kit, for a quarter of
an hour.

Signed, sent to those addresses only, and worth nothing in another session.
"""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from backups.models import BackupRun

SECONDS = 15 * 60
_SALT = "backups.views.grants"


@dataclass(frozen=True)
class Door:
    """What is opened: ``subject`` names it among all, ``path`` is where the cookie is sent."""

    cookie: str
    subject: str
    path: str


def door_of(run: BackupRun) -> Door:
    path = reverse("admin:backups_run", args=[run.pk])
    return Door(f"backup-{run.pk[:8]}", run.pk, path)


def grant(request: HttpRequest, response: HttpResponse, door: Door) -> None:
    response.set_signed_cookie(
        door.cookie,
        _bound_to(request, door),
        salt=_SALT,
        max_age=SECONDS,
        path=door.path,
        secure=request.is_secure(),
        httponly=True,
        samesite="Strict",
    )


def is_granted(request: HttpRequest, door: Door) -> bool:
    value = request.get_signed_cookie(door.cookie, default="", salt=_SALT, max_age=SECONDS) or ""
    return constant_time_compare(value, _bound_to(request, door))


def _bound_to(request: HttpRequest, door: Door) -> str:
    """Says for whom and what, without telling the session's key."""
    session = request.session.session_key or ""
    return salted_hmac(_SALT, f"{door.subject}:{session}:{request.user.pk}").hexdigest()
