"""Photos and documents of project updates."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from backupsvc.studio.models.choices import Decision
from backupsvc.studio.models.keys import StudioModel


class ProjectUpdatePhoto(StudioModel):
    """A photo of the site."""

    update_id = models.TextField()
    asset_id = models.TextField()
    caption = models.TextField(null=True, blank=True)
    gps_coordinates = models.JSONField(null=True, blank=True)
    taken_at = models.DateTimeField(null=True, blank=True)
    before_after_pair_id = models.TextField(unique=True, null=True, blank=True)
    tags = ArrayField(models.TextField(blank=True), default=list, blank=True)
    room_area = models.TextField(null=True, blank=True)
    trade_category = models.TextField(null=True, blank=True)
    is_before_photo = models.BooleanField(default=False)
    is_after_photo = models.BooleanField(default=False)
    annotations_data = models.JSONField(null=True, blank=True)
    ai_analysis = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.caption or f"photo {self.id}"


class ProjectUpdateDocument(StudioModel):
    """A document of the site, such as a permit."""

    class DocumentType(models.TextChoices):
        PLAN = "PLAN"
        SPECIFICATION = "SPECIFICATION"
        CHANGE_ORDER = "CHANGE_ORDER"
        PERMIT = "PERMIT"
        INSPECTION_REPORT = "INSPECTION_REPORT"
        PHOTO = "PHOTO"
        VIDEO = "VIDEO"
        OTHER = "OTHER"

    update_id = models.TextField()
    asset_id = models.TextField()
    document_type = models.TextField(choices=DocumentType.choices, default=DocumentType.OTHER)
    version = models.TextField()
    is_current_version = models.BooleanField(default=True)
    changes_from_previous = models.TextField(null=True, blank=True)
    approval_status = models.TextField(choices=Decision.choices, default=Decision.PENDING)
    approved_by_id = models.TextField(null=True, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    distribution_list = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.get_document_type_display()} {self.version}"
