"""The way back: a restore of the safety backup that was made before a restore."""

from pathlib import Path

from django.db import transaction
from django.utils import timezone

from backups.errors import BackupSystemError, RestoreError
from backups.models import BackupRun, Purpose, State
from backups.services import auditing, keeping, vault
from backups.services.auditing import Actor
from backups.services.sweeping import passed_over
from backups.wording import _
from restore.models import UNDO_OF, RestoreRun
from restore.plan import Choices
from restore.services.asking import requests

SWEEP = Actor(name="sweep")


def safety_backup_of(run: RestoreRun) -> BackupRun:
    """The backup that undoes ``run``. Raises RestoreError where there is none (any more)."""
    safety = BackupRun.objects.filter(pk=run.safety_backup).exclude(artifact="").first()
    if run.state != State.SUCCEEDED or safety is None:
        raise RestoreError(
            "undo.none",
            _("This restore cannot be undone: it changed nothing, or its safety backup is gone."),
            hint=_("Restore another backup instead."),
        )
    vault.path_of(safety.artifact)
    return safety


def can_undo(run: RestoreRun) -> bool:
    """Whether the way back is still there."""
    try:
        safety_backup_of(run)
    except BackupSystemError:
        return False
    return True


def was_obstructed(run: RestoreRun) -> bool:
    """Whether an undo of ``run`` has stopped at what its own safety backup could not hold."""
    return RestoreRun.objects.filter(undo_of=run.pk, error_code__startswith="undo.").exists()


def request(
    run: RestoreRun,
    actor: Actor,
    *,
    acting: str = "",
    partial_undo: bool = False,
    without_undo: bool = False,
) -> RestoreRun:
    """Ask for the undo of ``run``; an undo is a restore, and can be undone as well, but for what is
    chosen.

    Raises RestoreError, StorageFailure.
    """
    safety = safety_backup_of(run)
    # An undo never fails for what was there: of rows that no index would take again, the first comes back.
    choices = Choices(
        acting=acting,
        drop_duplicates=True,
        partial_undo=partial_undo,
        without_undo=without_undo,
    )
    undo = requests.request(
        Path(f"{UNDO_OF}{run.source}"), actor, choices, backup=safety.pk, undo_of=run.pk
    )
    auditing.audit(actor, "restore.undo", "requested", subject=run.pk)
    return undo


def prune_expired() -> list[str]:
    """Remove safety backups whose time is over. Returns their ids."""
    expired = BackupRun.objects.filter(
        purpose=Purpose.SAFETY, keep_until__lt=timezone.now(), pinned=False
    ).exclude(artifact="")
    removed = []
    for number in list(expired.values_list("pk", flat=True)):
        with passed_over("removing an expired safety backup", number):
            if _prune(number):
                removed.append(number)
    return removed


def _prune(number: str) -> bool:
    """Remove its file, unless somebody reads it or has pinned it meanwhile. Returns whether it went."""
    with transaction.atomic():
        backup = keeping.hold(number)
        if backup.is_kept or keeping.is_in_use(backup):
            return False
        vault.delete(backup.artifact)
        backup.artifact = ""
        backup.save(update_fields=["artifact"])
        facts = {"scope": backup.scope, "made": backup.requested_at.isoformat()}
        facts["digest"] = backup.digest
        auditing.audit(SWEEP, "backup.delete", "expired", subject=number, **facts)
    return True
