"""Approvals of every kind. The tokens that open them are shown nowhere."""

from django.contrib import admin

from backupsvc.studio.admin.base import RecordAdmin, StudioAdmin
from backupsvc.studio.models import (
    Approval,
    ClientAccessToken,
    ClientApproval,
    ClientApprovalActivity,
    ClientApprovalAsset,
    ClientApprovalVersion,
    FloorplanApprovalActivity,
    FloorplanApprovalAsset,
    FloorplanApprovalVersion,
)


@admin.register(Approval)
class ApprovalAdmin(StudioAdmin):
    list_display = ("__str__", "project", "status", "sent_by", "sent_at", "decided_at")
    list_filter = ("status",)


@admin.register(ClientAccessToken)
class ClientAccessTokenAdmin(StudioAdmin):
    list_display = ("__str__", "project", "active", "expires_at", "access_count")
    list_filter = ("active",)
    search_fields = ("name",)


@admin.register(ClientApproval)
class ClientApprovalAdmin(StudioAdmin):
    list_display = ("decision", "approved_by", "approved_at")
    search_fields = ("approved_by", "=version_id")


class VersionAdmin(StudioAdmin):
    list_filter = ("status", "client_decision", "approved_internally")
    search_fields = ("=id", "version")


@admin.register(ClientApprovalVersion)
class ClientApprovalVersionAdmin(VersionAdmin):
    list_display = ("__str__", "stage", "status", "client_decision", "sent_to_client_at")


@admin.register(FloorplanApprovalVersion)
class FloorplanApprovalVersionAdmin(VersionAdmin):
    list_display = ("__str__", "project", "status", "client_decision", "sent_to_client_at")


class VersionActivityAdmin(RecordAdmin):
    list_display = ("__str__", "type", "version", "user", "created_at")
    search_fields = ("message", "type")


class VersionAssetAdmin(StudioAdmin):
    list_display = ("id", "version", "asset", "include_in_email", "display_order")
    list_filter = ("include_in_email",)


admin.site.register([ClientApprovalActivity, FloorplanApprovalActivity], VersionActivityAdmin)
admin.site.register([ClientApprovalAsset, FloorplanApprovalAsset], VersionAssetAdmin)
