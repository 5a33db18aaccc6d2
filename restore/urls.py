"""Addresses of the restore pages, below the admin's own; ``admin.RestoreRunAdmin`` hangs them there.

All but two stand behind the admin's sign-in. The live page asks for its own cookie instead, and the first
start, which is there until the first account is, for its one-time code.
"""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path

from backups import sites
from backups.sites import Back
from restore.views import (
    confirming,
    first_start,
    history,
    importing,
    live,
    looking,
    planning,
    stored,
    uploading,
    ways_back,
)

_IMPORT = Back("restore_import")
_PLAN = Back("restore_plan", of_same=True)
_BACKUP = Back("backups_run", of_same=True)
_REHEARSAL = Back("restore_rehearsal", of_same=True)


def _page(route: str, view: Callable[..., Any], name: str, back: Back | None = None) -> URLPattern:
    return path(route, sites.behind_admin(view, back=back), name=f"restore_{name}")


urlpatterns = [
    # The name by which Django's admin finds a model's list.
    _page("", history.show, "restorerun_changelist"),
    path("first-start/", sites.outside_transactions(first_start.show), name="restore_first_start"),
    _page("import/", importing.show, "import"),
    _page("import/begin/", uploading.begin, "begin", _IMPORT),
    _page("import/<str:upload_id>/", planning.show, "plan"),
    _page("import/<str:upload_id>/piece/", uploading.receive, "piece", _IMPORT),
    _page("import/<str:upload_id>/state/", uploading.state, "state"),
    _page("import/<str:upload_id>/discard/", uploading.discard, "discard", _IMPORT),
    _page("import/<str:upload_id>/progress/", planning.progress, "progress"),
    _page("import/<str:upload_id>/again/", planning.plan_again, "plan_again", _PLAN),
    _page("import/<str:upload_id>/kit/", planning.give_kit, "give_kit", _PLAN),
    _page("import/<str:upload_id>/plan.json", planning.download, "plan_download"),
    _page("import/<str:upload_id>/rows/<str:table>/<str:kind>/", looking.show, "rows"),
    _page("import/<str:upload_id>/confirm/", confirming.show, "confirm"),
    _page("stored/<str:backup_id>/", stored.begin, "stored", _BACKUP),
    path("live/<str:run_id>/", sites.outside_transactions(live.show), name="restore_live"),
    path(
        "live/<str:run_id>/status/",
        sites.outside_transactions(live.status),
        name="restore_live_status",
    ),
    path(
        "live/<str:run_id>/stop/", sites.outside_transactions(live.stop), name="restore_live_stop"
    ),
    _page("outgoing/", ways_back.release, "release"),
    _page("rehearse/<str:backup_id>/", ways_back.rehearse, "rehearse", _BACKUP),
    _page("rehearsals/<str:rehearsal_id>/", ways_back.rehearsal, "rehearsal"),
    _page("rehearsals/<str:rehearsal_id>/status/", ways_back.rehearsal_status, "rehearsal_status"),
    _page(
        "rehearsals/<str:rehearsal_id>/cancel/",
        ways_back.cancel_rehearsal,
        "rehearsal_cancel",
        _REHEARSAL,
    ),
    _page("<str:run_id>/undo/", ways_back.undo, "undo"),
    _page("<str:run_id>/", history.report, "report"),
]
