"""Projects and the rooms in them."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.choices import RoomType
from backupsvc.studio.models.keys import StudioModel


class Project(StudioModel):
    """A commission of a client."""

    class Type(models.TextChoices):
        RESIDENTIAL = "RESIDENTIAL"
        COMMERCIAL = "COMMERCIAL"
        HOSPITALITY = "HOSPITALITY"

    class Status(models.TextChoices):
        DRAFT = "DRAFT"
        IN_PROGRESS = "IN_PROGRESS"
        PENDING_APPROVAL = "PENDING_APPROVAL"
        APPROVED = "APPROVED"
        COMPLETED = "COMPLETED"

    name = models.TextField()
    description = models.TextField(null=True, blank=True)
    type = models.TextField(choices=Type.choices, default=Type.RESIDENTIAL)
    status = models.TextField(choices=Status.choices, default=Status.DRAFT)
    client = models.ForeignKey("Client", on_delete=models.RESTRICT, related_name="projects")
    due_date = models.DateTimeField(null=True, blank=True)
    budget = models.FloatField(null=True, blank=True)
    dropbox_folder = models.TextField(null=True, blank=True)
    org = models.ForeignKey("Organization", on_delete=models.CASCADE, related_name="projects")
    created_by = models.ForeignKey(
        "User", on_delete=models.RESTRICT, related_name="created_projects"
    )
    updated_by = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    cover_images = models.JSONField(null=True, blank=True)
    address = models.TextField(null=True, blank=True)
    street_address = models.TextField(null=True, blank=True)
    city = models.TextField(null=True, blank=True)
    postal_code = models.TextField(null=True, blank=True)
    has_floorplan_approval = models.BooleanField(default=False)
    has_spec_book = models.BooleanField(default=False)
    has_project_updates = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name


class Room(StudioModel):
    """A room of a project."""

    class Status(models.TextChoices):
        NOT_STARTED = "NOT_STARTED"
        IN_PROGRESS = "IN_PROGRESS"
        ON_HOLD = "ON_HOLD"
        COMPLETED = "COMPLETED"
        NEEDS_ATTENTION = "NEEDS_ATTENTION"

    project = models.ForeignKey("Project", on_delete=models.CASCADE, related_name="rooms")
    section = models.ForeignKey(
        "RoomSection", on_delete=models.SET_NULL, null=True, blank=True, related_name="rooms"
    )
    type = models.TextField(choices=RoomType.choices)
    name = models.TextField(null=True, blank=True)
    order = models.IntegerField(default=0)
    status = models.TextField(choices=Status.choices, default=Status.NOT_STARTED)
    current_stage = models.TextField(null=True, blank=True)
    progress_ffe = models.IntegerField(default=0)
    created_by = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    updated_by = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name or self.get_type_display()
