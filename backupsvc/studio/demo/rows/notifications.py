"""Notices."""

from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import ChatMessage, Notification, NotificationSend, Stage, User


def notification(src: Source, n: int) -> Notification:
    about_stage = src.chance(0.7)
    return Notification(
        id=src.own(n),
        user_id=src.any(User),
        type=src.choice(Notification.Type.values),
        title=src.sentence(),
        message=src.body(),
        read=src.chance(0.6),
        related_id=src.any(Stage) if about_stage else None,
        related_type="STAGE" if about_stage else None,
        **src.stamps(),
    )


def notification_send(src: Source, n: int) -> NotificationSend:
    failed = src.chance(0.1)
    return NotificationSend(
        id=src.own(n),
        event_type="STAGE_COMPLETED",
        stage_id=src.id(Stage, n),
        recipient_user_id=src.any(User),
        actor_user_id=src.any(User),
        message_id=src.maybe(src.any(ChatMessage)),
        status="FAILED" if failed else "SENT",
        error_message="550 5.1.1 mailbox unavailable" if failed else None,
        custom_message=src.note(),
        **src.stamps(),
    )
