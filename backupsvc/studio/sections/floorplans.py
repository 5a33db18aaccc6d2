"""Floorplans on their way to approval."""

from backups.registry import COMPLETE, section
from backupsvc.studio.models import (
    FloorplanApprovalActivity,
    FloorplanApprovalAsset,
    FloorplanApprovalVersion,
)

section(
    FloorplanApprovalActivity,
    key="floorplanApprovalActivities",
    group="Additional Complete Tables",
    scopes={COMPLETE},
)

section(
    FloorplanApprovalAsset,
    key="floorplanApprovalAssets",
    group="Additional Complete Tables",
    scopes={COMPLETE},
)

section(
    FloorplanApprovalVersion,
    key="floorplanApprovalVersions",
    group="Additional Complete Tables",
    scopes={COMPLETE},
)
