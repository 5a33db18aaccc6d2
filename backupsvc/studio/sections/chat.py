"""Conversations: all of it is in every backup."""

from backups.registry import COMPLETE, SAFE, Address, section
from backups.wording import _
from backupsvc.studio.models import ChatMention, ChatMessage, SmsConversation

section(
    ChatMessage,
    key="chatMessages",
    group=_("Chat & Messaging"),
    scopes={SAFE, COMPLETE},
    safe_columns="id content author stage image_url image_file_name edited_at is_edited deleted_at "
    "is_deleted created_at updated_at",
    files=[Address("image_url")],
)

section(
    ChatMention,
    key="chatMentions",
    group=_("Chat & Messaging"),
    scopes={SAFE, COMPLETE},
    safe_columns="id message mentioned created_at",
)

section(
    SmsConversation,
    key="smsConversations",
    group=_("Chat & Messaging"),
    scopes={SAFE, COMPLETE},
    safe_columns="id user phone_number stage last_message_at created_at updated_at",
)
