"""A version of renderings on its way to the client's approval."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.choices import Decision, ReviewStatus
from backupsvc.studio.models.keys import StudioModel


class ClientApprovalVersion(StudioModel):
    """A version of renderings as the client gets to see it."""

    stage = models.ForeignKey(
        "Stage", on_delete=models.CASCADE, related_name="client_approval_versions"
    )
    rendering_version = models.OneToOneField(
        "RenderingVersion",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="client_approval_version",
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

    def __str__(self) -> str:
        return f"version {self.version}"
