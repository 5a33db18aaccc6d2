"""The studio's tables in Django's admin. Importing this registers all of them."""

from backupsvc.studio.admin import (
    approvals,
    assets,
    authentication,
    chat,
    drawings,
    ffe,
    logs,
    people,
    project_updates,
    projects,
    room_configuration,
    stages,
    users,
)

__all__ = [
    "approvals",
    "assets",
    "authentication",
    "chat",
    "drawings",
    "ffe",
    "logs",
    "people",
    "project_updates",
    "projects",
    "room_configuration",
    "stages",
    "users",
]
