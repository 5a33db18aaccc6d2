"""Versions on their way to a client."""

from typing import Any

from backupsvc.studio.demo.layout import CLIENT_APPROVAL, org_of_room, stage_of_room
from backupsvc.studio.demo.rows.renderings import room_of_rendering
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import ClientApprovalVersion, RenderingVersion, Stage
from backupsvc.studio.models.choices import Decision, ReviewStatus


def client_approval_version(src: Source, n: int) -> ClientApprovalVersion:
    room = room_of_rendering(n)
    return ClientApprovalVersion(
        id=src.own(n),
        stage_id=src.id(Stage, stage_of_room(room, CLIENT_APPROVAL)),
        # A rendering is in one version at most, and some versions show none.
        rendering_version_id=src.maybe(src.id(RenderingVersion, n), 0.85),
        version=f"V{n % 2 + 1}",
        **review(src, org_of_room(room)),
    )


def review(src: Source, org: int) -> dict[str, Any]:
    """How far a version, of renderings or of a floorplan, has come on its way."""
    approved, sent = src.chance(0.7), src.maybe(src.moment(), 0.6)
    return {
        "status": src.choice(ReviewStatus.values),
        "approved_internally": approved,
        "internally_approved_at": src.moment() if approved else None,
        "internally_approved_by_id": src.member(org) if approved else None,
        "sent_to_client_at": sent,
        "sent_by_id": src.member(org) if sent else None,
        "email_opened_at": src.later(sent) if sent else None,
        "follow_up_completed_at": src.maybe(src.moment()),
        "follow_up_notes": src.note(),
        "client_decision": src.choice([*Decision.values, None]),
        "client_decided_at": src.maybe(src.moment()),
        "client_message": src.note(),
        "notes": src.note(),
        "follow_up_sent_at": src.maybe(src.moment()),
        **src.stamps(),
    }
