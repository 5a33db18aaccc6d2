"""Who reads a stored backup now, or is about to: plans, restores, undos and test restores."""

from backups.models import ACTIVE_STATES
from restore.models import PlanRun, Rehearsal, RestoreRun, Upload


def reads(backup_id: str) -> bool:
    """Whether one of them is under way. Those whose process died are ended by who sweeps, not here."""
    planned = Upload.objects.filter(backup=backup_id).values("pk")
    return (
        PlanRun.objects.filter(upload__in=planned, state__in=ACTIVE_STATES).exists()
        or RestoreRun.objects.filter(backup=backup_id, state__in=ACTIVE_STATES).exists()
        or Rehearsal.objects.filter(backup=backup_id, state__in=ACTIVE_STATES).exists()
    )
