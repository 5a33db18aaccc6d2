"""What there is and what is due: the newest backups, whether they would do, and the next one's size.

Quick whatever the data: planner's estimates, a handful of rows, and a look whether files are there.
"""

import datetime
from dataclasses import dataclass
from itertools import groupby

from django.db.models import QuerySet
from django.utils import timezone

from backups import conf
from backups.database import estimates
from backups.errors import StorageFailure
from backups.models import ACTIVE_STATES, BackupRun, Purpose, State
from backups.registry import COMPLETE, SAFE, Counted, Scope, counted, registry
from backups.services import said_of_rules, vault
from backups.wording import Sentence

FINISHED = (State.SUCCEEDED, State.INCOMPLETE)
_LOOKED_AT = 5


@dataclass(frozen=True)
class Contents:
    """What a kind of backup holds of the project's tables, out of the registry. ``groups`` are of the
    tables only it holds."""

    tables: int
    groups: tuple[str, ...]
    redacted: int


@dataclass(frozen=True)
class Next:
    """The next backup: rows of the project and bytes of all, as estimated. ``measured``: from an earlier
    backup's size."""

    rows: int
    bytes: int
    measured: bool


@dataclass(frozen=True)
class Readiness:
    """Whether the studio could be restored today, and from what.

    ``lost`` counts newer Complete backups whose files are gone or damaged.
    """

    complete: BackupRun | None
    safe: BackupRun | None
    lost: int

    @property
    def verdict(self) -> str:
        """``yes``, ``partly`` or ``no``."""
        if self.complete is None:
            return "partly" if self.safe else "no"
        short = gaps(self.complete) or said_of_rules.duplicates(self.complete.statistics)
        whole = not (short or self.lost or is_overdue(COMPLETE, self.complete))
        return "yes" if whole else "partly"

    @property
    def rules(self) -> list[Sentence]:
        """What the newest usable backup found of rows that break rules."""
        run = self.complete or self.safe
        return said_of_rules.in_short(run.statistics) if run else []

    @property
    def overdue(self) -> bool:
        return self.complete is not None and is_overdue(COMPLETE, self.complete)


def contents(scope: Scope) -> Contents:
    held = [s for s in registry.in_scope(scope) if not s.framework]
    own = held if scope is SAFE else [s for s in held if not s.in_safe]
    return Contents(
        tables=len(held),
        groups=tuple(name for name, _ in groupby(own, key=lambda s: s.group)),
        redacted=sum(len(s.redact) for s in held) if scope is SAFE else 0,
    )


def only_complete() -> int:
    """How many tables a Safe backup does not hold."""
    return sum(not s.in_safe for s in registry.of_project)


def finished(scope: Scope) -> QuerySet[BackupRun]:
    """Backups that people made and that came to an end with a file, newest first."""
    return BackupRun.objects.filter(
        scope=scope.value, purpose=Purpose.ORDINARY, state__in=FINISHED
    ).exclude(artifact="")


def running() -> list[BackupRun]:
    return list(BackupRun.objects.filter(state__in=ACTIVE_STATES).defer("statistics"))


def today() -> Readiness:
    """Looks at the newest few of each kind for one whose file is there and undamaged."""
    complete, lost = _usable(COMPLETE)
    safe, _ = _usable(SAFE)
    return Readiness(complete, safe, lost)


def _usable(scope: Scope) -> tuple[BackupRun | None, int]:
    lost = 0
    for run in finished(scope)[:_LOOKED_AT]:
        if not run.error_code and is_there(run):
            return run, lost
        lost += 1
    return None, lost


def is_there(run: BackupRun) -> bool:
    """Whether the run's file lies in the vault."""
    try:
        return bool(vault.path_of(run.artifact))
    except StorageFailure:
        return False


def is_overdue(scope: Scope, last: BackupRun | None) -> bool:
    """Whether the next backup should have been made: Safe weekly, Complete monthly."""
    days = datetime.timedelta(days=conf.reminder_days(scope.value))
    return last is None or timezone.now() - last.requested_at > days


def gaps(run: BackupRun) -> int:
    return files_of(run).get("gaps", 0)


def files_of(run: BackupRun) -> dict[str, int]:
    """What the artifact counts, and as people count: ``held`` are the files whose content is in it, ``named``
    those that are only named and ``named_local`` those of them in a storage of ours; ``in_rows`` stand in the
    rows themselves. Of runs of before they were counted so: what the artifact counts."""
    found: dict[str, int] = run.statistics.get("files", {})
    if not found:
        return {}
    counted = run.statistics.get("counted_files", {})
    names, local = found.get("not_included", 0), found.get("not_included_local", 0)
    places = counted.get("places", 0)
    return found | {
        "held": 0 if names else places or found.get("embedded", 0),
        "named": (places or names) if names else 0,
        "named_local": counted.get("local", local) if names else 0,
        "in_rows": counted.get("in_rows", 0),
    }


def local_files(run: BackupRun) -> int | None:
    """How many files in storages of ours a backup of either kind counted; None where it did not."""
    counted: int | None = run.statistics.get("counted_files", {}).get("local")
    if counted is None and run.scope == SAFE:
        counted = run.statistics.get("files", {}).get("not_included_local")
    return counted


def rows_of(run: BackupRun) -> Counted:
    """What a backup holds; nothing of one that did not come to an end."""
    sections = run.statistics.get("sections", {})
    return counted({key: statistics["rows"] for key, statistics in sections.items()})


def next_backup(scope: Scope, last: BackupRun | None) -> Next:
    """The last one of its kind, in proportion to the rows; else what the tables take on disk."""
    held = registry.in_scope(scope)
    # Tables of Django itself are counted apart, as everywhere.
    now = estimates.estimate(
        (section.table for section in held if not section.framework),
        (section.table for section in held if section.framework),
    )
    before = last.statistics.get("rows", 0) if last else 0
    if last is None or not before:
        return Next(now.own_rows, now.bytes, measured=False)
    rows_bytes = sum(s["bytes"] for s in last.statistics["sections"].values())
    grown = int(rows_bytes * now.rows / before)
    return Next(now.own_rows, grown + last.plain_bytes - rows_bytes, measured=True)


def expected(scope: Scope) -> dict[str, int]:
    """What the last finished one came to, as a measure for one that runs: ``bytes``, ``files``."""
    wanted = finished(scope).values_list("plain_bytes", "statistics__counted_files__places")
    plain_bytes, files = wanted.first() or (0, 0)
    return {"bytes": plain_bytes, "files": int(files or 0)}
