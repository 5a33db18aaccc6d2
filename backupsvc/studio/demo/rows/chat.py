"""Conversations about stages."""

from backupsvc.studio.demo.layout import org_of_stage
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    ChatMention,
    ChatMessage,
    ClientAccessToken,
    SmsConversation,
    Stage,
    User,
)

MESSAGES_PER_MENTION = 4


def chat_message(src: Source, n: int) -> ChatMessage:
    stage = src.number(0, src.counts[Stage])
    has_picture = src.chance(0.2)
    edited, deleted = src.chance(0.1), src.chance(0.05)
    stamps = src.stamps()
    return ChatMessage(
        id=src.own(n),
        content=_content(src, n),
        author_id=src.member(org_of_stage(stage)),
        stage_id=src.id(Stage, stage),
        image_url=src.picture() if has_picture else None,
        image_file_name=f"IMG_{n:05}.png" if has_picture else None,
        edited_at=stamps["updated_at"] if edited else None,
        is_edited=edited,
        deleted_at=stamps["updated_at"] if deleted else None,
        is_deleted=deleted,
        **stamps,
    )


def _content(src: Source, n: int) -> str:
    """What people write; now and then somebody pastes a link that lets whoever has it in."""
    if n % 11:
        return src.body()
    token = src.token_of(ClientAccessToken, n % src.counts[ClientAccessToken])
    return f"{src.body()} https://studio.example/specs/{token}"


def chat_mention(src: Source, n: int) -> ChatMention:
    return ChatMention(
        id=src.own(n),
        message_id=src.id(ChatMessage, n * MESSAGES_PER_MENTION),
        mentioned_id=src.any(User),
        created_at=src.moment(),
    )


def sms_conversation(src: Source, n: int) -> SmsConversation:
    stamps = src.stamps()
    return SmsConversation(
        id=src.own(n),
        user_id=src.any(User),
        phone_number=src.phone(n),
        stage_id=src.any(Stage),
        last_message_at=stamps["updated_at"],
        **stamps,
    )
