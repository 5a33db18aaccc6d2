"""Versions on their way to a client."""

from backups.registry import COMPLETE, section
from backups.wording import _
from backupsvc.studio.models import ClientApprovalVersion

section(
    ClientApprovalVersion,
    key="clientApprovalVersions",
    group=_("Other"),
    scopes={COMPLETE},
)
