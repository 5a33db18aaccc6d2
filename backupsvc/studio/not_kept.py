"""No answer of the studio is kept by a browser or by what stands between, unless its view says so."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase


class NotKeptMiddleware:
    """Stands before what serves static files, which says how long they are good for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        response.headers.setdefault("Cache-Control", "no-store, private")
        return response
