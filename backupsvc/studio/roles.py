"""Which role may do what in the studio: one table, read by ``accounts.RoleBackend``.

Owners may do everything and do not stand in the table. Tables are named by the group that their
section declares; a table that is in no group is the owners' alone. Only owners delete.
"""

from functools import cache

from backups.registry import registry
from backupsvc.studio.models import User

VIEW = ("view",)
EDIT = ("view", "add", "change")
NOTHING: tuple[str, ...] = ()

# group of tables: (what an ADMIN may do, what every other role may do)
GROUPS = {
    "Core Data": (EDIT, VIEW),
    "Chat & Messaging": (EDIT, VIEW),
    "Activity & Audit Logs": (VIEW, NOTHING),
    "Notifications": (EDIT, NOTHING),
    "Email Logs": (VIEW, NOTHING),
    "Project Updates & Tasks": (EDIT, VIEW),
    "Issues": (EDIT, VIEW),
    "Tags & Metadata": (EDIT, VIEW),
    "Assets & Files": (EDIT, VIEW),
    "Approvals": (EDIT, VIEW),
    "Authentication & Security": (NOTHING, NOTHING),
    "Additional Complete Tables": (EDIT, VIEW),
    "FFE System (Complete)": (EDIT, VIEW),
    "Rendering & Drawings": (EDIT, VIEW),
    "Spec Books": (EDIT, VIEW),
    "CAD Preferences": (EDIT, VIEW),
    "Room Configuration": (EDIT, VIEW),
    "Other": (EDIT, VIEW),
}

# Tables that differ from their group. Accounts, telephone numbers and links for outsiders concern
# nobody but those who run the studio.
TABLES = {
    "users": (EDIT, NOTHING),
    "smsConversations": (EDIT, NOTHING),
    "clientAccessTokens": (EDIT, NOTHING),
}

# What an ADMIN may do with the backup system. Complete backups and restores are the owners' alone.
ADMIN_BACKUPS = (
    "backups.view_backuprun",
    "backups.create_safe_backup",
    "backups.download_safe_backup",
)


@cache
def permissions_of(role: str) -> frozenset[str]:
    """Every permission of a role that is not an owner's, as ``app_label.codename``."""
    is_admin = role == User.Role.ADMIN
    granted = set(ADMIN_BACKUPS) if is_admin else set()
    for section in registry.sections:
        for_admins, for_others = TABLES.get(section.key) or GROUPS.get(section.group, ((), ()))
        opts = section.model._meta
        if opts.app_label == "studio":
            actions = for_admins if is_admin else for_others
            granted |= {f"studio.{action}_{opts.model_name}" for action in actions}
    return frozenset(granted)


def roles_with(permission: str) -> list[str]:
    """The roles that carry a permission, owners first."""
    others = (role for role in User.Role.values if role != User.Role.OWNER)
    return [User.Role.OWNER.value, *(r for r in others if permission in permissions_of(r))]
