"""Steps of design sections."""

from backups.registry import COMPLETE, section
from backupsvc.studio.models import ChecklistItem

section(
    ChecklistItem,
    key="checklistItems",
    group="Additional Complete Tables",
    scopes={COMPLETE},
)
