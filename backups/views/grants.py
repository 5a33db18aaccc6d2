"""After the password again: a cookie that opens one download, or the recovery kit for a quarter of an hour.

Signed, sent to those addresses only, and worth nothing in another session. That a download works once, and
how long, stands in the database: ``backups.services.one_time``.
"""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from backups.models import BackupRun, OneTimeDownload
from backups.services import one_time

SECONDS = 15 * 60
_SALT = "backups.views.grants"


@dataclass(frozen=True)
class Door:
    """What is opened: ``subject`` names it among all, ``path`` is where the cookie is sent."""

    cookie: str
    subject: str
    path: str
    seconds: int = SECONDS


def door_of(way: OneTimeDownload) -> Door:
    path = reverse("admin:backups_run", args=[way.run])
    longest = int(one_time.TO_GO_ON.total_seconds())
    return Door(f"backup-{way.run[:8]}", f"download {way.pk}", path, longest)


def open_way(request: HttpRequest, run: BackupRun) -> OneTimeDownload | None:
    """The download that this browser may begin or go on with now, if any."""
    ways = one_time.open_ways(run, str(request.user.pk))
    return next((way for way in ways if is_granted(request, door_of(way))), None)


def grant(request: HttpRequest, response: HttpResponse, door: Door) -> None:
    response.set_signed_cookie(
        door.cookie,
        _bound_to(request, door),
        salt=_SALT,
        max_age=door.seconds,
        path=door.path,
        secure=request.is_secure(),
        httponly=True,
        samesite="Strict",
    )


def is_granted(request: HttpRequest, door: Door) -> bool:
    found = request.get_signed_cookie(door.cookie, default="", salt=_SALT, max_age=door.seconds)
    value = found or ""
    return constant_time_compare(value, _bound_to(request, door))


def _bound_to(request: HttpRequest, door: Door) -> str:
    """Says for whom and what, without telling the session's key."""
    session = request.session.session_key or ""
    return salted_hmac(_SALT, f"{door.subject}:{session}:{request.user.pk}").hexdigest()
