"""Problems and wishes that people report about the work or the application."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.keys import StudioModel


class Issue(StudioModel):
    """Something reported."""

    class Type(models.TextChoices):
        BUG = "BUG"
        FEATURE_REQUEST = "FEATURE_REQUEST"
        UPDATE_REQUEST = "UPDATE_REQUEST"
        GENERAL = "GENERAL"

    class Priority(models.TextChoices):
        LOW = "LOW"
        MEDIUM = "MEDIUM"
        HIGH = "HIGH"
        URGENT = "URGENT"

    class Status(models.TextChoices):
        OPEN = "OPEN"
        IN_PROGRESS = "IN_PROGRESS"
        RESOLVED = "RESOLVED"
        CLOSED = "CLOSED"

    title = models.TextField()
    description = models.TextField()
    type = models.TextField(choices=Type.choices, default=Type.GENERAL)
    priority = models.TextField(choices=Priority.choices, default=Priority.MEDIUM)
    status = models.TextField(choices=Status.choices, default=Status.OPEN)
    reported_by = models.ForeignKey(
        "User", on_delete=models.RESTRICT, related_name="reported_issues", db_column="reported_by"
    )
    assigned_to = models.ForeignKey(
        "User",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="assigned_issues",
        db_column="assigned_to",
    )
    resolved_by = models.ForeignKey(
        "User",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_column="resolved_by",
    )
    org_id = models.TextField(null=True, blank=True)
    project = models.ForeignKey(
        "Project", on_delete=models.CASCADE, null=True, blank=True, related_name="issues"
    )
    room = models.ForeignKey(
        "Room", on_delete=models.CASCADE, null=True, blank=True, related_name="issues"
    )
    stage = models.ForeignKey(
        "Stage", on_delete=models.CASCADE, null=True, blank=True, related_name="issues"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    metadata = models.JSONField(null=True, blank=True)

    def __str__(self) -> str:
        return self.title


class IssueComment(StudioModel):
    """A remark on an issue."""

    issue = models.ForeignKey("Issue", on_delete=models.CASCADE, related_name="comments")
    content = models.TextField()
    author = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="issue_comments")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.content[:80]
