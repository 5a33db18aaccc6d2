"""Uploaded files and linked pages, wherever they belong."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.keys import StudioModel


class Asset(StudioModel):
    """A file or a page; ``url`` locates a file unless the type is LINK."""

    class Type(models.TextChoices):
        IMAGE = "IMAGE"
        PDF = "PDF", "PDF"
        DOCUMENT = "DOCUMENT"
        LINK = "LINK"
        RENDER = "RENDER"
        DRAWING = "DRAWING"
        FLOORPLAN_PDF = "FLOORPLAN_PDF", "Floorplan PDF"
        FLOORPLAN_CAD = "FLOORPLAN_CAD", "Floorplan CAD"
        OTHER = "OTHER"

    title = models.TextField()
    filename = models.TextField(null=True, blank=True)
    url = models.TextField()
    type = models.TextField(choices=Type.choices)
    size = models.IntegerField(null=True, blank=True)
    mime_type = models.TextField(null=True, blank=True)
    provider = models.TextField(null=True, blank=True)
    metadata = models.TextField(null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    user_description = models.TextField(null=True, blank=True)
    uploaded_by = models.ForeignKey(
        "User", on_delete=models.RESTRICT, related_name="uploaded_assets", db_column="uploaded_by"
    )
    org_id = models.TextField()
    project = models.ForeignKey(
        "Project", on_delete=models.CASCADE, null=True, blank=True, related_name="assets"
    )
    room = models.ForeignKey(
        "Room", on_delete=models.CASCADE, null=True, blank=True, related_name="assets"
    )
    stage = models.ForeignKey(
        "Stage", on_delete=models.CASCADE, null=True, blank=True, related_name="assets"
    )
    section = models.ForeignKey(
        "DesignSection", on_delete=models.CASCADE, null=True, blank=True, related_name="assets"
    )
    ffe_item = models.ForeignKey(
        "FFEItem", on_delete=models.CASCADE, null=True, blank=True, related_name="assets"
    )
    approval = models.ForeignKey(
        "Approval", on_delete=models.CASCADE, null=True, blank=True, related_name="assets"
    )
    comment_id = models.TextField(null=True, blank=True)
    rendering_version = models.ForeignKey(
        "RenderingVersion", on_delete=models.CASCADE, null=True, blank=True, related_name="assets"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    drawing_checklist_item = models.ForeignKey(
        "DrawingChecklistItem",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="assets",
    )

    def __str__(self) -> str:
        return self.title
