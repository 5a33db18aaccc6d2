"""The steps of a design section."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.keys import StudioModel


class ChecklistItem(StudioModel):
    """A step to tick off in a design section."""

    section = models.ForeignKey(
        "DesignSection", on_delete=models.CASCADE, related_name="checklist_items"
    )
    title = models.TextField()
    description = models.TextField(null=True, blank=True)
    completed = models.BooleanField(default=False)
    order = models.IntegerField(default=0)
    created_by = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="+")
    completed_by = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.title
