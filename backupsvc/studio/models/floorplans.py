"""Floorplans on their way to the client's approval."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.choices import Decision, ReviewStatus
from backupsvc.studio.models.keys import StudioModel


class FloorplanApprovalActivity(StudioModel):
    """What happened to a floorplan on its way."""

    version = models.ForeignKey(
        "FloorplanApprovalVersion", on_delete=models.CASCADE, related_name="activities"
    )
    type = models.TextField()
    message = models.TextField()
    user = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    metadata = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "floorplan approval activities"

    def __str__(self) -> str:
        return self.message[:80]


class FloorplanApprovalAsset(StudioModel):
    """An asset that is part of a floorplan version."""

    version = models.ForeignKey(
        "FloorplanApprovalVersion", on_delete=models.CASCADE, related_name="version_assets"
    )
    asset = models.ForeignKey(
        "Asset", on_delete=models.CASCADE, related_name="floorplan_approval_assets"
    )
    include_in_email = models.BooleanField(default=True)
    display_order = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "asset"], name="floorplan_approval_asset_unique_version_asset"
            )
        ]

    def __str__(self) -> str:
        return f"asset {self.id}"


class FloorplanApprovalVersion(StudioModel):
    """A version of a project's floorplan."""

    project = models.ForeignKey(
        "Project", on_delete=models.CASCADE, related_name="floorplan_versions"
    )
    version = models.TextField()
    status = models.TextField(choices=ReviewStatus.choices, default=ReviewStatus.DRAFT)
    approved_internally = models.BooleanField(default=False)
    internally_approved_at = models.DateTimeField(null=True, blank=True)
    internally_approved_by = models.ForeignKey(
        "User",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_column="internally_approved_by",
    )
    sent_to_client_at = models.DateTimeField(null=True, blank=True)
    sent_by = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    email_opened_at = models.DateTimeField(null=True, blank=True)
    follow_up_completed_at = models.DateTimeField(null=True, blank=True)
    follow_up_notes = models.TextField(null=True, blank=True)
    client_decision = models.TextField(
        choices=Decision.choices, null=True, blank=True, default=Decision.PENDING
    )
    client_decided_at = models.DateTimeField(null=True, blank=True)
    client_message = models.TextField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)
    follow_up_sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "version"],
                name="floorplan_approval_version_unique_project_version",
            )
        ]

    def __str__(self) -> str:
        return f"floorplan {self.version}"
