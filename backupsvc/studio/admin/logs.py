"""Logs of what happened, and mail that went out. Nobody writes into them by hand."""

from django.contrib import admin

from backupsvc.studio.admin.base import RecordAdmin
from backupsvc.studio.models import (
    Activity,
    ActivityLog,
    ClientAccessLog,
    ClientApprovalEmailLog,
    EmailLog,
    FFEAuditLog,
    FFEChangeLog,
    FloorplanApprovalEmailLog,
    PhaseAccessLog,
)


@admin.register(ActivityLog)
class ActivityLogAdmin(RecordAdmin):
    list_display = ("action", "entity", "entity_id", "actor", "ip_address", "created_at")
    search_fields = ("=entity_id", "action", "entity")


@admin.register(Activity)
class ActivityAdmin(RecordAdmin):
    list_display = ("__str__", "type", "user", "timestamp")
    ordering = ("-timestamp",)
    search_fields = ("message", "=stage_id")


@admin.register(ClientAccessLog)
class ClientAccessLogAdmin(RecordAdmin):
    list_display = ("action", "token", "ip_address", "created_at")
    search_fields = ("=token__id", "=ip_address")


@admin.register(PhaseAccessLog)
class PhaseAccessLogAdmin(RecordAdmin):
    list_display = ("action", "token_id", "ip_address", "created_at")
    search_fields = ("=token_id", "=ip_address")


@admin.register(FFEAuditLog)
class FFEAuditLogAdmin(RecordAdmin):
    list_display = ("action", "item_id", "room_id", "user_id", "created_at")
    search_fields = ("=item_id", "=room_id")


@admin.register(FFEChangeLog)
class FFEChangeLogAdmin(RecordAdmin):
    list_display = ("action", "entity_type", "entity_id", "field_name", "created_at")
    search_fields = ("=entity_id", "=room_id")


@admin.register(EmailLog)
class EmailLogAdmin(RecordAdmin):
    list_display = ("subject", "to", "type", "delivery_status", "sent_at")
    ordering = ("-sent_at",)
    search_fields = ("subject", "to")


class ApprovalMailAdmin(RecordAdmin):
    list_display = ("subject", "to", "version", "sent_at", "opened_at", "clicked_at")
    ordering = ("-sent_at",)
    search_fields = ("subject", "to")


admin.site.register(ClientApprovalEmailLog, ApprovalMailAdmin)
admin.site.register(FloorplanApprovalEmailLog, ApprovalMailAdmin)
