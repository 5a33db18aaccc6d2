"""Furniture, fixtures and equipment (FFE) as rooms list them."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.keys import StudioModel


class FFEItem(StudioModel):
    """A thing to buy for a room."""

    class Status(models.TextChoices):
        NOT_STARTED = "NOT_STARTED"
        IN_PROGRESS = "IN_PROGRESS"
        SOURCING = "SOURCING"
        PROPOSED = "PROPOSED"
        APPROVED = "APPROVED"
        ORDERED = "ORDERED"
        DELIVERED = "DELIVERED"
        COMPLETED = "COMPLETED"
        NOT_NEEDED = "NOT_NEEDED"

    room = models.ForeignKey("Room", on_delete=models.CASCADE, related_name="ffe_items")
    name = models.TextField()
    status = models.TextField(choices=Status.choices, default=Status.NOT_STARTED)
    supplier_link = models.TextField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)
    price = models.FloatField(null=True, blank=True)
    lead_time = models.TextField(null=True, blank=True)
    category = models.TextField(null=True, blank=True)
    created_by = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    updated_by = models.ForeignKey(
        "User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "FFE item"

    def __str__(self) -> str:
        return self.name


class FFEItemStatus(StudioModel):
    """How far the choice of one library item has come in one room."""

    room = models.ForeignKey("Room", on_delete=models.CASCADE, related_name="ffe_item_statuses")
    item_id = models.TextField()
    state = models.TextField(default="pending")
    selection_type = models.TextField(null=True, blank=True)
    is_custom_expanded = models.BooleanField(default=False)
    sub_item_states = models.JSONField(null=True, blank=True, default=dict)
    custom_options = models.JSONField(null=True, blank=True)
    standard_product = models.JSONField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    created_by = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="+")
    updated_by = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="+")

    class Meta:
        verbose_name = "FFE item status"
        verbose_name_plural = "FFE item statuses"
        constraints = [
            models.UniqueConstraint(
                fields=["room", "item_id"], name="ffe_item_status_unique_room_item_id"
            )
        ]

    def __str__(self) -> str:
        return f"{self.item_id}: {self.state}"
