"""Renderings and drawings."""

from backups.registry import COMPLETE, section
from backups.wording import _
from backupsvc.studio.models import DrawingChecklistItem, RenderingNote, RenderingVersion

section(
    RenderingVersion,
    key="renderingVersions",
    group=_("Rendering & Drawings"),
    scopes={COMPLETE},
)

section(
    RenderingNote,
    key="renderingNotes",
    group=_("Rendering & Drawings"),
    scopes={COMPLETE},
)

section(
    DrawingChecklistItem,
    key="drawingChecklistItems",
    group=_("Rendering & Drawings"),
    scopes={COMPLETE},
)
