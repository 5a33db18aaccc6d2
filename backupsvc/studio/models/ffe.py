"""The organisation's own FFE: its library, its settings, its templates."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from backupsvc.studio.models.choices import ItemState
from backupsvc.studio.models.keys import StudioModel


class FFELibraryItem(StudioModel):
    """A kind of thing that rooms can have."""

    org_id = models.TextField()
    item_id = models.TextField()
    name = models.TextField()
    category = models.TextField()
    room_types = ArrayField(models.TextField(blank=True), default=list, blank=True)
    is_required = models.BooleanField(default=False)
    item_type = models.TextField(default="base")
    has_standard_option = models.BooleanField(default=False)
    has_custom_option = models.BooleanField(default=False)
    standard_config = models.JSONField(null=True, blank=True)
    custom_config = models.JSONField(null=True, blank=True)
    depends_on = ArrayField(models.TextField(blank=True), default=list, blank=True)
    show_when = models.JSONField(null=True, blank=True)
    is_standard = models.BooleanField(default=True)
    sub_items = models.JSONField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)
    added_from_project_id = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    created_by_id = models.TextField()
    updated_by_id = models.TextField()

    class Meta:
        verbose_name = "FFE library item"
        constraints = [
            models.UniqueConstraint(
                fields=["org_id", "item_id"], name="ffe_library_item_unique_org_id_item_id"
            )
        ]

    def __str__(self) -> str:
        return self.name


class FFEGeneralSettings(StudioModel):
    """Settings of an organisation's FFE for a type of room."""

    org_id = models.TextField(unique=True)
    room_type = models.TextField()
    settings = models.JSONField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    created_by_id = models.TextField()
    updated_by_id = models.TextField()

    class Meta:
        verbose_name = "FFE general settings"
        verbose_name_plural = "FFE general settings"
        constraints = [
            models.UniqueConstraint(
                fields=["org_id", "room_type"], name="ffe_general_settings_unique_org_id_room_type"
            )
        ]

    def __str__(self) -> str:
        return self.room_type


class FFEBathroomState(StudioModel):
    """The choices made for a bathroom, kept as text by its page."""

    room_id = models.TextField(unique=True)
    category_selections = models.TextField(default="[]")
    item_statuses = models.TextField(default="[]")
    completion_percentage = models.FloatField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    created_by_id = models.TextField()
    updated_by_id = models.TextField()

    class Meta:
        verbose_name = "FFE bathroom state"

    def __str__(self) -> str:
        return f"bathroom {self.room_id}"


class FFETemplate(StudioModel):
    """A list that rooms start from."""

    class Status(models.TextChoices):
        DRAFT = "DRAFT"
        ACTIVE = "ACTIVE"
        ARCHIVED = "ARCHIVED"

    org_id = models.TextField()
    name = models.TextField()
    description = models.TextField(null=True, blank=True)
    status = models.TextField(choices=Status.choices, default=Status.DRAFT)
    is_default = models.BooleanField(default=False)
    version = models.IntegerField(default=1)
    tags = ArrayField(models.TextField(blank=True), default=list, blank=True)
    metadata = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    created_by = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="+")
    updated_by = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="+")

    class Meta:
        verbose_name = "FFE template"
        constraints = [
            models.UniqueConstraint(
                fields=["org_id", "name"], name="ffe_template_unique_org_id_name"
            )
        ]

    def __str__(self) -> str:
        return self.name


class FFETemplateSection(StudioModel):
    """A heading in a template."""

    template = models.ForeignKey("FFETemplate", on_delete=models.CASCADE, related_name="sections")
    name = models.TextField()
    description = models.TextField(null=True, blank=True)
    order = models.IntegerField(default=0)
    is_required = models.BooleanField(default=False)
    is_collapsible = models.BooleanField(default=True)
    icon = models.TextField(null=True, blank=True)
    color = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "FFE template section"

    def __str__(self) -> str:
        return self.name


class FFETemplateItem(StudioModel):
    """A line in a template."""

    section = models.ForeignKey(
        "FFETemplateSection", on_delete=models.CASCADE, related_name="items"
    )
    name = models.TextField()
    description = models.TextField(null=True, blank=True)
    default_state = models.TextField(choices=ItemState.choices, default=ItemState.PENDING)
    is_required = models.BooleanField(default=False)
    order = models.IntegerField(default=0)
    category = models.TextField(null=True, blank=True)
    tags = ArrayField(models.TextField(blank=True), default=list, blank=True)
    estimated_cost = models.DecimalField(max_digits=65, decimal_places=30, null=True, blank=True)
    lead_time_weeks = models.IntegerField(null=True, blank=True)
    supplier_info = models.JSONField(null=True, blank=True)
    custom_fields = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "FFE template item"

    def __str__(self) -> str:
        return self.name
