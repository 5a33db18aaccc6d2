"""What signs people in: visible to owners, without the part that does."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from backupsvc.studio.admin.base import RecordAdmin, StudioAdmin
from backupsvc.studio.models import (
    Account,
    PasswordResetToken,
    PhaseAccessToken,
    Session,
    UserSession,
    VerificationToken,
)


@admin.register(Account)
class AccountAdmin(RecordAdmin):
    list_display = ("provider", "user", "type", "provider_account_id")
    search_fields = ("provider", "=provider_account_id")


@admin.register(Session)
class SessionAdmin(RecordAdmin):
    list_display = ("id", "user", "expires")


@admin.register(VerificationToken)
class VerificationTokenAdmin(RecordAdmin):
    """A list and nothing more: the key of a row is the secret, and would stand in every link."""

    list_display = ("identifier", "expires")
    list_display_links = None
    actions = None  # the box that ticks a row holds its key
    ordering = ("identifier", "expires")
    search_fields = ("identifier",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(PasswordResetToken)
class PasswordResetTokenAdmin(RecordAdmin):
    list_display = ("email", "expires", "used", "created_at")
    list_filter = ("used",)
    search_fields = ("email",)


@admin.register(UserSession)
class UserSessionAdmin(RecordAdmin):
    list_display = ("device_id", "user_id", "ip_address", "last_seen", "is_active")
    list_filter = ("is_active",)
    search_fields = ("=user_id", "=device_id")


@admin.register(PhaseAccessToken)
class PhaseAccessTokenAdmin(StudioAdmin):
    list_display = ("__str__", "stage_id", "active", "expires_at", "access_count")
    list_filter = ("active",)
    search_fields = ("name", "=stage_id")
