"""Steps of design sections."""

from backups.registry import COMPLETE, section
from backups.wording import _
from backupsvc.studio.models import ChecklistItem

section(
    ChecklistItem,
    key="checklistItems",
    group=_("Additional Complete Tables"),
    scopes={COMPLETE},
)
