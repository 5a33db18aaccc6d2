"""Stages, design sections and their steps."""

from django.contrib import admin

from backupsvc.studio.admin.base import StudioAdmin
from backupsvc.studio.models import ChecklistItem, DesignSection, Stage


@admin.register(Stage)
class StageAdmin(StudioAdmin):
    list_display = ("type", "room", "status", "assigned_to", "due_date")
    list_filter = ("type", "status")


@admin.register(DesignSection)
class DesignSectionAdmin(StudioAdmin):
    list_display = ("type", "stage", "completed", "updated_at")
    list_filter = ("completed",)
    search_fields = ("type", "content")


@admin.register(ChecklistItem)
class ChecklistItemAdmin(StudioAdmin):
    list_display = ("title", "section", "completed", "order")
    list_filter = ("completed",)
    search_fields = ("title",)
