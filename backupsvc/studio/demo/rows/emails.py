"""Logged mail. The links in it are those of pages, never of tokens."""

from datetime import datetime
from typing import Any

from django.utils.html import escape

from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    ClientApprovalEmailLog,
    ClientApprovalVersion,
    EmailLog,
    FloorplanApprovalEmailLog,
    FloorplanApprovalVersion,
)


def email_log(src: Source, n: int) -> EmailLog:
    sent = src.moment()
    delivered = src.chance(0.8)
    return EmailLog(
        id=src.own(n),
        version_id=src.maybe(src.any(ClientApprovalVersion)),
        to=f"client-{n}@client.example",
        subject=src.sentence(),
        html=_html(src),
        sent_at=sent,
        opened_at=src.maybe(src.later(sent)),
        type=src.choice(["CLIENT_APPROVAL", "REMINDER", "WELCOME"]),
        metadata=src.maybe(src.details()),
        delivery_status=src.choice(["PENDING", "DELIVERED", None]),
        delivery_error=None if delivered else "Mailbox full",
        provider_id=src.maybe(f"msg-{n}"),
        provider=src.maybe("smtp"),
        delivered_at=src.later(sent, days=1) if delivered else None,
    )


def _html(src: Source) -> str:
    return (
        '<!doctype html>\n<html dir="auto"><body style="font-family: sans-serif">\n'
        f"<h1>{escape(src.sentence())}</h1>\n<p>{escape(src.body())}</p>\n"
        '<p><a href="https://studio.example/projects">Open the project →</a></p>\n'
        "</body></html>\n"
    )


def _approval_mail(src: Source, n: int) -> dict[str, Any]:
    sent = src.moment()
    opened: datetime | None = src.maybe(src.later(sent), 0.7)
    return {
        "id": src.own(n),
        "to": f"client-{n}@client.example",
        "subject": src.sentence(),
        "html_content": _html(src),
        "sent_at": sent,
        "opened_at": opened,
        "clicked_at": src.later(opened) if opened and src.chance(0.5) else None,
        "follow_up_sent_at": src.maybe(src.later(sent), 0.2),
        "tracking_pixel_id": src.token(n),
    }


def client_approval_email_log(src: Source, n: int) -> ClientApprovalEmailLog:
    version = src.maybe(src.any(ClientApprovalVersion), 0.9)
    return ClientApprovalEmailLog(version_id=version, **_approval_mail(src, n))


def floorplan_approval_email_log(src: Source, n: int) -> FloorplanApprovalEmailLog:
    version = src.maybe(src.any(FloorplanApprovalVersion), 0.9)
    return FloorplanApprovalEmailLog(version_id=version, **_approval_mail(src, n))
