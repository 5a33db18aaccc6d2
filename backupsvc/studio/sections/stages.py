"""Stages and what was written in them."""

from backups.registry import COMPLETE, SAFE, section
from backups.wording import _
from backupsvc.studio.models import DesignSection, Stage

section(
    Stage,
    key="stages",
    group=_("Core Data"),
    scopes={SAFE, COMPLETE},
    safe_columns="id room type status assigned_to due_date started_at completed_at created_by "
    "updated_by completed_by created_at updated_at",
)

section(
    DesignSection,
    key="designSections",
    group=_("Core Data"),
    scopes={SAFE, COMPLETE},
    safe_columns="id stage type content completed created_by updated_by completed_by created_at "
    "updated_at",
)
