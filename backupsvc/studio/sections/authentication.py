"""What signs people in. None of it is in a Safe file."""

# ruff: noqa: S106 - "secret" names columns here.

from backups.registry import COMPLETE, section
from backups.wording import _
from backupsvc.studio.models import (
    Account,
    PasswordResetToken,
    PhaseAccessToken,
    Session,
    UserSession,
    VerificationToken,
)

section(
    Account,
    key="accounts",
    group=_("Authentication & Security"),
    scopes={COMPLETE},
    lets_in=True,
    secret="refresh_token access_token id_token session_state",
)

section(
    Session,
    key="sessions",
    group=_("Authentication & Security"),
    scopes={COMPLETE},
    lets_in=True,
    secret="session_token",
)

section(
    VerificationToken,
    key="verificationTokens",
    group=_("Authentication & Security"),
    scopes={COMPLETE},
    lets_in=True,
    secret="token",
)

section(
    PasswordResetToken,
    key="passwordResetTokens",
    group=_("Authentication & Security"),
    scopes={COMPLETE},
    lets_in=True,
    secret="token",
    revoked={"used": "true"},
)

section(
    UserSession,
    key="userSessions",
    group=_("Authentication & Security"),
    scopes={COMPLETE},
    lets_in=True,
    revoked={"is_active": "false"},
)

section(
    PhaseAccessToken,
    key="phaseAccessTokens",
    group=_("Authentication & Security"),
    scopes={COMPLETE},
    lets_in=True,
    secret="token",
    revoked={"active": "false"},
)
