"""Floorplans on their way to approval."""

from backups.registry import COMPLETE, section
from backups.wording import _
from backupsvc.studio.models import (
    FloorplanApprovalActivity,
    FloorplanApprovalAsset,
    FloorplanApprovalVersion,
)

section(
    FloorplanApprovalActivity,
    key="floorplanApprovalActivities",
    group=_("Additional Complete Tables"),
    scopes={COMPLETE},
)

section(
    FloorplanApprovalAsset,
    key="floorplanApprovalAssets",
    group=_("Additional Complete Tables"),
    scopes={COMPLETE},
)

section(
    FloorplanApprovalVersion,
    key="floorplanApprovalVersions",
    group=_("Additional Complete Tables"),
    scopes={COMPLETE},
)
