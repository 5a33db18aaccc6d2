"""Which stages a plan, a restore and a test restore go through, and what they count while they go."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from backups.models import BackupRun, Run
from backups.stages import Stage
from backups.views import going as backups_going
from backups.views.going import Count, counts_of_backup, pace_of
from restore.models import PlanRun, Rehearsal

_READING = (Stage.INSPECTING, Stage.LOCATING)
_PLAN = (Stage.QUEUED, *_READING, Stage.COUNTING)


def _writing(files: Stage) -> tuple[Stage, ...]:
    return (
        Stage.EMPTYING,
        Stage.LOADING,
        files,
        Stage.VERIFYING,
        Stage.REFERENCES,
        Stage.COMPARING,
        Stage.COMMITTING,
    )


# Of the files a test restore reads only the content, with the rows.
_REHEARSAL = (
    Stage.QUEUED,
    Stage.THROWAWAY,
    Stage.SCHEMA,
    Stage.INSPECTING,
    *_writing(Stage.HASHES),
)
_RESTORE = (
    Stage.QUEUED,
    *_READING,
    Stage.AHEAD,
    Stage.WAITING,
    Stage.PLANNING,
    Stage.SAFETY_BACKUP,
    *_writing(Stage.FILES),
)


def order_of(run: Run) -> tuple[Stage, ...]:
    """Every stage that pages list of such a run."""
    if isinstance(run, PlanRun):
        return _PLAN
    return _REHEARSAL if isinstance(run, Rehearsal) else _RESTORE


def going(run: Run, safety: BackupRun | None = None) -> dict[str, Any]:
    """What ``backups/_going.html`` shows of a plan, a restore or a test restore. What is counted is the
    safety backup while that is being made."""
    counted = safety if safety is not None and run.stage == Stage.SAFETY_BACKUP else run
    told = backups_going.going(
        run,
        order_of(run),
        pace=pace_of(counted),
        counts=_counts(counted),
        section=counted.section,
    )
    return told | {"back": _page_of(run)}


def _page_of(run: Run) -> str:
    """Where who has given a private key comes back to."""
    if isinstance(run, PlanRun):
        return reverse("admin:restore_plan", args=[run.upload])
    name = "rehearsal" if isinstance(run, Rehearsal) else "live"
    return reverse(f"admin:restore_{name}", args=[run.pk])


def _counts(run: Run) -> list[Count]:
    if isinstance(run, BackupRun):
        return counts_of_backup(run)
    if isinstance(run, PlanRun):
        known = run.bytes_done if run.bytes_total else None
        return [Count(_("Read"), known, run.bytes_total, is_size=True)]
    return [
        Count(_("Tables"), run.sections_done, run.sections_total),
        Count(_("Rows"), run.rows_done, run.rows_total),
        Count(_("Read"), run.bytes_done, run.bytes_total, is_size=True),
        Count(_("Files"), run.files_done, run.files_total),
    ]
