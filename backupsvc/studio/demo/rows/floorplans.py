"""Floorplans on their way to approval."""

import json

from backupsvc.studio.demo.layout import org_of_project
from backupsvc.studio.demo.rows.client_approval_versions import review
from backupsvc.studio.demo.rows.client_approvals import ACTIVITIES
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    Asset,
    FloorplanApprovalActivity,
    FloorplanApprovalAsset,
    FloorplanApprovalVersion,
    Project,
    User,
)


def floorplan_approval_activity(src: Source, n: int) -> FloorplanApprovalActivity:
    return FloorplanApprovalActivity(
        id=src.own(n),
        version_id=src.any(FloorplanApprovalVersion),
        type=src.choice(ACTIVITIES),
        message=src.sentence(),
        user_id=src.maybe(src.any(User)),
        metadata=src.maybe(json.dumps(src.details(), ensure_ascii=False)),
        created_at=src.moment(),
    )


def floorplan_approval_asset(src: Source, n: int) -> FloorplanApprovalAsset:
    return FloorplanApprovalAsset(
        id=src.own(n),
        version_id=src.any(FloorplanApprovalVersion),
        asset_id=src.id(Asset, n),
        include_in_email=src.chance(0.8),
        display_order=n % 4,
        created_at=src.moment(),
    )


def floorplan_approval_version(src: Source, n: int) -> FloorplanApprovalVersion:
    return FloorplanApprovalVersion(
        id=src.own(n),
        project_id=src.id(Project, n),
        version="V1",
        **review(src, org_of_project(n)),
    )
