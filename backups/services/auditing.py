"""The audit trail: who did, tried or was refused what. Each line is written once and never changed."""

from dataclasses import dataclass
from typing import Any

from backups.models import AuditEvent


@dataclass(frozen=True)
class Actor:
    """Who asks. Stored as text: the account may be gone after a restore."""

    name: str = ""
    email: str = ""
    address: str = ""


COMMAND_LINE = Actor(name="command line")


def audit(
    actor: Actor, action: str, outcome: str, *, subject: str = "", **details: Any
) -> AuditEvent:
    """One line in the audit trail."""
    return AuditEvent.objects.create(
        action=action,
        outcome=outcome,
        person_name=actor.name,
        person_email=actor.email,
        address=actor.address,
        subject=subject,
        details=details,
    )
