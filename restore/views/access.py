"""Who may import and restore, and whose upload it is."""

from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from backups.errors import RestoreError
from backups.permissions import actor_of
from backups.services import auditing
from backups.views import grants
from backups.wording import _ as said
from restore.models import Upload
from restore.services.asking import uploads

RESTORE = "restore.apply_restore"


def own_upload(request: HttpRequest, upload_id: str) -> Upload:
    """An upload of who is signed in; somebody else's is not there, as one that never was, and that it was
    asked for is written down."""
    actor = actor_of(request)
    upload = uploads.of_person(actor.email).filter(pk=upload_id).first()
    if upload is None:
        if Upload.objects.filter(pk=upload_id).exists():
            auditing.audit(actor, "upload.see", "refused", subject=upload_id, path=request.path)
        raise Http404(_("This file is not here (any more). Choose it again."))
    return upload


def import_door() -> grants.Door:
    """What the password opens: files may be brought in, from this browser, for a quarter of an hour."""
    return grants.Door("restore-import", "import", reverse("admin:restore_import"))


def require_password_given(request: HttpRequest) -> None:
    """Raises RestoreError ``upload.password`` where the password was not given lately in this browser."""
    if not grants.is_granted(request, import_door()):
        raise RestoreError(
            "upload.password",
            said(
                "Files are taken for a quarter of an hour after your password was given; that is over."
            ),
            hint=said("Load the page again and give your password, then choose the file again."),
        )
