"""Maintenance: while a restore holds the data, everybody else is told so, in words.

Asks ``pg_locks``, and the receipts of restores where none is under way, and nothing else: any query on
sessions or accounts would wait for the commit. So it must stand before whatever asks for the user.
"""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib import admin
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.translation import gettext as _

from backups import conf, printed_json
from restore.services.asking import first_start, maintenance
from restore.services.asking.remembered import Remembered

RETRY_SECONDS = 15
# How long an answer of the database counts. A restore holds its lock long before it locks a table.
BELIEVED_SECONDS = 0.5
# Where the first account is made; ``admin`` is the default site, where the pages hang.
FIRST_START = "admin:restore_first_start"
LIVE = frozenset({"restore_live", "restore_live_status", "restore_live_stop"})


class MaintenanceMiddleware:
    """503 for every request while a restore holds the data, but for the restore's own live page,
    static files and the paths in ``RESTORE_OPEN_PATHS`` (a health check, say)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._looked_at = float("-inf")
        self._restoring = False
        self._remembered = Remembered()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if self._is_restoring() and not _is_open(request):
            return _turned_away(request)
        return self._get_response(request)

    def _is_restoring(self) -> bool:
        now = time.monotonic()
        if not 0 <= now - self._looked_at < BELIEVED_SECONDS:
            self._restoring = self._look()
            self._looked_at = now
        return self._restoring

    def _look(self) -> bool:
        """Where the database cannot be asked, the request goes on and finds out for itself."""
        try:
            with connection.wrap_database_errors:
                is_restoring = maintenance.is_running()
                if not is_restoring:
                    self._remembered.keep_up()
                return is_restoring
        except (DatabaseError, InterfaceError):
            connection.close()
            return False


class FirstStartMiddleware:
    """While nobody has an account, every page leads to the one where the first is made, or a backup brought:
    with the one-time code. Stands behind ``MaintenanceMiddleware`` and before whatever asks for the account.

    Once there was an account it never asks again: the door does not open a second time.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._ended = False

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # A restore may be under way on the open paths: nothing may be asked of the accounts there.
        if self._ended or _is_open(request) or self._is_over():
            return self._get_response(request)
        try:
            page = reverse(FIRST_START)
        except NoReverseMatch:
            return self._get_response(request)
        if request.path == page:
            return self._get_response(request)
        return HttpResponse(status=303, headers={"Location": page, "Cache-Control": "no-store"})

    def _is_over(self) -> bool:
        """Where the database cannot be asked, the request goes on and finds out for itself."""
        try:
            self._ended = not first_start.is_open()
        except (DatabaseError, InterfaceError):
            return True
        return self._ended


def _is_open(request: HttpRequest) -> bool:
    path = request.path_info
    static = f"/{settings.STATIC_URL.lstrip('/')}" if settings.STATIC_URL else ""
    if (static and path.startswith(static)) or path in conf.open_paths():
        return True
    try:
        return resolve(path).url_name in LIVE
    except Resolver404:
        return False


def _turned_away(request: HttpRequest) -> HttpResponse:
    """An answer that Django's log does not take for a fault of the server."""
    answer = _maintenance(request)
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer


def _maintenance(request: HttpRequest) -> HttpResponse:
    headers = {"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"}
    if request.headers.get("HX-Request") == "true":
        # The page that polls shows the maintenance page instead, and comes back by itself.
        return HttpResponse(status=503, headers=headers | {"HX-Refresh": "true"})
    if _wants_json(request):
        said = {
            "code": "maintenance",
            "message": _("A backup is being restored. Nothing can be done until it has ended."),
            "hint": _("Try again in a minute."),
        }
        text = printed_json.compact({"error": said})
        return HttpResponse(text, status=503, content_type="application/json", headers=headers)
    return HttpResponse(
        render_to_string("restore/maintenance.html", {"house": admin.site.site_header}),
        status=503,
        headers=headers,
    )


def _wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
