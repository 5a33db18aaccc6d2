"""Versions of renderings, the notes on them, and the list of drawings."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.keys import StudioModel


class RenderingVersion(StudioModel):
    """A round of renderings of a room."""

    class Status(models.TextChoices):
        IN_PROGRESS = "IN_PROGRESS"
        COMPLETED = "COMPLETED"
        PUSHED_TO_CLIENT = "PUSHED_TO_CLIENT"

    room = models.ForeignKey("Room", on_delete=models.CASCADE, related_name="rendering_versions")
    stage = models.ForeignKey("Stage", on_delete=models.CASCADE, related_name="rendering_versions")
    version = models.TextField()
    custom_name = models.TextField(null=True, blank=True)
    status = models.TextField(choices=Status.choices, default=Status.IN_PROGRESS)
    pushed_to_client_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="+")
    updated_by = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    completed_by = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["room", "version"], name="rendering_version_unique_room_version"
            )
        ]

    def __str__(self) -> str:
        return self.custom_name or self.version


class RenderingNote(StudioModel):
    """A remark on a round of renderings."""

    version = models.ForeignKey("RenderingVersion", on_delete=models.CASCADE, related_name="notes")
    content = models.TextField()
    author = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="rendering_notes")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.content[:80]


class DrawingChecklistItem(StudioModel):
    """A drawing that a stage needs."""

    class Type(models.TextChoices):
        LIGHTING = "LIGHTING"
        ELEVATION = "ELEVATION"
        MILLWORK = "MILLWORK"
        FLOORPLAN = "FLOORPLAN"
        CUSTOM = "CUSTOM"

    stage_id = models.TextField()
    type = models.TextField(choices=Type.choices)
    name = models.TextField()
    description = models.TextField(null=True, blank=True)
    completed = models.BooleanField(default=False)
    order = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["stage_id", "type"], name="drawing_checklist_item_unique_stage_id_type"
            )
        ]

    def __str__(self) -> str:
        return self.name
