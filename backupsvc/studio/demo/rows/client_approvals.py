"""Decisions of clients."""

import json

from backupsvc.studio.demo import texts
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    Asset,
    ClientApproval,
    ClientApprovalActivity,
    ClientApprovalAsset,
    ClientApprovalVersion,
    User,
)

ACTIVITIES = ["SENT", "OPENED", "DECIDED"]


def client_approval(src: Source, n: int) -> ClientApproval:
    return ClientApproval(
        id=src.own(n),
        version_id=src.id(ClientApprovalVersion, n),
        approved_by=texts.person(n),
        approved_at=src.moment(),
        decision=src.choice(["APPROVED", "REVISION_REQUESTED"]),
        comments=src.note(),
    )


def client_approval_activity(src: Source, n: int) -> ClientApprovalActivity:
    return ClientApprovalActivity(
        id=src.own(n),
        version_id=src.any(ClientApprovalVersion),
        type=src.choice(ACTIVITIES),
        message=src.sentence(),
        user_id=src.maybe(src.any(User)),
        metadata=src.maybe(json.dumps(src.details(), ensure_ascii=False)),
        created_at=src.moment(),
    )


def client_approval_asset(src: Source, n: int) -> ClientApprovalAsset:
    return ClientApprovalAsset(
        id=src.own(n),
        version_id=src.any(ClientApprovalVersion),
        asset_id=src.id(Asset, n),
        include_in_email=src.chance(0.8),
        display_order=n % 4,
        created_at=src.moment(),
    )
