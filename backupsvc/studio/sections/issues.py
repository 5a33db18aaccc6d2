"""Issues."""

from backups.registry import COMPLETE, SAFE, section
from backups.wording import _
from backupsvc.studio.models import Issue, IssueComment

section(
    Issue,
    key="issues",
    group=_("Issues"),
    scopes={SAFE, COMPLETE},
    safe_columns="id title description type priority status reported_by assigned_to resolved_by "
    "org_id project room stage created_at updated_at resolved_at closed_at metadata",
)

section(
    IssueComment,
    key="issueComments",
    group=_("Issues"),
    scopes={SAFE, COMPLETE},
    safe_columns="id issue content author created_at updated_at",
)
