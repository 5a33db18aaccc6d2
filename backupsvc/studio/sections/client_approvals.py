"""Decisions of clients."""

from backups.registry import COMPLETE, section
from backupsvc.studio.models import ClientApproval, ClientApprovalActivity, ClientApprovalAsset

section(
    ClientApproval,
    key="clientApprovals",
    group="Additional Complete Tables",
    scopes={COMPLETE},
)

section(
    ClientApprovalActivity,
    key="clientApprovalActivities",
    group="Additional Complete Tables",
    scopes={COMPLETE},
)

section(
    ClientApprovalAsset,
    key="clientApprovalAssets",
    group="Additional Complete Tables",
    scopes={COMPLETE},
)
