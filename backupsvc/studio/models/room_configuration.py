"""How rooms are grouped, and what a new one starts with."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.choices import RoomType
from backupsvc.studio.models.keys import StudioModel


class RoomSection(StudioModel):
    """A group of rooms, such as a floor."""

    project = models.ForeignKey("Project", on_delete=models.CASCADE, related_name="room_sections")
    name = models.TextField()
    order = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class RoomPreset(StudioModel):
    """What a new room of a type starts with."""

    room_type = models.TextField(choices=RoomType.choices)
    name = models.TextField()
    description = models.TextField(null=True, blank=True)
    ffe_items = models.TextField()
    sections = models.TextField()
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["room_type", "name"], name="room_preset_unique_room_type_name"
            )
        ]

    def __str__(self) -> str:
        return self.name
