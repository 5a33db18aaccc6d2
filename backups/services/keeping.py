"""Keeping finished backups: pin, release, name, delete, verify again. Each is written down.

Who is about to read a stored backup says so in a row of its own, inside a transaction that has called
``hold``; who deletes one asks ``is_in_use`` behind the same lock, so that neither misses the other.
"""

from collections.abc import Callable

from django.db import transaction

from backups.errors import ArtifactError, BusyError, ConfigurationError, StorageFailure
from backups.models import LONGEST_NOTE, BackupRun, error_values
from backups.services import auditing, keyring, vault
from backups.services.auditing import Actor
from backups.services.verifying import verify
from backups.wording import _

# Whether the backup of that number is read now, or is about to be. An app on top adds its own in ``ready()``.
READERS: list[Callable[[str], bool]] = []


def hold(backup_id: str) -> BackupRun:
    """The stored backup, which nobody deletes before the caller's transaction has ended.

    Raises StorageFailure where it is gone.
    """
    held = BackupRun.objects.select_for_update().filter(pk=backup_id).exclude(artifact="").first()
    if held is None:
        raise vault.missing()
    return held


def is_in_use(run: BackupRun) -> bool:
    """Whether a plan, a restore, a test restore or a command reads the file."""
    return vault.is_read(run.artifact) or any(reads(run.pk) for reads in READERS)


def pin(run: BackupRun, actor: Actor) -> None:
    """Let nobody delete it until it is released."""
    BackupRun.objects.filter(pk=run.pk).update(pinned=True)
    auditing.audit(actor, "backup.pin", "done", subject=run.pk)


def release(run: BackupRun, actor: Actor) -> None:
    """The opposite of ``pin``. What a restore needs to be undone is kept all the same."""
    BackupRun.objects.filter(pk=run.pk).update(pinned=False)
    auditing.audit(actor, "backup.release", "done", subject=run.pk)


def fitting_name(text: str) -> str:
    """What a person calls a backup, on one line and without what is not printed.

    Raises ConfigurationError where it is too long.
    """
    fitting = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(fitting) > LONGEST_NOTE:
        raise ConfigurationError(
            "backup.name",
            _("The name is longer than {most} characters.", most=LONGEST_NOTE),
            hint=_("Choose a shorter one."),
        )
    return fitting


def name(run: BackupRun, text: str, actor: Actor) -> None:
    """Call the backup so; an empty name takes the former one away. Raises ConfigurationError."""
    note = fitting_name(text)
    BackupRun.objects.filter(pk=run.pk).update(note=note)
    auditing.audit(actor, "backup.name", "done", subject=run.pk, name=note)


def delete(run: BackupRun, actor: Actor) -> None:
    """Delete the file, then the run; the audit trail remembers it.

    Raises BusyError where it is kept, in use or still at work, StorageFailure where the disk refuses.
    """
    with transaction.atomic():
        run = BackupRun.objects.select_for_update().get(pk=run.pk)
        _require_deletable(run)
        if run.artifact:
            vault.delete(run.artifact)
        facts = {"scope": run.scope, "made": run.requested_at.isoformat(), "digest": run.digest}
        run_id = run.pk
        run.delete()
        auditing.audit(actor, "backup.delete", "done", subject=run_id, **facts)


def _require_deletable(run: BackupRun) -> None:
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
    if run.artifact and is_in_use(run):
        raise BusyError(
            "backup.in_use",
            _("The backup is being read now: a plan, a restore or a test restore is made of it."),
            hint=_("Wait until that has ended, or stop it, then try again."),
            permanent=False,
        )


def verify_again(run: BackupRun, actor: Actor) -> bool:
    """Read the file through once more and write down how it went, as ``verify`` does. Returns whether it is
    sound.

    Of a file that is not sound any more the run keeps what is wrong with it. Raises ArtifactError where a
    key was given that is another one's: of the file that says nothing.
    """
    form = "whole"
    try:
        if keyring.given() and (closed := keyring.obstacle(vault.path_of(run.artifact))):
            raise closed
        form = "whole" if verify(run) else "bytes"
    except (ArtifactError, StorageFailure) as error:
        if error.code in keyring.CLOSED:
            raise
        run.verified_at = None
        found = error_values(error)
    else:
        found = error_values(None)
    for name, value in found.items():
        setattr(run, name, value)
    run.save(update_fields=["verified_at", *found])
    outcome = run.error_code or "done"
    auditing.audit(actor, "backup.verify", outcome[:32], subject=run.pk, form=form)
    return not run.error_code
