"""Asking for a decision, talking about it, and letting a client in."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.choices import Decision
from backupsvc.studio.models.keys import StudioModel, make_token


class Approval(StudioModel):
    """A request for a decision, answered by whoever holds the token."""

    project = models.ForeignKey(
        "Project", on_delete=models.CASCADE, null=True, blank=True, related_name="approvals"
    )
    room = models.ForeignKey(
        "Room", on_delete=models.CASCADE, null=True, blank=True, related_name="approvals"
    )
    token = models.TextField(unique=True, default=make_token, editable=False)
    status = models.TextField(choices=Decision.choices, default=Decision.PENDING)
    sent_by = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_by = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    sent_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    message = models.TextField(null=True, blank=True)
    revision_reason = models.TextField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"approval {self.id}: {self.get_status_display()}"


class Comment(StudioModel):
    """A remark on a project or any part of one."""

    content = models.TextField()
    author = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="comments")
    project = models.ForeignKey(
        "Project", on_delete=models.CASCADE, null=True, blank=True, related_name="comments"
    )
    room = models.ForeignKey(
        "Room", on_delete=models.CASCADE, null=True, blank=True, related_name="comments"
    )
    stage = models.ForeignKey(
        "Stage", on_delete=models.CASCADE, null=True, blank=True, related_name="comments"
    )
    section = models.ForeignKey(
        "DesignSection", on_delete=models.CASCADE, null=True, blank=True, related_name="comments"
    )
    ffe_item = models.ForeignKey(
        "FFEItem", on_delete=models.CASCADE, null=True, blank=True, related_name="comments"
    )
    approval = models.ForeignKey(
        "Approval", on_delete=models.CASCADE, null=True, blank=True, related_name="comments"
    )
    mentions = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.content[:80]


class ClientAccessToken(StudioModel):
    """A link that lets a client look at a project."""

    project = models.ForeignKey(
        "Project", on_delete=models.CASCADE, related_name="client_access_tokens"
    )
    token = models.TextField(unique=True, default=make_token, editable=False)
    name = models.TextField(null=True, blank=True)
    specs_url = models.TextField(null=True, blank=True)
    active = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    last_accessed_at = models.DateTimeField(null=True, blank=True)
    access_count = models.IntegerField(default=0)
    last_accessed_ip = models.TextField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name or f"client link {self.id}"
