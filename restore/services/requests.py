"""Restores from request to end, seen from outside: ask for one, and end those whose worker died."""

from pathlib import Path
from typing import Any

from django.utils import timezone

from backups.errors import RestoreError
from backups.models import State
from backups.services import runs, vault
from backups.services.runs import Actor
from restore import files
from restore.models import Receipt, RestoreRun
from restore.plan import Choices

PHRASE = "REPLACE ALL DATA"


def require_phrase(phrase: str) -> None:
    """Raises RestoreError unless the phrase was typed as shown."""
    if phrase != PHRASE:
        raise RestoreError(
            "restore.unconfirmed",
            "The confirmation is missing or differs. Nothing was changed.",
            hint=f'Confirm with the words "{PHRASE}".',
        )


def request(
    source: Path, actor: Actor, choices: Choices, *, confirmed: dict[str, Any] | None = None
) -> RestoreRun:
    """Write down that a restore of a file is wanted. Somebody must then ``applying.carry_out`` it.

    ``confirmed`` is the plan, in its JSON form, that the person has seen.
    """
    end_abandoned()
    run = RestoreRun.objects.create(
        source=source.name,
        requested_by_name=actor.name,
        requested_by_email=actor.email,
        choices=choices.as_dict(),
        plan=confirmed or {},
    )
    runs.audit(actor, "restore", "requested", subject=run.pk, file=source.name)
    return run


def end_abandoned() -> list[str]:
    """End the restores whose worker died. The receipt tells whether one had committed: then it
    succeeded, and only its last words are missing. Returns the ids of the ended."""
    _confirm_committed()
    ended = runs.end_abandoned(RestoreRun)
    for run_id in ended:
        # The commit may have come between the two looks.
        if Receipt.objects.filter(pk=run_id).exists():
            _mark_succeeded(run_id)
        else:
            files.undo_journal(run_id)
    files.forget_journals(Receipt.objects.values_list("pk", flat=True))
    return ended


def _confirm_committed() -> None:
    for run_id in RestoreRun.objects.filter(state=State.RUNNING).values_list("pk", flat=True):
        if Receipt.objects.filter(pk=run_id).exists() and not runs.is_alive(run_id):
            _mark_succeeded(run_id)


def _mark_succeeded(run_id: str) -> None:
    RestoreRun.objects.filter(pk=run_id).update(
        state=State.SUCCEEDED,
        stage="done",
        finished_at=timezone.now(),
        error_code="",
        error_message="",
        error_hint="",
    )


def take_copy(run: RestoreRun, source: Path) -> None:
    """Keep a private copy of the file for a worker, who may not reach the original."""
    run.artifact = vault.take_in(source, run.pk)
    run.save(update_fields=["artifact"])


def stored_copy(run: RestoreRun) -> Path:
    """Raises StorageFailure where the copy is gone."""
    return vault.path_of(run.artifact)


def drop_copy(run: RestoreRun) -> None:
    vault.delete(run.artifact)
