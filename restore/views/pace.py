"""How far a stage is, how fast it goes and how long it may still take, out of a run's own counters.

Of the stage, never of the whole: stages differ too much in what they do for one to foretell the next.
"""

import datetime
from dataclasses import dataclass

from django.utils import timezone

from backups.models import BackupRun, Run

# By what a stage is measured; the others cannot tell.
_READING = ("looking", "rewriting", "inspecting", "trying", "locating", "files")
_OF_RESTORES = dict.fromkeys((*_READING, "loading"), "bytes") | {"verifying": "rows"}
_OF_BACKUPS = {"rows": "rows"}
# Before that much, what is left would be a guess.
_LEAST_SHARE = 0.02
_LEAST_SECONDS = 2.0


@dataclass(frozen=True)
class Pace:
    """``share`` is between 0 and 0.99; rates are a second's; whatever cannot be known is None."""

    share: float | None = None
    bytes_rate: float | None = None
    rows_rate: float | None = None
    seconds_left: float | None = None

    @property
    def percent(self) -> int | None:
        return None if self.share is None else int(self.share * 100)


def pace_of(run: Run, now: datetime.datetime | None = None) -> Pace:
    """Of the stage that the run is at."""
    measures = _OF_BACKUPS if isinstance(run, BackupRun) else _OF_RESTORES
    measure = measures.get(run.stage)
    if not run.is_active or measure is None or run.stage_began_at is None:
        return Pace()
    seconds = ((now or timezone.now()) - run.stage_began_at).total_seconds()
    share = _share(run, measure)
    return Pace(
        share=share,
        bytes_rate=None if run.stage == "verifying" else _rate(run.bytes_done, seconds),
        rows_rate=None if run.stage in _READING else _rate(run.rows_done, seconds),
        seconds_left=_left(share, seconds),
    )


def _share(run: Run, measure: str) -> float | None:
    done, total = getattr(run, f"{measure}_done"), getattr(run, f"{measure}_total")
    return min(done / total, 0.99) if total else None


def _rate(done: int, seconds: float) -> float | None:
    return done / seconds if done and seconds >= 1 else None


def _left(share: float | None, seconds: float) -> float | None:
    if share is None or share < _LEAST_SHARE or seconds < _LEAST_SECONDS:
        return None
    return seconds * (1 - share) / share
