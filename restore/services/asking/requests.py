"""Restores from request to end, seen from outside: ask for one, and end those whose worker died."""

from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from backups.errors import RestoreError
from backups.models import ACTIVE_STATES, BackupRun, State
from backups.services import account_states, auditing, keeping, runs, vault
from backups.services.auditing import Actor
from backups.services.recovery_kit import RecoveryKit
from backups.services.sweeping import passed_over
from backups.wording import _
from restore import journal
from restore.models import PlanRun, Receipt, RestoreRun, Upload
from restore.plan import Choices
from restore.services.asking import kits, uploads

PHRASE = "REPLACE ALL DATA"


def require_phrase(phrase: str) -> None:
    """Raises RestoreError unless the phrase was typed as shown."""
    if phrase != PHRASE:
        raise RestoreError(
            "restore.unconfirmed",
            _("The confirmation is missing or differs. Nothing was changed."),
            hint=_('Confirm with the words "{phrase}".', phrase=PHRASE),
        )


def request(
    source: Path,
    actor: Actor,
    choices: Choices,
    *,
    confirmed: dict[str, Any] | None = None,
    backup: str = "",
    **more: str,
) -> RestoreRun:
    """Write down that a restore of a file is wanted. Somebody must then ``applying.carry_out`` it.

    ``confirmed`` is the plan, in its JSON form, that the person has seen. ``backup`` is the number of the
    stored backup that is read, where it is one, and ``more`` are further columns of the run.

    Raises StorageFailure where the stored backup is gone.
    """
    end_abandoned()
    # What was done to accounts before is not to be taken for the restore's doing.
    account_states.compare()
    with runs.asking() as asked:
        if backup:
            keeping.hold(backup)
        run = RestoreRun.objects.create(
            source=source.name,
            requested_by_name=actor.name,
            requested_by_email=actor.email,
            choices=choices.as_dict(),
            plan=confirmed or {},
            backup=backup,
            **more,
        )
        asked.append(run)
        auditing.audit(actor, "restore", "requested", subject=run.pk, file=source.name)
        for choice in ("all_accounts", "partial_undo", "without_undo"):
            if getattr(choices, choice):
                auditing.audit(actor, f"restore.{choice}", "chosen", subject=run.pk)
        if choices.let_in:
            sections = [*choices.let_in]
            auditing.audit(actor, "restore.let_in", "chosen", subject=run.pk, sections=sections)
    return run


def request_uploaded(upload: Upload, plan: PlanRun, actor: Actor) -> RestoreRun:
    """Ask for the restore that a plan of an uploaded file describes, exactly as it was seen.

    The upload itself is read, so nothing is copied. Asked twice, the same run is given back.
    """
    uploads.path_of(upload)
    waiting = RestoreRun.objects.filter(upload=upload.pk, state__in=ACTIVE_STATES).first()
    if waiting:
        return waiting
    return request(
        Path(upload.name),
        actor,
        Choices.of(plan.choices),
        confirmed=plan.plan,
        backup=upload.backup,
        upload=upload.pk,
    )


def is_committed(run_id: str) -> bool:
    """Whether a restore's transaction was committed, whatever else is said of it.

    The server goes on with a commit whose client has died. So the receipt is tried, not looked for: the
    unique key lets the second writer wait until the first has ended in one way or the other.
    """
    return runs.once_more_if_lost(lambda: _has_receipt(run_id))


def _has_receipt(run_id: str) -> bool:
    try:
        with transaction.atomic():
            Receipt.objects.create(pk=run_id)
            transaction.set_rollback(True)
    except IntegrityError:
        return True
    return False


def end_abandoned() -> list[str]:
    """End the restores whose worker died, and clear up after all that have ended.

    The receipt tells whether one had committed: then it succeeded, and only its last words are missing.
    Returns the ids of those that had not.
    """
    for run in RestoreRun.objects.filter(state=State.RUNNING):
        if not runs.is_alive(run.pk) and is_committed(run.pk):
            runs.succeed(run)
    ended = runs.end_abandoned(RestoreRun)
    for run_id in filter(is_committed, ended):
        # It was alive at the first look, and died with its commit under way.
        runs.succeed(RestoreRun.objects.get(pk=run_id))
    for run_id in journal.journals():
        with passed_over("clearing up after it", run_id):
            _settle_journal(run_id)
    for run in RestoreRun.objects.exclude(artifact="").exclude(state__in=ACTIVE_STATES):
        with passed_over("dropping its copy of the file", run.pk):
            drop_copy(run)
    return ended


def _settle_journal(run_id: str) -> None:
    """What a restore added to the file storages is data once it has committed, and else goes."""
    if is_committed(run_id):
        journal.forget_journal(run_id)
    elif not RestoreRun.objects.filter(pk=run_id, state__in=ACTIVE_STATES).exists():
        journal.undo_journal(run_id)


def take_copy(run: RestoreRun, source: Path, *, kit: RecoveryKit | None = None) -> None:
    """Keep a private copy of the file for a worker, who may not reach the original, and the kit with it."""
    with runs.prepared(run):
        run.artifact = vault.take_in(source, run.pk)
        if kit:
            kits.keep(run.artifact, kit)
        run.requested_at = timezone.now()  # only now is there anything that a worker could begin
        run.save(update_fields=["artifact", "requested_at"])


def stored_file(run: RestoreRun) -> Path:
    """The file that a worker reads: an upload, a stored backup, or the copy made for it.

    Raises StorageFailure where it is gone.
    """
    if run.upload:
        return uploads.stored_file(run.upload)
    if run.backup:
        return vault.path_of(BackupRun.objects.get(pk=run.backup).artifact)
    return vault.path_of(run.artifact)


def kit_of(run: RestoreRun) -> RecoveryKit | None:
    """The recovery kit that was given for the file that a worker reads."""
    upload = Upload.objects.filter(pk=run.upload).first() if run.upload else None
    return kits.of(upload.stored if upload else run.artifact)


def drop_copy(run: RestoreRun) -> None:
    """Remove the copy that was made for a worker, and an upload that has been restored.

    A stored backup stays, and so does an upload whose restore failed: it can be planned again.
    """
    upload = Upload.objects.filter(pk=run.upload).first()
    if upload and run.state == State.SUCCEEDED:
        uploads.discard(upload)
    if run.artifact:
        kits.discard(run.artifact)
        vault.delete(run.artifact)
        RestoreRun.objects.filter(pk=run.pk).update(artifact="")
