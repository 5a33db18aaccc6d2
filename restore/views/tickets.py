"""The cookie that opens one run's live page, and nothing else.

A query on sessions or accounts would wait for the restore's commit, so neither can be asked who looks.
"""

import secrets

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from restore.models import RestoreRun

COOKIE = "restore_run"
SALT = "restore.live"
# A job may take a day, and its report should be readable on the next.
LASTS_SECONDS = 48 * 3600


def issue(response: HttpResponseBase, run: RestoreRun, *, secure: bool) -> None:
    """Let this browser, and no other, see the run's page. Sent to that page's addresses only."""
    response.set_signed_cookie(
        COOKIE,
        run.pk,
        salt=SALT,
        max_age=LASTS_SECONDS,
        path=reverse("admin:restore_live", args=[run.pk]),
        secure=secure,
        httponly=True,
        samesite="Strict",
    )


def opens(request: HttpRequest, run_id: str) -> bool:
    """Whether the browser was given a ticket for this very run that has not expired."""
    found = request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=LASTS_SECONDS)
    return secrets.compare_digest((found or "").encode(), run_id.encode())
