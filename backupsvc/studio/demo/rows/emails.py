"""Logged mail, as the application writes it: with the live links and pixels that were sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.html import escape

from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    Approval,
    ClientAccessToken,
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
        html=_html(src, _links(src, n)),
        sent_at=sent,
        opened_at=src.maybe(src.later(sent)),
        type=src.choice(["CLIENT_APPROVAL", "REMINDER", "WELCOME"]),
        metadata=_metadata(src, n),
        delivery_status=src.choice(["PENDING", "DELIVERED", None]),
        delivery_error=None if delivered else "Mailbox full",
        provider_id=src.maybe(f"msg-{n}"),
        provider=src.maybe("smtp"),
        delivered_at=src.later(sent, days=1) if delivered else None,
    )


def _metadata(src: Source, n: int) -> dict[str, Any] | None:
    """What the application notes of a mail; of every third the link that was in it."""
    details: dict[str, Any] | None = src.maybe(src.details())
    if details is not None and n % 3 == 0:
        details["links"] = [{"url": link} for link in _links(src, n)]
    return details


def _links(src: Source, n: int) -> list[str]:
    """The links of a client's mail: to an approval, and to the specifications."""
    approval = src.token_of(Approval, n % src.counts[Approval])
    access = src.token_of(ClientAccessToken, n % src.counts[ClientAccessToken])
    return [
        f"https://studio.example/approvals/{approval}?from=mail&n={n}",
        f"https://studio.example/specs/{access}",
    ]


def _html(src: Source, links: Sequence[str] = (), pixel: str = "") -> str:
    shown = "".join(f'<p><a href="{escape(link)}">{escape(link)}</a></p>\n' for link in links)
    seen = f'<img src="https://studio.example/api/pixels/{pixel}.gif" alt="">\n' if pixel else ""
    return (
        '<!doctype html>\n<html dir="auto"><body style="font-family: sans-serif">\n'
        f"<h1>{escape(src.sentence())}</h1>\n<p>{escape(src.body())}</p>\n"
        '<p><a href="https://studio.example/projects">Open the project →</a></p>\n'
        f"{shown}{seen}"
        "</body></html>\n"
    )


def _approval_mail(src: Source, n: int) -> dict[str, Any]:
    sent = src.moment()
    opened: datetime | None = src.maybe(src.later(sent), 0.7)
    return {
        "id": src.own(n),
        "to": f"client-{n}@client.example",
        "subject": src.sentence(),
        "html_content": _html(src, _links(src, n), src.token(n)),
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
