"""Which of a project's admin sites a page stands in: the one below whose address it was asked for."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.admin.sites import AdminSite, all_sites
from django.http import HttpRequest
from django.http.response import HttpResponseBase

View = Callable[..., HttpResponseBase]


def site_of(request: HttpRequest) -> AdminSite:
    """The site whose namespace the address belongs to, else Django's default one."""
    namespace = request.resolver_match.namespace if request.resolver_match else ""
    if namespace == admin.site.name:
        return admin.site
    return next((site for site in all_sites if site.name == namespace), admin.site)


def behind_admin(view: View) -> View:
    """The view behind its site's ``admin_view``: sign-in, CSRF and no caching."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        answer: HttpResponseBase = site_of(request).admin_view(view)(request, *args, **kwargs)
        return answer

    return guarded
