"""All restores, and the report of each: for owners who are signed in."""

from django.core.paginator import Paginator
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from backups.permissions import needs
from backups.views.frame import page
from restore.models import RestoreRun
from restore.services.asking import undoing
from restore.views.access import RESTORE
from restore.views.importing import TAB
from restore.views.live import context_of

_PAGE_ROWS = 25


@require_safe
@needs(RESTORE, "page.restores")
def show(request: HttpRequest) -> HttpResponseBase:
    """The list, newest first."""
    listed = RestoreRun.objects.defer("plan", "report", "choices")
    restores = Paginator(listed, _PAGE_ROWS).get_page(request.GET.get("page"))
    restores.object_list = RestoreRun.know_undone(restores.object_list)
    return page(request, "restore/history.html", title=_("Restores"), tab=TAB, restores=restores)


@require_safe
@needs(RESTORE, "page.restore")
def report(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """One restore: what it did, or why it did nothing."""
    run = get_object_or_404(RestoreRun, pk=run_id)
    return page(
        request,
        "restore/report.html",
        title=_("Report of a restore"),
        tab=TAB,
        can_undo=undoing.can_undo(run),
        **context_of(run),
    )
