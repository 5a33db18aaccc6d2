"""Organisations, accounts, clients, contractors. A Safe file has every account and no password."""

# ruff: noqa: S106 - "secret" names columns here.

from backups.registry import COMPLETE, NULL, SAFE, Accounts, Address, Omit, section
from backups.wording import _
from backupsvc.studio.models import Client, Contractor, Organization, User

section(
    Organization,
    key="organizations",
    group=_("Core Data"),
    scopes={SAFE, COMPLETE},
    safe_columns="id name slug created_at updated_at",
)

section(
    User,
    key="users",
    group=_("Core Data"),
    scopes={SAFE, COMPLETE},
    safe_columns="id name email email_verified image role org phone_number "
    "email_notifications_enabled sms_notifications_enabled must_change_password "
    "approval_status approved_at approved_by created_at updated_at",
    redact={"password": Omit(refill=NULL)},
    natural_key="email",
    secret="password",
    files=[Address("image")],
    accounts=Accounts(
        email="email",
        name="name",
        password="password",
        role="role",
        owner=User.Role.OWNER,
        privileged=(User.Role.OWNER, User.Role.ADMIN),
        fallback_role=User.Role.VIEWER,
        active={"approval_status": User.ApprovalStatus.APPROVED},
        inactive={"approval_status": User.ApprovalStatus.PENDING},
        survives=("role", "approval_status", "approved_at", "approved_by", "email"),
    ),
)

section(
    Client,
    key="clients",
    group=_("Core Data"),
    scopes={SAFE, COMPLETE},
    safe_columns="id name email phone org created_at updated_at company",
)

section(
    Contractor,
    key="contractors",
    group=_("Core Data"),
    scopes={SAFE, COMPLETE},
    safe_columns="id business_name contact_name email phone address type specialty notes is_active "
    "org created_at updated_at",
)
