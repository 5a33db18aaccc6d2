"""Logs of who did and saw what."""

from backups.registry import COMPLETE, SAFE, section
from backups.wording import _
from backupsvc.studio.models import (
    Activity,
    ActivityLog,
    ClientAccessLog,
    FFEAuditLog,
    FFEChangeLog,
    PhaseAccessLog,
)

section(
    ActivityLog,
    key="activityLogs",
    group=_("Activity & Audit Logs"),
    scopes={SAFE, COMPLETE},
    safe_columns="id actor action entity entity_id details ip_address org_id created_at",
)

section(
    Activity,
    key="activities",
    group=_("Activity & Audit Logs"),
    scopes={SAFE, COMPLETE},
    safe_columns="id stage_id type message user timestamp",
)

section(
    ClientAccessLog,
    key="clientAccessLogs",
    group=_("Activity & Audit Logs"),
    scopes={SAFE, COMPLETE},
    safe_columns="id token ip_address user_agent action metadata created_at",
)

section(
    PhaseAccessLog,
    key="phaseAccessLogs",
    group=_("Activity & Audit Logs"),
    scopes={SAFE, COMPLETE},
    safe_columns="id token_id ip_address user_agent action metadata created_at",
)

section(
    FFEAuditLog,
    key="ffeAuditLogs",
    group=_("Activity & Audit Logs"),
    scopes={SAFE, COMPLETE},
    safe_columns="id room_id item_id action old_value new_value notes user_id created_at",
)

section(
    FFEChangeLog,
    key="ffeChangeLogs",
    group=_("Activity & Audit Logs"),
    scopes={SAFE, COMPLETE},
    safe_columns="id entity_type entity_id action field_name old_value new_value user_id org_id "
    "room_id instance_id metadata created_at",
)
