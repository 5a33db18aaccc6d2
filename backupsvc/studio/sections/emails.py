"""Mail logs.

A pixel's id lets anyone forge who read what, and the versions that mails were about are in
Complete backups only: a Safe file holds neither.
"""

# ruff: noqa: S106 - "secret" names columns here.

from backups.registry import COMPLETE, NULL, SAFE, Omit, random_token, section
from backups.wording import _
from backupsvc.studio.models import ClientApprovalEmailLog, EmailLog, FloorplanApprovalEmailLog

section(
    EmailLog,
    key="emailLogs",
    group=_("Email Logs"),
    scopes={SAFE, COMPLETE},
    safe_columns="id to subject html sent_at opened_at type metadata delivery_status "
    "delivery_error provider_id provider delivered_at",
    redact={"version": Omit(refill=NULL)},
)

section(
    ClientApprovalEmailLog,
    key="clientApprovalEmailLogs",
    group=_("Email Logs"),
    scopes={SAFE, COMPLETE},
    safe_columns="id to subject html_content sent_at opened_at clicked_at follow_up_sent_at",
    redact={"version": Omit(refill=NULL), "tracking_pixel_id": Omit(refill=random_token)},
    secret="tracking_pixel_id",
)

section(
    FloorplanApprovalEmailLog,
    key="floorplanApprovalEmailLogs",
    group=_("Email Logs"),
    scopes={SAFE, COMPLETE},
    safe_columns="id to subject html_content sent_at opened_at clicked_at follow_up_sent_at",
    redact={"version": Omit(refill=NULL), "tracking_pixel_id": Omit(refill=random_token)},
    secret="tracking_pixel_id",
)
