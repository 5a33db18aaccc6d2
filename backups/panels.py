"""Places on the backup pages where an app that stands on this one shows something of its own.

``run``: the page of a finished backup. ``deeds``: among the buttons there and under "Could you restore
today?". ``row``: in a backup's row of the history. ``readiness``: under "Could you restore today?".
``frame``: above every page. A panel gets the request and the backup (None above every page), and returns
safe HTML.
"""

from collections.abc import Callable

from django.http import HttpRequest
from django.utils.safestring import SafeString

from backups.models import BackupRun

Panel = Callable[[HttpRequest, BackupRun | None], SafeString]

_PLACES = ("run", "deeds", "row", "readiness", "frame")
_panels: dict[str, list[Panel]] = {place: [] for place in _PLACES}


def add(place: str, panel: Panel) -> None:
    """Show a panel at a place. Idempotent."""
    if panel not in _panels[place]:
        _panels[place].append(panel)


def at(place: str) -> list[Panel]:
    return _panels[place]
