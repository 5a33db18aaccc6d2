"""Hangs the restore pages into Django's admin, in place of its lists and forms."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import include, path

from restore.models import RestoreRun


@admin.register(RestoreRun)
class RestoreRunAdmin(admin.ModelAdmin):
    """Restores are asked for by a page, changed by the work itself, and never edited."""

    def get_urls(self) -> list[Any]:
        # By name: the pages stand above this module.
        return [path("", include("restore.urls"))]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
