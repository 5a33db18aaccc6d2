"""Who does what in a project."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.choices import TaskStatus
from backupsvc.studio.models.keys import StudioModel


class Task(StudioModel):
    """Something to be done."""

    title = models.TextField()
    description = models.TextField(null=True, blank=True)
    status = models.TextField(choices=TaskStatus.choices, default=TaskStatus.TODO)
    assigned_to = models.TextField(null=True, blank=True)
    project_id = models.TextField(null=True, blank=True)
    room_id = models.TextField(null=True, blank=True)
    stage_id = models.TextField(null=True, blank=True)
    due_date = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.title


class ProjectContractor(StudioModel):
    """A contractor at work on a project."""

    project = models.ForeignKey(
        "Project", on_delete=models.CASCADE, related_name="project_contractors"
    )
    contractor = models.ForeignKey(
        "Contractor", on_delete=models.CASCADE, related_name="project_contractors"
    )
    role = models.TextField(null=True, blank=True)
    start_date = models.DateTimeField(null=True, blank=True)
    end_date = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "contractor"],
                name="project_contractor_unique_project_contractor",
            )
        ]

    def __str__(self) -> str:
        return self.role or f"contractor {self.contractor_id}"
