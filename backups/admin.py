"""Hangs the backup pages into Django's admin, in place of its lists and forms."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import include, path

from backups.models import BackupRun


@admin.register(BackupRun)
class BackupRunAdmin(admin.ModelAdmin):
    """Runs are made by buttons, changed by the work itself, and shown by pages of their own."""

    def get_urls(self) -> list[Any]:
        # By name: the pages stand above this module.
        return [path("", include("backups.urls"))]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
