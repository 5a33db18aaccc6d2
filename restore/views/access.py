"""Who may import and restore, and whose upload it is."""

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from backups.permissions import actor_of
from backups.services import auditing
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
