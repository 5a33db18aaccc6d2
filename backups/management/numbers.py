"""Finding a backup or a restore by its number, or by as much of it as is unique."""

import re
from typing import TypeVar

from django.db.models import QuerySet

from backups.errors import StorageFailure
from backups.models import BackupRun, Run
from backups.wording import Sentence, _

AnyRun = TypeVar("AnyRun", bound=Run)

# How much of a number is printed: 48 of its bits, which no two runs of one installation share.
SHOWN = 12
_SHORTEST = 4
_NUMBER = re.compile(rf"[0-9a-f]{{{_SHORTEST},32}}")


def looks_like_one(text: str) -> bool:
    """Whether it could be the beginning of a number."""
    return _NUMBER.fullmatch(text) is not None


_LISTED = _("Look the numbers up: manage.py backup_list")


def find(runs: QuerySet[AnyRun], beginning: str, *, hint: Sentence = _LISTED) -> AnyRun:
    """The one run whose number begins so. Raises StorageFailure where there is none, or more than one.

    ``hint`` says where numbers are found.
    """
    found = list(runs.filter(pk__startswith=beginning)[:2]) if looks_like_one(beginning) else []
    if len(found) == 1:
        return found[0]
    if found:
        raise StorageFailure(
            "run.ambiguous",
            _("More than one number begins so."),
            hint=_("Give more of it."),
        )
    raise StorageFailure("run.unknown", _("Nothing that is here has this number."), hint=hint)


def stored_backup(beginning: str) -> BackupRun:
    """The stored backup whose number begins so. Raises StorageFailure."""
    return find(BackupRun.objects.exclude(artifact=""), beginning)


def newest() -> BackupRun:
    """The stored backup that was asked for last. Raises StorageFailure where there is none."""
    found = BackupRun.objects.exclude(artifact="").first()
    if found is None:
        raise StorageFailure(
            "backup.none",
            _("No backup is stored here."),
            hint=_("Make one: manage.py backup_create --scope safe"),
        )
    return found


def short(number: str) -> str:
    """As much of a number as tells it from others, for a line that people read and type."""
    return number[:SHOWN]
