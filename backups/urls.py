"""Addresses of the backup pages, below the admin's own; ``admin.BackupRunAdmin`` hangs them there.

``admin_view`` asks for a sign-in, forbids caching and checks CSRF; what a person may do is each
view's business.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.urls import URLPattern, path

from backups.views import audit, coverage, dashboard, history


def _page(route: str, view: Callable[..., Any], name: str) -> URLPattern:
    return path(route, admin.site.admin_view(view), name=f"backups_{name}")


urlpatterns = [
    # The name by which Django's admin finds a model's list.
    _page("", dashboard.show, "backuprun_changelist"),
    _page("history/", history.show, "history"),
    _page("coverage/", coverage.show, "coverage"),
    _page("audit/", audit.show, "audit"),
]
