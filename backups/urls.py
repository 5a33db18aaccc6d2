"""Addresses of the backup pages, below the admin's own; ``admin.BackupRunAdmin`` hangs them there.

``behind_admin`` asks for a sign-in, forbids caching and checks CSRF; what a person may do is each
view's business.
"""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path

from backups import sites
from backups.sites import Back
from backups.views import (
    audit,
    coverage,
    dashboard,
    download,
    history,
    keeping,
    keys,
    recovery_kit,
    runs,
    start,
)

_RUN = Back("backups_run", of_same=True)


def _page(route: str, view: Callable[..., Any], name: str, back: Back | None = None) -> URLPattern:
    return path(route, sites.behind_admin(view, back=back), name=f"backups_{name}")


urlpatterns = [
    # The name by which Django's admin finds a model's list.
    _page("", dashboard.show, "backuprun_changelist"),
    _page("start/safe/", start.safe, "start_safe", Back("backups_backuprun_changelist")),
    _page("start/complete/", start.complete, "start_complete"),
    _page("kit/", recovery_kit.show, "kit"),
    _page("kit/file/", recovery_kit.file, "kit_file"),
    _page("kit/printed/", recovery_kit.printed, "kit_printed", Back("backups_kit")),
    _page("keys/", keys.show, "keys"),
    _page("keys/rotate/", keys.rotate, "rotate_key"),
    _page("keys/<str:key_id>/remove/", keys.remove, "remove_key"),
    _page("give-key/<str:work_id>/", keys.give, "give_key"),
    _page("history/", history.show, "history"),
    _page("coverage/", coverage.show, "coverage"),
    _page("coverage/report.md", coverage.markdown, "coverage_markdown"),
    _page("audit/", audit.show, "audit"),
    _page("audit/events.csv", audit.as_csv, "audit_csv"),
    _page("audit/verify/", audit.verify, "audit_verify", Back("backups_audit")),
    _page("runs/<str:run_id>/", runs.show, "run"),
    _page("runs/<str:run_id>/live/", runs.live, "live"),
    _page("runs/<str:run_id>/cancel/", runs.cancel, "cancel", _RUN),
    _page("runs/<str:run_id>/verify/", keeping.verify, "verify", _RUN),
    _page("runs/<str:run_id>/verification/", runs.verification, "verification"),
    _page("runs/<str:run_id>/name/", keeping.name, "name", _RUN),
    _page("runs/<str:run_id>/pin/", keeping.pin, "pin", _RUN),
    _page("runs/<str:run_id>/release/", keeping.release, "release", _RUN),
    _page("runs/<str:run_id>/delete/", keeping.delete, "delete"),
    _page("runs/<str:run_id>/download/", download.choose, "download"),
    _page("runs/<str:run_id>/try-key/", keys.attempt, "try_key"),
    _page("runs/<str:run_id>/file/<str:form>/", download.file, "file"),
]
