"""What a process remembers of the database's numbers, forgotten when a restore has committed.

Django keeps content types and sites by number for as long as a process lives. A Complete restore brings
other numbers along, so every process looks whether one has committed since.
"""

import datetime
from typing import cast

from django.apps import apps
from django.db.models import Max

from restore.models import Receipt

_KEPT = ("contenttypes.ContentType", "sites.Site")


def forget() -> None:
    """Let Django ask the database again what a number means."""
    for label in _KEPT:
        if apps.is_installed(f"django.contrib.{label.split('.')[0]}"):
            apps.get_model(label)._default_manager.clear_cache()


class Remembered:
    """``keep_up`` forgets what was remembered before the newest restore that committed."""

    def __init__(self) -> None:
        self._known: datetime.datetime | None = None

    def keep_up(self) -> None:
        """One look at the receipts of restores, which no restore locks."""
        newest = Receipt.objects.aggregate(newest=Max("committed_at"))["newest"]
        if newest != self._known:
            forget()
            self._known = cast("datetime.datetime | None", newest)
