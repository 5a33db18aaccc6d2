"""Assets, what hangs on them, and comments."""

from django.contrib import admin

from backupsvc.studio.admin.base import StudioAdmin
from backupsvc.studio.models import (
    Asset,
    AssetPin,
    AssetTag,
    Comment,
    CommentLike,
    CommentPin,
    CommentTag,
    Tag,
)


@admin.register(Asset)
class AssetAdmin(StudioAdmin):
    list_display = ("title", "type", "project", "uploaded_by", "size", "created_at")
    list_filter = ("type",)
    search_fields = ("title", "filename")


@admin.register(Comment)
class CommentAdmin(StudioAdmin):
    list_display = ("__str__", "author", "project", "created_at")
    search_fields = ("content",)


@admin.register(Tag)
class TagAdmin(StudioAdmin):
    list_display = ("name", "type", "color", "org")
    list_filter = ("type",)
    search_fields = ("name",)


@admin.register(AssetTag)
class AssetTagAdmin(StudioAdmin):
    list_display = ("id", "asset", "tag", "user", "created_at")


@admin.register(CommentTag)
class CommentTagAdmin(StudioAdmin):
    list_display = ("id", "comment", "tag", "user", "created_at")


@admin.register(AssetPin)
class AssetPinAdmin(StudioAdmin):
    list_display = ("id", "asset", "user", "created_at")


@admin.register(CommentPin)
class CommentPinAdmin(StudioAdmin):
    list_display = ("id", "comment", "user", "created_at")


@admin.register(CommentLike)
class CommentLikeAdmin(StudioAdmin):
    list_display = ("id", "comment", "user", "created_at")
