"""How far a run is, told in one way on every page: its stages, its pace, its counts and its time.

The templates ``backups/_going.html``, ``_stages.html``, ``_pace.html`` and ``_counts.html`` show it.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from backups.models import Run
from backups.registry import registry
from backups.stages import PARTS, Stage
from backups.translating import translated

# Before that much, what is left would be a guess.
_LEAST_SHARE = 0.02
_LEAST_SECONDS = 2.0
_NEVER_ALL = 0.99


@dataclass(frozen=True)
class Standing:
    """One stage in a list of them. ``state`` is ``done``, ``current``, ``ahead``, or ``ended`` for the one
    that a run failed at. ``part`` says what the current one is at."""

    stage: Stage
    state: str
    part: str = ""

    @property
    def words(self) -> str:
        return str(self.stage.label)


@dataclass(frozen=True)
class Pace:
    """Of a stage, or ``of_whole``. ``share`` is between 0 and 0.99; rates are a second's; whatever cannot
    be known is None."""

    share: float | None = None
    bytes_rate: float | None = None
    rows_rate: float | None = None
    seconds_left: float | None = None
    of_whole: bool = False

    @property
    def percent(self) -> int | None:
        return None if self.share is None else round(self.share * 100)


@dataclass(frozen=True)
class Count:
    """One of a run's counters in words. ``done`` is None where it tells nothing; ``total`` is then 0."""

    words: str
    done: int | None
    total: int = 0
    is_estimate: bool = False
    is_size: bool = False

    @property
    def has_total(self) -> bool:
        """A run that is further than was expected shows no total."""
        return self.done is not None and self.total > 0 and self.total >= self.done


def going(
    run: Run,
    order: Sequence[Stage],
    *,
    pace: Pace,
    counts: Sequence[Count],
    section: str,
) -> dict[str, Any]:
    """What ``backups/_going.html`` shows. ``section`` is the table that the work is at, or empty."""
    listed = standings(run, order)
    current = [item.words for item in listed if item.state == "current"]
    return {
        "stages": listed,
        "said": current[0] if current else run.get_state_display(),
        "pace": pace,
        "counts": counts,
        "elapsed": elapsed(run),
        "section": section,
        "group": group_of(section),
    }


def standings(run: Run, order: Sequence[Stage]) -> list[Standing]:
    """Every stage in its order. Nothing is claimed of a run whose stage is not among them."""
    at = Stage.of(run.stage)
    here = _place(at, order)
    part = str(at.label) if at in PARTS else ""
    current = "current" if run.is_active else "ended"
    return [
        Standing(stage, "done")
        if place < here
        else Standing(stage, current, part)
        if place == here
        else Standing(stage, "ahead")
        for place, stage in enumerate(order)
    ]


def _place(stage: Stage | None, order: Sequence[Stage]) -> int:
    if stage is Stage.DONE:
        return len(order)
    # Not by truth: the stage before the first is an empty text.
    return order.index(stage.whole) if stage is not None and stage.whole in order else -1


def pace_of(run: Run, now: datetime.datetime | None = None) -> Pace:
    """Of the stage that the run is at, never of the whole: stages differ too much in what they do for one
    to foretell the next."""
    stage = Stage.of(run.stage)
    if not run.is_active or stage is None or not stage.measure or run.stage_began_at is None:
        return Pace()
    seconds = ((now or timezone.now()) - run.stage_began_at).total_seconds()
    done = {"bytes": run.bytes_done, "rows": run.rows_done}
    total = {"bytes": run.bytes_total, "rows": run.rows_total}
    share = _share(done[stage.measure], total[stage.measure])
    return Pace(
        share=share,
        bytes_rate=_rate(run.bytes_done, seconds) if "bytes" in stage.counters else None,
        rows_rate=_rate(run.rows_done, seconds) if "rows" in stage.counters else None,
        seconds_left=_left(share, seconds),
    )


def pace_of_whole(run: Run, expected_bytes: int, now: datetime.datetime | None = None) -> Pace:
    """Of a run that writes about ``expected_bytes``, 0 where nobody knows; until it reads them back."""
    seconds = elapsed(run, now).total_seconds()
    share = None
    if run.stage != Stage.READING_BACK:
        share = _share(run.bytes_done, expected_bytes) if run.bytes_done else None
        if share is None and run.stage == Stage.ROWS:
            share = _share(run.rows_done, run.rows_total)
    return Pace(
        share=share,
        bytes_rate=_rate(run.bytes_done, seconds),
        seconds_left=_left(share, seconds),
        of_whole=True,
    )


def elapsed(run: Run, now: datetime.datetime | None = None) -> datetime.timedelta:
    """Since it began, or was asked for; of one that has ended until then."""
    return (run.finished_at or now or timezone.now()) - (run.started_at or run.requested_at)


def counts_of_backup(
    run: Run, *, expected_bytes: int = 0, files: bool = False, expected_files: int = 0
) -> list[Count]:
    """What a backup counts; ``files``: it fetches some."""
    counts = [
        Count(_("Tables"), run.sections_done, run.sections_total),
        Count(_("Rows"), run.rows_done, run.rows_total, is_estimate=True),
        Count(_("Written"), run.bytes_done, expected_bytes, is_estimate=True, is_size=True),
    ]
    if files:
        counts += [
            Count(_("Files fetched"), run.files_done, expected_files, is_estimate=True),
            Count(_("Files failed"), run.files_failed),
            Count(_("Files skipped"), run.files_skipped),
        ]
    return counts


def group_of(section: str) -> str:
    """The heading under which a table stands today; empty where it is not declared any more."""
    found = registry.by_key().get(section)
    return translated(found.group) if found else ""


def _share(done: int, total: int) -> float | None:
    return min(done / total, _NEVER_ALL) if total else None


def _rate(done: int, seconds: float) -> float | None:
    return done / seconds if done and seconds >= 1 else None


def _left(share: float | None, seconds: float) -> float | None:
    if share is None or share < _LEAST_SHARE or seconds < _LEAST_SECONDS:
        return None
    return seconds * (1 - share) / share
