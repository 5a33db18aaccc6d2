"""Logs: who did what, and who looked at what.

Most name what they are about by id alone, so that an entry outlives its subject.
"""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.keys import StudioModel


class ActivityLog(StudioModel):
    """What somebody did, anywhere in the application."""

    actor = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    action = models.TextField()
    entity = models.TextField()
    entity_id = models.TextField()
    details = models.JSONField(null=True, blank=True)
    ip_address = models.TextField(null=True, blank=True)
    org_id = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "activity log entry"
        verbose_name_plural = "activity log"

    def __str__(self) -> str:
        return f"{self.action} {self.entity}"


class Activity(StudioModel):
    """What happened in a stage, as its page shows it."""

    stage_id = models.TextField()
    type = models.TextField()
    message = models.TextField()
    user = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="activities"
    )
    timestamp = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "activities"

    def __str__(self) -> str:
        return self.message[:80]


class ClientAccessLog(StudioModel):
    """A visit to the client portal."""

    token = models.ForeignKey("ClientAccessToken", on_delete=models.CASCADE, related_name="visits")
    ip_address = models.TextField(null=True, blank=True)
    user_agent = models.TextField(null=True, blank=True)
    action = models.TextField()
    metadata = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "client access"
        verbose_name_plural = "client access log"

    def __str__(self) -> str:
        return self.action


class PhaseAccessLog(StudioModel):
    """A visit by somebody who holds a phase's link."""

    token_id = models.TextField()
    ip_address = models.TextField(null=True, blank=True)
    user_agent = models.TextField(null=True, blank=True)
    action = models.TextField()
    metadata = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "phase access"
        verbose_name_plural = "phase access log"

    def __str__(self) -> str:
        return self.action


class FFEAuditLog(StudioModel):
    """A change to an item of a room, with both values."""

    room_id = models.TextField()
    item_id = models.TextField()
    action = models.TextField()
    old_value = models.TextField(null=True, blank=True)
    new_value = models.TextField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)
    user_id = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "FFE audit log entry"
        verbose_name_plural = "FFE audit log"

    def __str__(self) -> str:
        return self.action


class FFEChangeLog(StudioModel):
    """A change to any part of the FFE system."""

    entity_type = models.TextField()
    entity_id = models.TextField()
    action = models.TextField()
    field_name = models.TextField(null=True, blank=True)
    old_value = models.TextField(null=True, blank=True)
    new_value = models.TextField(null=True, blank=True)
    user_id = models.TextField()
    org_id = models.TextField()
    room_id = models.TextField(null=True, blank=True)
    instance_id = models.TextField(null=True, blank=True)
    metadata = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "FFE change log entry"
        verbose_name_plural = "FFE change log"

    def __str__(self) -> str:
        return f"{self.action} {self.entity_type}"
