"""The tabs on top of every page. An app that stands on this one adds its own in ``ready()``."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from backups import permissions
from backups.registry import COMPLETE


@dataclass(frozen=True)
class Tab:
    """``name`` is what a page calls itself; tabs stand in the order of ``place``."""

    name: str
    label: str | Promise
    url_name: str
    permission: str
    place: int


_tabs = [
    Tab("dashboard", _("Dashboard"), "admin:backups_backuprun_changelist", permissions.SEE, 10),
    Tab("history", _("History"), "admin:backups_history", permissions.SEE, 20),
    Tab("coverage", _("Coverage"), "admin:backups_coverage", permissions.SEE, 40),
    Tab("keys", _("Keys"), "admin:backups_keys", permissions.DOWNLOAD[COMPLETE], 45),
    Tab("audit", _("Audit"), "admin:backups_audit", permissions.SEE_AUDIT, 50),
]


def add_tab(tab: Tab) -> None:
    """Show a tab to whoever has its permission. Idempotent. Import Backup's place is 30."""
    if tab not in _tabs:
        _tabs.append(tab)


def tabs_for(user: Any) -> list[Tab]:
    visible = [tab for tab in _tabs if permissions.may(user, tab.permission)]
    return sorted(visible, key=lambda tab: tab.place)
