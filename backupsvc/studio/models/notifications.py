"""What people were told inside the application, and which notices went out."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.keys import StudioModel


class Notification(StudioModel):
    """A notice in somebody's inbox."""

    class Type(models.TextChoices):
        STAGE_ASSIGNED = "STAGE_ASSIGNED"
        STAGE_COMPLETED = "STAGE_COMPLETED"
        MENTION = "MENTION"
        CHAT_MESSAGE = "CHAT_MESSAGE"
        DUE_DATE_REMINDER = "DUE_DATE_REMINDER"
        PROJECT_UPDATE = "PROJECT_UPDATE"

    user_id = models.TextField()
    type = models.TextField(choices=Type.choices)
    title = models.TextField()
    message = models.TextField()
    read = models.BooleanField(default=False)
    related_id = models.TextField(null=True, blank=True)
    related_type = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.title


class NotificationSend(StudioModel):
    """Proof that a notice went out, so that nobody is told twice."""

    event_type = models.TextField()
    stage_id = models.TextField()
    recipient_user_id = models.TextField()
    actor_user_id = models.TextField()
    message_id = models.TextField(null=True, blank=True)
    status = models.TextField(default="SENT")
    error_message = models.TextField(null=True, blank=True)
    custom_message = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "sent notification"
        constraints = [
            models.UniqueConstraint(
                fields=["event_type", "stage_id", "recipient_user_id"],
                name="notification_send_unique_event_type_stage_id_recipient_user_id",
            )
        ]

    def __str__(self) -> str:
        return f"{self.event_type}: {self.status}"
