"""Groups of rooms and presets."""

from django.contrib import admin

from backupsvc.studio.admin.base import StudioAdmin
from backupsvc.studio.models import RoomPreset, RoomSection


@admin.register(RoomSection)
class RoomSectionAdmin(StudioAdmin):
    list_display = ("name", "project", "order")
    search_fields = ("name",)


@admin.register(RoomPreset)
class RoomPresetAdmin(StudioAdmin):
    list_display = ("name", "room_type", "is_default")
    list_filter = ("room_type", "is_default")
    search_fields = ("name",)
