"""What every answer of the application carries, and what is said when the database is away."""

from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin

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


class DatabaseAwayMiddleware(MiddlewareMixin):
    """A page that says what is wrong and what to do, made without a single query."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, OperationalError | InterfaceError):
            return None
        return HttpResponse(
            render_to_string("backups/database_away.html"),
            status=503,
            headers={"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"},
        )
