"""What the upload's script talks to: begin, the next piece, how far it is, throw it away."""

import logging

from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from backups.errors import ArtifactError, BackupSystemError, WorkerFailure
from backups.permissions import actor_of, needs
from backups.services import auditing
from restore import jobs
from restore.forms import BeginForm
from restore.models import Upload
from restore.plan import Choices
from restore.services.asking import uploads
from restore.services.planning import plan_runs
from restore.views.access import RESTORE, own_upload, require_password_given
from restore.views.answers import as_json, no_backup, refusal

logger = logging.getLogger("backups")
RAW = "application/octet-stream"
OFFSET = "Upload-Offset"


@sensitive_post_parameters("kit_text")
@require_POST
@needs(RESTORE, "upload")
def begin(request: HttpRequest) -> HttpResponseBase:
    """Make room for a file of this name and size."""
    form = BeginForm(request.POST, request.FILES)
    if not form.is_valid():
        return as_json({"error": _nonsense()}, status=400)
    actor = actor_of(request)
    try:
        require_password_given(request)
        kit = form.kit()
        upload = uploads.begin(form.cleaned_data["name"], form.cleaned_data["size"], actor)
        if kit:
            uploads.give_kit(upload, kit, actor)
    except BackupSystemError as error:
        auditing.audit(actor, "upload", "refused", code=error.code)
        if isinstance(error, ArtifactError):
            return no_backup(error, form.cleaned_data["name"])
        return refusal(error)
    return as_json(_told(upload), status=201)


@require_POST
@needs(RESTORE, "upload")
def receive(request: HttpRequest, upload_id: str) -> HttpResponseBase:
    """Take the next piece: the body as it is, its place in the header ``Upload-Offset``.

    The answer says how much is here, or ``refused`` and why: the file is no backup, and gone.
    """
    upload = own_upload(request, upload_id)
    offset, length = _number(request.headers.get(OFFSET)), _number(request.META["CONTENT_LENGTH"])
    if request.content_type != RAW or offset is None or length is None:
        return as_json({"error": _nonsense()}, status=400)
    actor = actor_of(request)
    try:
        upload = uploads.receive(upload, offset, length, request, actor)
    except ArtifactError as error:
        return no_backup(error, upload.name)
    except BackupSystemError as error:
        return refusal(error, received=upload.received_bytes)
    if upload.is_whole:
        plan(upload, request, Choices(acting=actor.email))
    return as_json(_told(upload))


@require_GET
@needs(RESTORE, "upload")
def state(request: HttpRequest, upload_id: str) -> HttpResponseBase:
    """How much of the file is here."""
    return as_json(_told(own_upload(request, upload_id)))


@require_POST
@needs(RESTORE, "upload")
def discard(request: HttpRequest, upload_id: str) -> HttpResponseBase:
    """Throw the file away, unless something is reading it."""
    upload = own_upload(request, upload_id)
    back = HttpResponseRedirect(reverse("admin:restore_import"))
    if uploads.is_restored_now(upload):
        return back
    uploads.discard(upload)
    auditing.audit(actor_of(request), "upload", "discarded", subject=upload.pk, file=upload.name)
    return back


def plan(upload: Upload, request: HttpRequest, choices: Choices) -> None:
    """Ask a worker for a plan. Where none can be told, the plan's own row says why."""
    run = plan_runs.request(upload, actor_of(request), choices)
    try:
        jobs.enqueue_plan(run)
    except WorkerFailure:
        logger.warning("a plan could not be handed to a worker")


def _told(upload: Upload) -> dict[str, object]:
    return {
        "id": upload.pk,
        "name": upload.name,
        "size": upload.size_bytes,
        "received": upload.received_bytes,
        "piece": uploads.PIECE_BYTES,
        "head": upload.head,
        "piece_url": reverse("admin:restore_piece", args=[upload.pk]),
        "state_url": reverse("admin:restore_state", args=[upload.pk]),
        "discard_url": reverse("admin:restore_discard", args=[upload.pk]),
        "plan_url": reverse("admin:restore_plan", args=[upload.pk]),
    }


def _number(text: str | None) -> int | None:
    """A plain number without a sign, or None."""
    digits = text or ""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else None


def _nonsense() -> dict[str, str]:
    return {
        "code": "upload.request",
        "message": _("The browser sent something that this page does not understand."),
        "hint": _("Load the page again, then choose the file again."),
    }
