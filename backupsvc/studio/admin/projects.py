"""Projects and rooms."""

from django.contrib import admin

from backupsvc.studio.admin.base import StudioAdmin
from backupsvc.studio.models import Project, Room


@admin.register(Project)
class ProjectAdmin(StudioAdmin):
    list_display = ("name", "client", "type", "status", "due_date", "org")
    list_filter = ("type", "status")
    search_fields = ("name", "city")


@admin.register(Room)
class RoomAdmin(StudioAdmin):
    list_display = ("__str__", "project", "type", "status", "order")
    list_filter = ("status", "type")
    search_fields = ("name", "type", "=id")
