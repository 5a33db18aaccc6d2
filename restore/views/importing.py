"""The page Import Backup: after the password again choose a file, or go on with one that was begun; see what
was restored before."""

from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from backups.forms import PasswordAgainForm
from backups.permissions import actor_of, needs
from backups.services import recovery_kit
from backups.views import grants
from backups.views.frame import ask_again, page
from restore.models import RestoreRun
from restore.services.asking import uploads
from restore.views import presence
from restore.views.access import RESTORE, import_door

TAB = "import"
_SHOWN = 5


def _is_new() -> bool:
    """Whether whoever looks is the only one here: then a kit is at hand, or nobody has one."""
    return get_user_model()._default_manager.all()[:2].count() < 2


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@needs(RESTORE, "page.import")
def show(request: HttpRequest) -> HttpResponseBase:
    form = PasswordAgainForm(request, request.POST or None, reason="import")
    if request.method == "POST":
        if not form.is_valid():
            return ask_again(request, form)
        response = redirect("admin:restore_import")
        grants.grant(request, response, import_door())
        return response
    mine = uploads.of_person(actor_of(request).email)
    return page(
        request,
        "restore/import.html",
        title=_("Import Backup"),
        tab=TAB,
        whole=[upload for upload in mine if upload.is_whole],
        unfinished=[upload for upload in mine if not upload.is_whole],
        earlier=RestoreRun.know_undone(RestoreRun.objects.all()[:_SHOWN]),
        presence=presence.presence(),
        limit_bytes=uploads.limit_bytes(),
        piece_bytes=uploads.PIECE_BYTES,
        kit_bytes=recovery_kit.MOST_BYTES,
        is_new=_is_new(),
        form=form,
        granted=grants.is_granted(request, import_door()),
    )
