"""Tasks and contractors of projects."""

from backups.registry import COMPLETE, SAFE, section
from backups.wording import _
from backupsvc.studio.models import ProjectContractor, Task

section(
    Task,
    key="tasks",
    group=_("Other"),
    scopes={SAFE, COMPLETE},
    safe_columns="id title description status assigned_to project_id room_id stage_id due_date"
    " completed_at created_at updated_at",
)

section(
    ProjectContractor,
    key="projectContractors",
    group=_("Other"),
    scopes={SAFE, COMPLETE},
    safe_columns="id project contractor role start_date end_date is_active created_at updated_at",
)
