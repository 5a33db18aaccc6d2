"""The history page."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from backups import permissions
from backups.views.frame import page


@require_safe
@permissions.needs(permissions.SEE, "page.history")
def show(request: HttpRequest) -> HttpResponseBase:
    return page(request, "backups/base.html", title=_("Backups"), tab="history")
