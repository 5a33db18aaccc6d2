"""Who asks, and whether by HTTPS, where a web server stands in front.

What a request says of that in ``X-Forwarded-For`` and ``X-Forwarded-Proto`` anybody can say. It counts only
where the connection comes from a proxy that ``TRUSTED_PROXIES`` names, and is else removed.
"""

import ipaddress
import logging
from collections.abc import Callable, Iterable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

logger = logging.getLogger(__name__)

# How a connection through a socket file is named, which has no address.
BY_SOCKET = "unix"
_FOR, _PROTO = "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO"


class TrustedProxyMiddleware:
    """Stands before whatever asks for the address or the scheme of a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._by_socket = BY_SOCKET in settings.TRUSTED_PROXIES
        self._networks = networks(settings.TRUSTED_PROXIES)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        said_for, said_proto = (str(request.META.pop(name, "")) for name in (_FOR, _PROTO))
        # The last one: those before it came along with the request.
        is_https = said_proto.rsplit(",", 1)[-1].strip().lower() == "https"
        if self._is_trusted(str(request.META.get("REMOTE_ADDR") or "")):
            if said_for:
                request.META["REMOTE_ADDR"] = self._visitor(said_for)
            if is_https:
                request.META["wsgi.url_scheme"] = "https"
        elif is_https and settings.SECURE_SSL_REDIRECT and not request.is_secure():
            return _not_trusted(request)
        return self._get_response(request)

    def _visitor(self, said_for: str) -> str:
        """The nearest address that is no proxy of ours: what stands left of it, whoever asks has made up."""
        nearest = ""
        for said in reversed(said_for.split(",")):
            address = _address(said)
            if address is None:
                break
            nearest = str(address)
            if not self._is_trusted(nearest):
                break
        return nearest

    def _is_trusted(self, remote: str) -> bool:
        if not remote:
            return self._by_socket
        address = _address(remote)
        return address is not None and any(address in network for network in self._networks)


def _not_trusted(request: HttpRequest) -> HttpResponse:
    """A visitor would be led to HTTPS for ever: whoever set this up is told what is missing."""
    remote = str(request.META.get("REMOTE_ADDR") or BY_SOCKET)
    logger.warning(
        "A request by HTTPS came through %s, which TRUSTED_PROXIES does not name", remote
    )
    return HttpResponse(render_to_string("proxy_not_trusted.html", {"remote": remote}), status=400)


def networks(named: Iterable[str]) -> list[Network]:
    """Addresses and networks as they are named. Raises ValueError for what is neither."""
    return [ipaddress.ip_network(name, strict=False) for name in named if name != BY_SOCKET]


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
