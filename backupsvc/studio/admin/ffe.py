"""Furniture, fixtures and equipment: what rooms list, the library, templates."""

from django.contrib import admin

from backupsvc.studio.admin.base import StudioAdmin
from backupsvc.studio.models import (
    FFEBathroomState,
    FFEGeneralSettings,
    FFEItem,
    FFEItemStatus,
    FFELibraryItem,
    FFESectionLibrary,
    FFETemplate,
    FFETemplateItem,
    FFETemplateSection,
    RoomFFEInstance,
    RoomFFEItem,
    RoomFFESection,
)


@admin.register(FFEItem)
class FFEItemAdmin(StudioAdmin):
    list_display = ("name", "room", "status", "category", "price")
    list_filter = ("status",)
    search_fields = ("name", "category")


@admin.register(FFEItemStatus)
class FFEItemStatusAdmin(StudioAdmin):
    list_display = ("item_id", "room", "state", "selection_type", "confirmed_at")
    search_fields = ("item_id",)


@admin.register(FFELibraryItem)
class FFELibraryItemAdmin(StudioAdmin):
    list_display = ("name", "category", "item_id", "item_type", "is_required", "is_standard")
    list_filter = ("is_required", "is_standard")
    search_fields = ("name", "category", "item_id")


@admin.register(FFEGeneralSettings)
class FFEGeneralSettingsAdmin(StudioAdmin):
    list_display = ("room_type", "org_id", "updated_at")


@admin.register(FFEBathroomState)
class FFEBathroomStateAdmin(StudioAdmin):
    list_display = ("room_id", "completion_percentage", "updated_at")
    search_fields = ("=room_id",)


@admin.register(FFETemplate)
class FFETemplateAdmin(StudioAdmin):
    list_display = ("name", "status", "is_default", "version")
    list_filter = ("status", "is_default")
    search_fields = ("name",)


@admin.register(FFETemplateSection)
class FFETemplateSectionAdmin(StudioAdmin):
    list_display = ("name", "template", "order", "is_required")
    list_filter = ("is_required",)
    search_fields = ("name",)


@admin.register(FFETemplateItem)
class FFETemplateItemAdmin(StudioAdmin):
    list_display = ("name", "section", "default_state", "is_required", "estimated_cost")
    list_filter = ("default_state", "is_required")
    search_fields = ("name", "category")


@admin.register(RoomFFEInstance)
class RoomFFEInstanceAdmin(StudioAdmin):
    list_display = ("name", "room", "template", "status", "target_completion_date")
    list_filter = ("status",)
    search_fields = ("name",)


@admin.register(RoomFFESection)
class RoomFFESectionAdmin(StudioAdmin):
    list_display = ("name", "instance", "order", "is_completed")
    list_filter = ("is_completed",)
    search_fields = ("name",)


@admin.register(RoomFFEItem)
class RoomFFEItemAdmin(StudioAdmin):
    list_display = ("name", "section", "state", "visibility", "quantity", "supplier_name")
    list_filter = ("state", "visibility")
    search_fields = ("name", "supplier_name", "model_number")


@admin.register(FFESectionLibrary)
class FFESectionLibraryAdmin(StudioAdmin):
    list_display = ("name", "default_order", "is_global")
    list_filter = ("is_global",)
    search_fields = ("name",)
