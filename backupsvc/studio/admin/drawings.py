"""Renderings, drawings, specification books and plot settings."""

from django.contrib import admin

from backupsvc.studio.admin.base import RecordAdmin, StudioAdmin
from backupsvc.studio.models import (
    CadLayoutCache,
    CadPreferences,
    DrawingChecklistItem,
    DropboxFileLink,
    ProjectCadDefaults,
    RenderingNote,
    RenderingVersion,
    SpecBook,
    SpecBookGeneration,
    SpecBookSection,
)


@admin.register(RenderingVersion)
class RenderingVersionAdmin(StudioAdmin):
    list_display = ("__str__", "room", "stage", "status", "created_by")
    list_filter = ("status",)
    search_fields = ("version", "custom_name")


@admin.register(RenderingNote)
class RenderingNoteAdmin(StudioAdmin):
    list_display = ("__str__", "version", "author", "created_at")
    search_fields = ("content",)


@admin.register(DrawingChecklistItem)
class DrawingChecklistItemAdmin(StudioAdmin):
    list_display = ("name", "type", "completed", "order")
    list_filter = ("type", "completed")
    search_fields = ("name", "=stage_id")


@admin.register(SpecBook)
class SpecBookAdmin(StudioAdmin):
    list_display = ("name", "project", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name",)


@admin.register(SpecBookSection)
class SpecBookSectionAdmin(StudioAdmin):
    list_display = ("name", "spec_book", "type", "room", "is_included")
    list_filter = ("type", "is_included")
    search_fields = ("name",)


@admin.register(SpecBookGeneration)
class SpecBookGenerationAdmin(StudioAdmin):
    list_display = ("__str__", "spec_book", "status", "page_count", "generated_at")
    list_filter = ("status",)
    ordering = ("-generated_at",)


@admin.register(DropboxFileLink)
class DropboxFileLinkAdmin(StudioAdmin):
    list_display = ("file_name", "section", "file_size", "is_active")
    list_filter = ("is_active",)
    search_fields = ("file_name", "dropbox_path")


@admin.register(CadPreferences)
class CadPreferencesAdmin(StudioAdmin):
    list_display = ("linked_file_id", "layout_name", "plot_area", "paper_size")
    search_fields = ("=linked_file_id", "=project_id")


@admin.register(ProjectCadDefaults)
class ProjectCadDefaultsAdmin(StudioAdmin):
    list_display = ("project_id", "layout_name", "plot_area", "paper_size")
    search_fields = ("=project_id",)


@admin.register(CadLayoutCache)
class CadLayoutCacheAdmin(RecordAdmin):
    list_display = ("dropbox_path", "dropbox_revision", "discovered_at", "expires_at")
    search_fields = ("dropbox_path",)
