"""What of the studio is backed up: one file a subject, as in ``models``.

The order of the sections is the order of the artifact, so it is written down here and not left to
whoever sorts imports.
"""

from importlib import import_module

SUBJECTS = (
    "people",
    "projects",
    "stages",
    "ffe_items",
    "chat",
    "activity",
    "notifications",
    "emails",
    "project_updates",
    "issues",
    "tags",
    "assets",
    "approvals",
    "authentication",
    "checklists",
    "client_approvals",
    "floorplans",
    "update_files",
    "ffe",
    "room_ffe",
    "renderings",
    "spec_books",
    "cad",
    "room_configuration",
    "tasks",
    "client_approval_versions",
    "django",
)

for subject in SUBJECTS:
    import_module(f"{__name__}.{subject}")
