"""What the audit trail's actions of imports and restores are called on a page."""

from collections.abc import Collection

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from restore.models import Rehearsal, RestoreRun, Upload

ACTIONS = {
    "files.superseded": _("Remove files that nothing points to"),
    "first-start": _("First start"),
    "kit.use": _("Give a recovery kit with a file"),
    "outgoing": _("Mail and jobs that are held"),
    "outgoing.release": _("Release mail and jobs"),
    "page.import": _("Open the page Import Backup"),
    "page.rehearsal": _("Look at a test restore"),
    "page.restore": _("Look at a restore"),
    "page.restores": _("Open the list of restores"),
    "plan": _("Plan a restore"),
    "plan.download": _("Download a plan"),
    "plan.look": _("Look at the rows behind a plan"),
    "rehearsal": _("Test restore"),
    "rehearsal.cancel": _("Cancel a test restore"),
    "rehearsal.start": _("Start a test restore"),
    "restore": _("Restore"),
    "restore.all_accounts": _("Restore with all accounts as in the file"),
    "restore.confirm": _("Confirm a restore"),
    "restore.let_in": _("Restore with rows that let people in"),
    "restore.live": _("Follow a restore"),
    "restore.partial_undo": _("Restore with an undo that lacks what cannot be read"),
    "restore.undo": _("Undo a restore"),
    "restore.without_undo": _("Restore without an undo"),
    "upload": _("Upload a file"),
    "upload.see": _("Look at somebody else's upload"),
}


def places(numbers: Collection[str]) -> dict[str, str]:
    """The pages of restores, test restores and plans that have these numbers."""
    found: dict[str, str] = {}
    for model, name in ((RestoreRun, "report"), (Rehearsal, "rehearsal"), (Upload, "plan")):
        here = model._default_manager.filter(pk__in=numbers).values_list("pk", flat=True)
        found |= {number: reverse(f"admin:restore_{name}", args=[number]) for number in here}
    return found
