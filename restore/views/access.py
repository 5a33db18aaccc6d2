"""Who may import and restore, and whose upload it is."""

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from backups.permissions import actor_of
from restore.models import Upload
from restore.services.asking import uploads

RESTORE = "restore.apply_restore"


def own_upload(request: HttpRequest, upload_id: str) -> Upload:
    """An upload of who is signed in; somebody else's is not there, as one that never was."""
    upload = uploads.of_person(actor_of(request).email).filter(pk=upload_id).first()
    if upload is None:
        raise Http404(_("This file is not here (any more). Choose it again."))
    return upload
