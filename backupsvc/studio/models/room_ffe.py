"""A template at work in a room, and the sections it may draw from."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from backupsvc.studio.models.choices import ItemState, RoomType
from backupsvc.studio.models.keys import StudioModel


class RoomFFEInstance(StudioModel):
    """A template put to work in a room; a room has one."""

    class Status(models.TextChoices):
        NOT_STARTED = "NOT_STARTED"
        IN_PROGRESS = "IN_PROGRESS"
        COMPLETED = "COMPLETED"

    room = models.OneToOneField("Room", on_delete=models.CASCADE, related_name="ffe_instance")
    template = models.ForeignKey(
        "FFETemplate", on_delete=models.SET_NULL, null=True, blank=True, related_name="instances"
    )
    name = models.TextField()
    status = models.TextField(choices=Status.choices, default=Status.NOT_STARTED)
    progress = models.DecimalField(max_digits=65, decimal_places=30, default=0)
    estimated_budget = models.DecimalField(max_digits=65, decimal_places=30, null=True, blank=True)
    actual_budget = models.DecimalField(max_digits=65, decimal_places=30, null=True, blank=True)
    target_completion_date = models.DateTimeField(null=True, blank=True)
    actual_completion_date = models.DateTimeField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)
    metadata = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    created_by = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="+")
    updated_by = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="+")

    class Meta:
        verbose_name = "room FFE instance"

    def __str__(self) -> str:
        return self.name


class RoomFFESection(StudioModel):
    """A heading in a room's list."""

    instance = models.ForeignKey(
        "RoomFFEInstance", on_delete=models.CASCADE, related_name="sections"
    )
    template_section_id = models.TextField(null=True, blank=True)
    name = models.TextField()
    description = models.TextField(null=True, blank=True)
    order = models.IntegerField(default=0)
    is_expanded = models.BooleanField(default=True)
    is_completed = models.BooleanField(default=False)
    completed_at = models.DateTimeField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "room FFE section"

    def __str__(self) -> str:
        return self.name


class RoomFFEItem(StudioModel):
    """A line in a room's list."""

    class Visibility(models.TextChoices):
        VISIBLE = "VISIBLE"
        HIDDEN = "HIDDEN"

    section = models.ForeignKey("RoomFFESection", on_delete=models.CASCADE, related_name="items")
    template_item = models.ForeignKey(
        "FFETemplateItem",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="room_items",
    )
    name = models.TextField()
    description = models.TextField(null=True, blank=True)
    state = models.TextField(choices=ItemState.choices, default=ItemState.PENDING)
    visibility = models.TextField(choices=Visibility.choices, default=Visibility.HIDDEN)
    is_required = models.BooleanField(default=False)
    is_custom = models.BooleanField(default=False)
    order = models.IntegerField(default=0)
    quantity = models.IntegerField(default=1)
    unit_cost = models.DecimalField(max_digits=65, decimal_places=30, null=True, blank=True)
    total_cost = models.DecimalField(max_digits=65, decimal_places=30, null=True, blank=True)
    supplier_name = models.TextField(null=True, blank=True)
    supplier_link = models.TextField(null=True, blank=True)
    model_number = models.TextField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    completed_by_id = models.TextField(null=True, blank=True)
    attachments = models.JSONField(null=True, blank=True)
    custom_fields = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    created_by_id = models.TextField()
    updated_by_id = models.TextField()

    class Meta:
        verbose_name = "room FFE item"

    def __str__(self) -> str:
        return self.name


class FFESectionLibrary(StudioModel):
    """A heading that templates can take over."""

    name = models.TextField(unique=True)
    description = models.TextField(null=True, blank=True)
    icon = models.TextField(null=True, blank=True)
    color = models.TextField(null=True, blank=True)
    default_order = models.IntegerField(default=0)
    applicable_room_types = ArrayField(
        models.TextField(choices=RoomType.choices), default=list, blank=True
    )
    is_global = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "FFE library section"
        verbose_name_plural = "FFE section library"

    def __str__(self) -> str:
        return self.name
