"""Notices."""

from backups.registry import COMPLETE, SAFE, section
from backups.wording import _
from backupsvc.studio.models import Notification, NotificationSend

section(
    Notification,
    key="notifications",
    group=_("Notifications"),
    scopes={SAFE, COMPLETE},
    safe_columns="id user_id type title message read related_id related_type created_at updated_at",
)

section(
    NotificationSend,
    key="notificationSends",
    group=_("Notifications"),
    scopes={SAFE, COMPLETE},
    safe_columns="id event_type stage_id recipient_user_id actor_user_id message_id status "
    "error_message custom_message created_at updated_at",
)
