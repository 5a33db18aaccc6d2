"""What a client decided on a version of renderings, and what was shown."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.keys import StudioModel


class ClientApproval(StudioModel):
    """The client's decision on a version."""

    version_id = models.TextField()
    approved_by = models.TextField()
    approved_at = models.DateTimeField(default=timezone.now)
    decision = models.TextField()
    comments = models.TextField(null=True, blank=True)

    def __str__(self) -> str:
        return self.decision


class ClientApprovalActivity(StudioModel):
    """What happened to a version on its way."""

    version = models.ForeignKey(
        "ClientApprovalVersion", on_delete=models.CASCADE, related_name="activities"
    )
    type = models.TextField()
    message = models.TextField()
    user = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    metadata = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "client approval activities"

    def __str__(self) -> str:
        return self.message[:80]


class ClientApprovalAsset(StudioModel):
    """An asset that is part of a version."""

    version = models.ForeignKey(
        "ClientApprovalVersion", on_delete=models.CASCADE, related_name="version_assets"
    )
    asset = models.ForeignKey(
        "Asset", on_delete=models.CASCADE, related_name="client_approval_assets"
    )
    include_in_email = models.BooleanField(default=True)
    display_order = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "asset"], name="client_approval_asset_unique_version_asset"
            )
        ]

    def __str__(self) -> str:
        return f"asset {self.id}"
