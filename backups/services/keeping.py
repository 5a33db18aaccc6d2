"""Keeping finished backups: pin, release, delete, verify again. Each is written down."""

from backups.errors import ArtifactError, BusyError, StorageFailure
from backups.models import BackupRun, error_values
from backups.services import auditing, vault
from backups.services.auditing import Actor
from backups.services.verifying import verify
from backups.wording import _


def pin(run: BackupRun, actor: Actor) -> None:
    """Let nobody delete it until it is released."""
    BackupRun.objects.filter(pk=run.pk).update(pinned=True)
    auditing.audit(actor, "backup.pin", "done", subject=run.pk)


def release(run: BackupRun, actor: Actor) -> None:
    """The opposite of ``pin``. What a restore needs to be undone is kept all the same."""
    BackupRun.objects.filter(pk=run.pk).update(pinned=False)
    auditing.audit(actor, "backup.release", "done", subject=run.pk)


def delete(run: BackupRun, actor: Actor) -> None:
    """Delete the file, then the run; the audit trail remembers it.

    Raises BusyError where it is kept or still at work, StorageFailure where the disk refuses.
    """
    run.refresh_from_db()
    if run.is_active:
        raise BusyError(
            "backup.active",
            _("The backup is still being made."),
            hint=_("Cancel it first, or wait until it has ended."),
            permanent=False,
        )
    if run.is_kept:
        raise BusyError(
            "backup.kept",
            _("The backup is kept: somebody pinned it, or a restore could need it to be undone."),
            hint=_("Release a pinned one first. The way back of a restore is kept until its day."),
            permanent=False,
        )
    if run.artifact:
        vault.delete(run.artifact)
    facts = {"scope": run.scope, "made": run.requested_at.isoformat(), "digest": run.digest}
    run_id = run.pk
    run.delete()
    auditing.audit(actor, "backup.delete", "done", subject=run_id, **facts)


def verify_again(run: BackupRun, actor: Actor) -> bool:
    """Read the file through once more and write down how it went. Returns whether it is sound.

    Of a file that is not sound any more the run keeps what is wrong with it.
    """
    try:
        verify(run)
    except (ArtifactError, StorageFailure) as error:
        run.verified_at = None
        found = error_values(error)
    else:
        found = error_values(None)
    for name, value in found.items():
        setattr(run, name, value)
    run.save(update_fields=["verified_at", *found])
    outcome = run.error_code or "done"
    auditing.audit(actor, "backup.verify", outcome[:32], subject=run.pk)
    return not run.error_code
