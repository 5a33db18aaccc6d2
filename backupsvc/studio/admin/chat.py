"""Conversations and notices."""

from django.contrib import admin

from backupsvc.studio.admin.base import RecordAdmin, StudioAdmin
from backupsvc.studio.models import (
    ChatMention,
    ChatMessage,
    Notification,
    NotificationSend,
    SmsConversation,
)


@admin.register(ChatMessage)
class ChatMessageAdmin(StudioAdmin):
    list_display = ("__str__", "author", "stage", "is_deleted", "created_at")
    list_filter = ("is_deleted", "is_edited")
    search_fields = ("content",)


@admin.register(ChatMention)
class ChatMentionAdmin(StudioAdmin):
    list_display = ("id", "mentioned", "message", "created_at")


@admin.register(SmsConversation)
class SmsConversationAdmin(StudioAdmin):
    list_display = ("phone_number", "user", "stage", "last_message_at")
    search_fields = ("phone_number",)


@admin.register(Notification)
class NotificationAdmin(StudioAdmin):
    list_display = ("title", "type", "user_id", "read", "created_at")
    list_filter = ("type", "read")
    search_fields = ("title", "=user_id")


@admin.register(NotificationSend)
class NotificationSendAdmin(RecordAdmin):
    list_display = ("event_type", "status", "recipient_user_id", "created_at")
    search_fields = ("event_type", "=recipient_user_id")
