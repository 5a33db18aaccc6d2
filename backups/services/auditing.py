"""The audit trail: who did, tried or was refused what. Each line is written once and never changed."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from backups.models import AuditEvent
from backups.services import audit_head


@dataclass(frozen=True)
class Actor:
    """Who asks. Stored as text: the account may be gone after a restore. ``id``: the account's key."""

    name: str = ""
    email: str = ""
    address: str = ""
    id: str = ""


COMMAND_LINE = Actor(name="command line")


def audit(
    actor: Actor, action: str, outcome: str, *, subject: str = "", **details: Any
) -> AuditEvent:
    """One line in the audit trail; once it is committed, its place is noted outside the database."""
    event = AuditEvent.objects.create(
        action=action,
        outcome=outcome,
        person_id=actor.id,
        person_name=actor.name,
        person_email=actor.email,
        address=actor.address,
        subject=subject,
        details=details,
    )
    transaction.on_commit(audit_head.note)
    return event
