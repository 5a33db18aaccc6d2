"""What every answer of the application carries, and what is said when the database is away."""

from collections.abc import Callable

from django.contrib import admin
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.deprecation import MiddlewareMixin

from backups import conf, permissions

# Django's admin needs no more than this. No inline script or style and nothing from elsewhere: a name
# in a row that got through as HTML could neither run nor send anything away.
POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
    ]
)
RETRY_SECONDS = 10


class ContentSecurityPolicyMiddleware:
    """Sets the policy wherever a view has not set a stricter one of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class BodyLimitMiddleware:
    """Refuses a body that is longer than any page needs before anything reads it. Stands first.

    A form is read, and its files are written to disk, before it is known who sends it. A server in front
    should refuse such a body too; see docs/operating.md, Behind a proxy. What happens behind it is known as
    done by who asks.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if _announced_bytes(request) <= conf.body_limit_bytes():
            with permissions.serving(request):
                return self._get_response(request)
        return too_large()


def too_large() -> HttpResponse:
    """The page for a body that nobody reads, without a session, an account or a query. A server in front may
    ask for it too: ``deploy/nginx.conf``."""
    return HttpResponse(
        render_to_string("backups/too_large.html", {"house": _house(), "start": _start()}),
        status=413,
        headers={"Cache-Control": "no-store"},
    )


def _house() -> str:
    return str(admin.site.site_header)


def _start() -> str:
    """Where the admin begins; nothing where the project has none at the default site."""
    try:
        return reverse("admin:index")
    except NoReverseMatch:
        return ""


def _announced_bytes(request: HttpRequest) -> int:
    """A length that is no number is for Django to judge: it reads nothing then."""
    text = str(request.META.get("CONTENT_LENGTH") or "")
    return int(text) if text.isascii() and text.isdigit() else 0


class DatabaseAwayMiddleware(MiddlewareMixin):
    """A page that says what is wrong and what to do, made without a single query."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, OperationalError | InterfaceError):
            return None
        return HttpResponse(
            render_to_string("backups/database_away.html", {"house": _house()}),
            status=503,
            headers={"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"},
        )
