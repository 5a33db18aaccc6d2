"""The safety backup before a restore, what it does without, and what the report says of the way back."""

from collections.abc import Callable
from typing import Any

from backups.errors import ArtifactError, BackupSystemError, DatabaseFailure
from backups.models import BackupRun, Purpose
from backups.registry import COMPLETE
from backups.services import creating, encrypting, runs
from backups.services.auditing import Actor
from backups.services.progress import Progress
from restore.models import RestoreRun
from restore.services.applying.ahead import Ahead
from restore.services.planning.foreseeing import Foresight

# Findings of a plan that came of reading every value.
OF_DAMAGE = frozenset({"undo.unreadable", "undo.index_damaged", "restore.may_not_read"})
# What says nothing of the rows.
_OF_THE_SERVER = ("database.lost", "database.cancelled", "database.disk_full")


def make(
    run: RestoreRun,
    foresight: Foresight,
    progress: Progress,
    ahead: Ahead,
    in_the_way: Callable[[], None] = lambda: None,
) -> BackupRun:
    """All data as it is now, while nobody can write, but for what the foresight leaves out. Files stay
    where they are and need no copy. ``ahead`` has one that may still be true, or rows of it.
    ``in_the_way``: see ``creating.carry_out``. Raises BackupSystemError:
    then there is none."""
    actor = Actor(run.requested_by_name, run.requested_by_email)
    stands = ahead.stands(wanted(run), foresight.leaving_out, progress, in_the_way)
    if not stands:
        ahead.make_room()
    with runs.asking() as asked:
        safety = creating.request(COMPLETE, actor, purpose=Purpose.SAFETY)
        asked.append(safety)
        run.safety_backup = safety.pk
        run.save(update_fields=["safety_backup"])

    if stands:
        return ahead.keep(safety)

    def pass_on_cancel(_: dict[str, Any]) -> None:
        if progress.cancelled:
            runs.cancel(safety)

    creating.carry_out(
        safety,
        listener=pass_on_cancel,
        under_restore_lock=True,
        in_the_way=in_the_way,
        leaving_out=foresight.leaving_out,
        stream_rows=ahead.stream_rows,
    )
    progress.check()
    return safety


def wanted(run: RestoreRun) -> BackupRun:
    """What stands for the safety backup before it is asked for."""
    return BackupRun(
        scope=COMPLETE.value,
        purpose=Purpose.SAFETY,
        requested_by_name=run.requested_by_name,
        requested_by_email=run.requested_by_email,
        **encrypting.columns_for(COMPLETE, Purpose.SAFETY, None),
    )


def may_be_damage(error: BackupSystemError) -> bool:
    """Whether reading every value could tell why a safety backup failed."""
    if isinstance(error, DatabaseFailure):
        return error.code not in _OF_THE_SERVER
    return isinstance(error, ArtifactError)


def as_reported(run: RestoreRun, safety: BackupRun | None, foresight: Foresight) -> dict[str, Any]:
    """``backup`` is empty where there is none, as ``chosen_by`` wished; ``lacks`` what it does not hold."""
    if safety is None:
        chosen_by = run.requested_by_name or run.requested_by_email
        return {"backup": "", "chosen_by": chosen_by, "lacks": []}
    return {"backup": safety.pk, "lacks": list(foresight.leaving_out.listed)}
