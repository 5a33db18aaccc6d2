"""Tasks and contractors of projects."""

from backups.registry import COMPLETE, section
from backupsvc.studio.models import ProjectContractor, Task

section(
    Task,
    key="tasks",
    group="Other",
    scopes={COMPLETE},
)

section(
    ProjectContractor,
    key="projectContractors",
    group="Other",
    scopes={COMPLETE},
)
