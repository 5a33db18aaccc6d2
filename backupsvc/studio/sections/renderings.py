"""Renderings and drawings."""

from backups.registry import COMPLETE, section
from backupsvc.studio.models import DrawingChecklistItem, RenderingNote, RenderingVersion

section(
    RenderingVersion,
    key="renderingVersions",
    group="Rendering & Drawings",
    scopes={COMPLETE},
)

section(
    RenderingNote,
    key="renderingNotes",
    group="Rendering & Drawings",
    scopes={COMPLETE},
)

section(
    DrawingChecklistItem,
    key="drawingChecklistItems",
    group="Rendering & Drawings",
    scopes={COMPLETE},
)
