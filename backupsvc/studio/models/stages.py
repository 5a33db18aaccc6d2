"""What every room goes through, stage by stage, and the text written on the way."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.keys import StudioModel


class Stage(StudioModel):
    """One of the six steps a room goes through; each step at most once."""

    class Type(models.TextChoices):
        DESIGN = "DESIGN"
        DESIGN_CONCEPT = "DESIGN_CONCEPT"
        THREE_D = "THREE_D", "3D rendering"
        CLIENT_APPROVAL = "CLIENT_APPROVAL"
        DRAWINGS = "DRAWINGS"
        FFE = "FFE", "FFE"

    class Status(models.TextChoices):
        NOT_STARTED = "NOT_STARTED"
        IN_PROGRESS = "IN_PROGRESS"
        COMPLETED = "COMPLETED"
        ON_HOLD = "ON_HOLD"
        NEEDS_ATTENTION = "NEEDS_ATTENTION"
        PENDING_APPROVAL = "PENDING_APPROVAL"
        REVISION_REQUESTED = "REVISION_REQUESTED"
        NOT_APPLICABLE = "NOT_APPLICABLE"

    room = models.ForeignKey("Room", on_delete=models.CASCADE, related_name="stages")
    type = models.TextField(choices=Type.choices)
    status = models.TextField(choices=Status.choices, default=Status.NOT_STARTED)
    assigned_to = models.ForeignKey(
        "User",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="assigned_stages",
        db_column="assigned_to",
    )
    due_date = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    updated_by = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    completed_by = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["room", "type"], name="stage_unique_room_type")
        ]

    def __str__(self) -> str:
        return self.get_type_display()


class DesignSection(StudioModel):
    """A chapter of a design concept, such as the walls or the furniture."""

    stage = models.ForeignKey("Stage", on_delete=models.CASCADE, related_name="design_sections")
    type = models.TextField()
    content = models.TextField(null=True, blank=True)
    completed = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    updated_by = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    completed_by = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["stage", "type"], name="design_section_unique_stage_type"
            )
        ]

    def __str__(self) -> str:
        return self.type
