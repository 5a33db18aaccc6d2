"""All backups that were ever asked for, newest first."""

from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from backups import permissions
from backups.models import BackupRun, State
from backups.registry import Scope
from backups.views.frame import page
from backups.views.paging import listing


@require_safe
@permissions.needs(permissions.SEE, "page.history")
def show(request: HttpRequest) -> HttpResponseBase:
    scopes = permissions.visible_scopes(request.user)
    visible = BackupRun.objects.filter(scope__in=scopes)
    return page(
        request,
        "backups/history.html",
        title=_("History"),
        tab="history",
        listing=listing(request, _filtered(request, visible)),
        scopes=[
            (scope.value, _("Complete") if scope is Scope.COMPLETE else _("Safe"))
            for scope in scopes
        ],
        states=State.choices,
        people=_people(visible),
        chosen={name: request.GET.get(name, "") for name in ("scope", "state", "person")},
        download_scopes=[
            s.value for s in scopes if permissions.may(request.user, permissions.DOWNLOAD[s])
        ],
    )


def _filtered(request: HttpRequest, runs: QuerySet[BackupRun]) -> QuerySet[BackupRun]:
    wanted = {"scope": "scope", "state": "state", "person": "requested_by_email"}
    for name, field in wanted.items():
        if value := request.GET.get(name):
            runs = runs.filter(**{field: value})
    # The statistics of a run are as long as all the rest of the page.
    return runs.defer("statistics")


def _people(runs: QuerySet[BackupRun]) -> list[str]:
    found = runs.exclude(requested_by_email="").order_by("requested_by_email")
    return list(found.values_list("requested_by_email", flat=True).distinct())
