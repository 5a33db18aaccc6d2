"""Mail that was sent, and when it was opened."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.keys import StudioModel


class EmailLog(StudioModel):
    """A mail of any kind."""

    version = models.ForeignKey(
        "ClientApprovalVersion",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="mails",
    )
    to = models.TextField()
    subject = models.TextField()
    html = models.TextField()
    sent_at = models.DateTimeField(default=timezone.now)
    opened_at = models.DateTimeField(null=True, blank=True)
    type = models.TextField()
    metadata = models.JSONField(null=True, blank=True)
    delivery_status = models.TextField(null=True, blank=True, default="PENDING")
    delivery_error = models.TextField(null=True, blank=True)
    provider_id = models.TextField(null=True, blank=True)
    provider = models.TextField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "mail"
        verbose_name_plural = "mail log"

    def __str__(self) -> str:
        return self.subject


class ClientApprovalEmailLog(StudioModel):
    """A mail that asked a client to approve renderings."""

    version = models.ForeignKey(
        "ClientApprovalVersion",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="approval_mails",
    )
    to = models.TextField()
    subject = models.TextField()
    html_content = models.TextField()
    sent_at = models.DateTimeField(default=timezone.now)
    opened_at = models.DateTimeField(null=True, blank=True)
    clicked_at = models.DateTimeField(null=True, blank=True)
    follow_up_sent_at = models.DateTimeField(null=True, blank=True)
    tracking_pixel_id = models.TextField(unique=True)

    class Meta:
        verbose_name = "client approval mail"
        verbose_name_plural = "client approval mail log"

    def __str__(self) -> str:
        return self.subject


class FloorplanApprovalEmailLog(StudioModel):
    """A mail that asked a client to approve a floorplan."""

    version = models.ForeignKey(
        "FloorplanApprovalVersion",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="mails",
    )
    to = models.TextField()
    subject = models.TextField()
    html_content = models.TextField()
    sent_at = models.DateTimeField(default=timezone.now)
    opened_at = models.DateTimeField(null=True, blank=True)
    clicked_at = models.DateTimeField(null=True, blank=True)
    follow_up_sent_at = models.DateTimeField(null=True, blank=True)
    tracking_pixel_id = models.TextField(unique=True)

    class Meta:
        verbose_name = "floorplan approval mail"
        verbose_name_plural = "floorplan approval mail log"

    def __str__(self) -> str:
        return self.subject
