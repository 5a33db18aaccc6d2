"""The diary of a project under construction: updates, tasks, messages, milestones."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from backupsvc.studio.models.choices import Priority, TaskStatus
from backupsvc.studio.models.keys import StudioModel


class ProjectUpdate(StudioModel):
    """An entry in a project's diary; it may answer an earlier one."""

    class Type(models.TextChoices):
        GENERAL = "GENERAL"
        PHOTO = "PHOTO"
        TASK = "TASK"
        DOCUMENT = "DOCUMENT"
        COMMUNICATION = "COMMUNICATION"
        MILESTONE = "MILESTONE"
        INSPECTION = "INSPECTION"
        ISSUE = "ISSUE"

    class Category(models.TextChoices):
        GENERAL = "GENERAL"
        PROGRESS = "PROGRESS"
        QUALITY = "QUALITY"
        SAFETY = "SAFETY"
        BUDGET = "BUDGET"
        SCHEDULE = "SCHEDULE"
        COMMUNICATION = "COMMUNICATION"
        APPROVAL = "APPROVAL"

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE"
        COMPLETED = "COMPLETED"
        CANCELLED = "CANCELLED"
        ON_HOLD = "ON_HOLD"
        REQUIRES_ATTENTION = "REQUIRES_ATTENTION"

    project_id = models.TextField()
    room_id = models.TextField(null=True, blank=True)
    author_id = models.TextField()
    type = models.TextField(choices=Type.choices, default=Type.GENERAL)
    category = models.TextField(choices=Category.choices, default=Category.GENERAL)
    status = models.TextField(choices=Status.choices, default=Status.ACTIVE)
    priority = models.TextField(choices=Priority.choices, default=Priority.MEDIUM)
    title = models.TextField(null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    location = models.TextField(null=True, blank=True)
    gps_coordinates = models.JSONField(null=True, blank=True)
    metadata = models.JSONField(null=True, blank=True)
    due_date = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    completed_by_id = models.TextField(null=True, blank=True)
    estimated_cost = models.DecimalField(max_digits=65, decimal_places=30, null=True, blank=True)
    actual_cost = models.DecimalField(max_digits=65, decimal_places=30, null=True, blank=True)
    time_estimated = models.IntegerField(null=True, blank=True)
    time_logged = models.IntegerField(null=True, blank=True)
    parent_update_id = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.title or self.get_type_display()


class ProjectUpdateTask(StudioModel):
    """Work that follows from an update."""

    update = models.ForeignKey(
        "ProjectUpdate", on_delete=models.SET_NULL, null=True, blank=True, related_name="tasks"
    )
    project_id = models.TextField()
    room = models.ForeignKey(
        "Room", on_delete=models.SET_NULL, null=True, blank=True, related_name="update_tasks"
    )
    title = models.TextField()
    description = models.TextField(null=True, blank=True)
    status = models.TextField(choices=TaskStatus.choices, default=TaskStatus.TODO)
    priority = models.TextField(choices=Priority.choices, default=Priority.MEDIUM)
    assignee = models.ForeignKey(
        "User",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="assigned_update_tasks",
    )
    contractor = models.ForeignKey(
        "Contractor", on_delete=models.SET_NULL, null=True, blank=True, related_name="update_tasks"
    )
    trade_type = models.TextField(null=True, blank=True)
    estimated_hours = models.DecimalField(max_digits=65, decimal_places=30, null=True, blank=True)
    actual_hours = models.DecimalField(max_digits=65, decimal_places=30, null=True, blank=True)
    estimated_cost = models.DecimalField(max_digits=65, decimal_places=30, null=True, blank=True)
    actual_cost = models.DecimalField(max_digits=65, decimal_places=30, null=True, blank=True)
    materials = models.JSONField(null=True, blank=True)
    dependencies = ArrayField(models.TextField(blank=True), default=list, blank=True)
    due_date = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.title


class ProjectUpdateMessage(StudioModel):
    """A message under an update."""

    class MessageType(models.TextChoices):
        MESSAGE = "MESSAGE"
        SYSTEM = "SYSTEM"
        NOTIFICATION = "NOTIFICATION"
        URGENT = "URGENT"
        REMINDER = "REMINDER"

    update_id = models.TextField()
    task = models.ForeignKey(
        "ProjectUpdateTask",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="messages",
    )
    author_id = models.TextField()
    content = models.TextField()
    message_type = models.TextField(choices=MessageType.choices, default=MessageType.MESSAGE)
    priority = models.TextField(choices=Priority.choices, default=Priority.NORMAL)
    parent_message_id = models.TextField(null=True, blank=True)
    mentions = ArrayField(models.TextField(blank=True), default=list, blank=True)
    attachments = models.JSONField(null=True, blank=True)
    read_by = models.JSONField(null=True, blank=True)
    reactions = models.JSONField(null=True, blank=True)
    is_urgent = models.BooleanField(default=False)
    scheduled_for = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.content[:80]


class ProjectUpdateActivity(StudioModel):
    """What happened to an update and its parts."""

    update_id = models.TextField(null=True, blank=True)
    project_id = models.TextField()
    actor_id = models.TextField(null=True, blank=True)
    action_type = models.TextField()
    entity_type = models.TextField()
    entity_id = models.TextField()
    description = models.TextField()
    metadata = models.JSONField(null=True, blank=True)
    ip_address = models.TextField(null=True, blank=True)
    user_agent = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "project update activities"

    def __str__(self) -> str:
        return self.description[:80]


class ProjectMilestone(StudioModel):
    """A date that the project is measured by."""

    class Type(models.TextChoices):
        CUSTOM = "CUSTOM"
        PHASE_COMPLETION = "PHASE_COMPLETION"
        CLIENT_APPROVAL = "CLIENT_APPROVAL"
        INSPECTION = "INSPECTION"
        DELIVERY = "DELIVERY"
        PAYMENT = "PAYMENT"

    class Status(models.TextChoices):
        PENDING = "PENDING"
        IN_PROGRESS = "IN_PROGRESS"
        COMPLETED = "COMPLETED"
        CANCELLED = "CANCELLED"
        OVERDUE = "OVERDUE"

    project_id = models.TextField()
    update_id = models.TextField(null=True, blank=True)
    name = models.TextField()
    description = models.TextField(null=True, blank=True)
    type = models.TextField(choices=Type.choices, default=Type.CUSTOM)
    status = models.TextField(choices=Status.choices, default=Status.PENDING)
    percentage = models.DecimalField(max_digits=65, decimal_places=30, default=0)
    target_date = models.DateTimeField(null=True, blank=True)
    actual_date = models.DateTimeField(null=True, blank=True)
    dependencies = ArrayField(models.TextField(blank=True), default=list, blank=True)
    celebrate_with_client = models.BooleanField(default=False)
    auto_generate_report = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class ContractorAssignment(StudioModel):
    """A contractor told to do something."""

    class Status(models.TextChoices):
        ASSIGNED = "ASSIGNED"
        ACKNOWLEDGED = "ACKNOWLEDGED"
        IN_PROGRESS = "IN_PROGRESS"
        COMPLETED = "COMPLETED"
        CANCELLED = "CANCELLED"
        OVERDUE = "OVERDUE"

    class NotificationMethod(models.TextChoices):
        EMAIL = "EMAIL"
        SMS = "SMS", "SMS"
        PUSH = "PUSH"
        IN_APP = "IN_APP", "In the application"

    project_id = models.TextField()
    contractor_id = models.TextField()
    update_id = models.TextField(null=True, blank=True)
    task = models.ForeignKey(
        "ProjectUpdateTask",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="assignments",
    )
    role = models.TextField()
    status = models.TextField(choices=Status.choices, default=Status.ASSIGNED)
    notification_method = models.TextField(
        choices=NotificationMethod.choices, default=NotificationMethod.EMAIL
    )
    last_notified_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.role}: {self.get_status_display()}"
