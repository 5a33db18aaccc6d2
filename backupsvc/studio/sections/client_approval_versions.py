"""Versions on their way to a client."""

from backups.registry import COMPLETE, section
from backupsvc.studio.models import ClientApprovalVersion

section(
    ClientApprovalVersion,
    key="clientApprovalVersions",
    group="Other",
    scopes={COMPLETE},
)
