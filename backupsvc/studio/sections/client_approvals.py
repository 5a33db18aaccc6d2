"""Decisions of clients."""

from backups.registry import COMPLETE, section
from backups.wording import _
from backupsvc.studio.models import ClientApproval, ClientApprovalActivity, ClientApprovalAsset

section(
    ClientApproval,
    key="clientApprovals",
    group=_("Additional Complete Tables"),
    scopes={COMPLETE},
)

section(
    ClientApprovalActivity,
    key="clientApprovalActivities",
    group=_("Additional Complete Tables"),
    scopes={COMPLETE},
)

section(
    ClientApprovalAsset,
    key="clientApprovalAssets",
    group=_("Additional Complete Tables"),
    scopes={COMPLETE},
)
