"""Approvals, comments, client links. Tokens stay out of a Safe file."""

# ruff: noqa: S106 - "secret" names columns here.

from backups.registry import COMPLETE, SAFE, Omit, random_token, section
from backups.wording import _
from backupsvc.studio.models import Approval, ClientAccessToken, Comment

section(
    Approval,
    key="approvals",
    group=_("Approvals"),
    scopes={SAFE, COMPLETE},
    safe_columns="id project room status sent_by decided_by sent_at decided_at message "
    "revision_reason expires_at created_at updated_at",
    redact={"token": Omit(refill=random_token)},
    secret="token",
)

section(
    Comment,
    key="comments",
    group=_("Approvals"),
    scopes={SAFE, COMPLETE},
    safe_columns="id content author project room stage section ffe_item approval mentions "
    "created_at updated_at",
)

section(
    ClientAccessToken,
    key="clientAccessTokens",
    group=_("Approvals"),
    scopes={SAFE, COMPLETE},
    safe_columns="id project name specs_url active expires_at created_by created_at updated_at "
    "last_accessed_at access_count last_accessed_ip",
    redact={"token": Omit(refill=random_token)},
    secret="token",
    revoked={"active": "false"},
)
