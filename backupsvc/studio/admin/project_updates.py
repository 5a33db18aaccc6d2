"""The diary of a project, its files, tasks and issues."""

from django.contrib import admin

from backupsvc.studio.admin.base import RecordAdmin, StudioAdmin
from backupsvc.studio.models import (
    ContractorAssignment,
    Issue,
    IssueComment,
    ProjectContractor,
    ProjectMilestone,
    ProjectUpdate,
    ProjectUpdateActivity,
    ProjectUpdateDocument,
    ProjectUpdateMessage,
    ProjectUpdatePhoto,
    ProjectUpdateTask,
    Task,
)


@admin.register(ProjectUpdate)
class ProjectUpdateAdmin(StudioAdmin):
    list_display = ("__str__", "type", "category", "status", "priority", "created_at")
    list_filter = ("type", "category", "status", "priority")
    search_fields = ("title", "=project_id")


@admin.register(ProjectUpdateTask)
class ProjectUpdateTaskAdmin(StudioAdmin):
    list_display = ("title", "status", "priority", "assignee", "contractor", "due_date")
    list_filter = ("status", "priority")
    search_fields = ("title", "=project_id")


@admin.register(ProjectUpdateMessage)
class ProjectUpdateMessageAdmin(StudioAdmin):
    list_display = ("__str__", "message_type", "priority", "is_urgent", "created_at")
    list_filter = ("message_type", "priority", "is_urgent")
    search_fields = ("content", "=update_id")


@admin.register(ProjectUpdateActivity)
class ProjectUpdateActivityAdmin(RecordAdmin):
    list_display = ("__str__", "action_type", "entity_type", "created_at")
    search_fields = ("=project_id", "=update_id")


@admin.register(ProjectMilestone)
class ProjectMilestoneAdmin(StudioAdmin):
    list_display = ("name", "type", "status", "percentage", "target_date")
    list_filter = ("type", "status")
    search_fields = ("name", "=project_id")


@admin.register(ContractorAssignment)
class ContractorAssignmentAdmin(StudioAdmin):
    list_display = ("role", "contractor_id", "task", "status", "notification_method")
    list_filter = ("status", "notification_method")
    search_fields = ("role", "=contractor_id", "=project_id")


@admin.register(ProjectUpdatePhoto)
class ProjectUpdatePhotoAdmin(StudioAdmin):
    list_display = ("__str__", "room_area", "is_before_photo", "is_after_photo", "taken_at")
    list_filter = ("is_before_photo", "is_after_photo")
    search_fields = ("caption", "=update_id", "=asset_id")


@admin.register(ProjectUpdateDocument)
class ProjectUpdateDocumentAdmin(StudioAdmin):
    list_display = ("__str__", "document_type", "approval_status", "is_current_version")
    list_filter = ("document_type", "approval_status", "is_current_version")
    search_fields = ("=update_id", "=asset_id")


@admin.register(Issue)
class IssueAdmin(StudioAdmin):
    list_display = ("title", "type", "priority", "status", "reported_by", "assigned_to")
    list_filter = ("type", "priority", "status")
    search_fields = ("title",)


@admin.register(IssueComment)
class IssueCommentAdmin(StudioAdmin):
    list_display = ("__str__", "issue", "author", "created_at")
    search_fields = ("content",)


@admin.register(Task)
class TaskAdmin(StudioAdmin):
    list_display = ("title", "status", "assigned_to", "due_date")
    list_filter = ("status",)
    search_fields = ("title", "=assigned_to", "=project_id")


@admin.register(ProjectContractor)
class ProjectContractorAdmin(StudioAdmin):
    list_display = ("project", "contractor", "role", "is_active")
    list_filter = ("is_active",)
