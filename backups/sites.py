"""Which of a project's admin sites a page stands in: the one below whose address it was asked for; and how
a page stands behind it, where sessions end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.sites import AdminSite, all_sites
from django.db import connections, transaction
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

View = Callable[..., HttpResponseBase]

# Says nothing but that something was sent when the session had ended.
NOT_SENT = "backups_not_sent"
_REMEMBERED_SECONDS = 3600


def site_of(request: HttpRequest) -> AdminSite:
    """The site whose namespace the address belongs to, else Django's default one."""
    namespace = request.resolver_match.namespace if request.resolver_match else ""
    if namespace == admin.site.name:
        return admin.site
    return next((site for site in all_sites if site.name == namespace), admin.site)


@dataclass(frozen=True)
class Back:
    """The page that has the form which an address takes: its name in the admin, and whether the address
    names what the page is of."""

    name: str
    of_same: bool = False

    def address(self, kwargs: dict[str, Any]) -> str:
        return reverse(f"admin:{self.name}", args=list(kwargs.values()) if self.of_same else [])


def behind_admin(view: View, *, back: Back | None = None) -> View:
    """The view behind its site's ``admin_view``: sign-in, CSRF and no caching.

    ``back``: the view takes a form and shows nothing. Who comes to it by an address, as after a sign-in,
    is led to the page that has the form. What was sent when the session had ended is not carried out; the
    page after the sign-in says so.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        site = site_of(request)
        is_in = site.has_permission(request)
        if is_in and back and request.method == "GET":
            return HttpResponseRedirect(back.address(kwargs))
        told = is_in and request.method == "GET" and _tell_not_sent(request)
        answer: HttpResponseBase = site.admin_view(view)(request, *args, **kwargs)
        if not is_in and request.method == "POST" and is_page_asked_for(request):
            _note_not_sent(request, answer)
        elif told:
            answer.delete_cookie(NOT_SENT, samesite="Lax")
        return answer

    return outside_transactions(guarded)


def outside_transactions(view: View) -> View:
    """The view without a transaction around it, whatever ATOMIC_REQUESTS says: a refusal that is written down
    must stay written down, and a worker sees at once what it was asked for."""
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return fit_to_ask(view)


def fit_to_ask(view: View) -> View:
    """The view for addresses that a database can be asked by: in no text of PostgreSQL's there is a NUL, so
    that nothing has such a number or name."""

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        given = (*kwargs.values(), *request.GET.keys())
        said = (text for name in request.GET for text in request.GET.getlist(name))
        if any("\0" in str(text) for text in (*given, *said)):
            raise Http404
        return view(request, *args, **kwargs)

    return asked


def is_page_asked_for(request: HttpRequest) -> bool:
    """Whether a person goes to a page; a script that asks for a part of one says what it does with it."""
    mode = request.headers.get("Sec-Fetch-Mode", "navigate")
    return mode == "navigate" and "HX-Request" not in request.headers


def _note_not_sent(request: HttpRequest, answer: HttpResponseBase) -> None:
    """Remember over the sign-in, which makes a session of its own, that something was not carried out."""
    messages.warning(
        request, _("Your session had ended. Sign in, and you are back where you were.")
    )
    answer.set_cookie(
        NOT_SENT,
        "1",
        max_age=_REMEMBERED_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )


def _tell_not_sent(request: HttpRequest) -> bool:
    if not request.COOKIES.get(NOT_SENT) or not is_page_asked_for(request):
        return False
    messages.warning(
        request,
        _(
            "Your session had ended, so what you sent last has not been carried out. You are signed in"
            " again: please repeat it."
        ),
    )
    return True
