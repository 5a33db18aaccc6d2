"""Tasks and contractors of projects."""

from backups.registry import COMPLETE, section
from backups.wording import _
from backupsvc.studio.models import ProjectContractor, Task

section(
    Task,
    key="tasks",
    group=_("Other"),
    scopes={COMPLETE},
)

section(
    ProjectContractor,
    key="projectContractors",
    group=_("Other"),
    scopes={COMPLETE},
)
