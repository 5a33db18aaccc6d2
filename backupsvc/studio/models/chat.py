"""The conversations held about a stage."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.keys import StudioModel


class ChatMessage(StudioModel):
    """A message about a stage. Deleting one only marks it."""

    content = models.TextField()
    author = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="chat_messages")
    stage = models.ForeignKey("Stage", on_delete=models.CASCADE, related_name="chat_messages")
    image_url = models.TextField(null=True, blank=True)
    image_file_name = models.TextField(null=True, blank=True)
    edited_at = models.DateTimeField(null=True, blank=True)
    is_edited = models.BooleanField(default=False)
    deleted_at = models.DateTimeField(null=True, blank=True)
    is_deleted = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.content[:80]


class ChatMention(StudioModel):
    """Somebody named in a chat message."""

    message = models.ForeignKey("ChatMessage", on_delete=models.CASCADE, related_name="mentions")
    mentioned = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="chat_mentions")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message", "mentioned"], name="chat_mention_unique_message_mentioned"
            )
        ]

    def __str__(self) -> str:
        return f"mention {self.id}"


class SmsConversation(StudioModel):
    """Which stage the text messages from a telephone number are about."""

    user = models.ForeignKey("User", on_delete=models.CASCADE, related_name="sms_conversations")
    phone_number = models.TextField()
    stage = models.ForeignKey("Stage", on_delete=models.CASCADE, related_name="sms_conversations")
    last_message_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "SMS conversation"

    def __str__(self) -> str:
        return self.phone_number
