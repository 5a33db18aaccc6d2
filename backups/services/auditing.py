"""The audit trail: who did, tried or was refused what. Each line is written once and never changed."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from backups.database import audit_chain
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
    with _seeing_the_newest():
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


@contextlib.contextmanager
def _seeing_the_newest() -> Iterator[None]:
    """A transaction of its own, where none is open, in which the chain's end is what it is when it is asked
    for: a project may have chosen an isolation in which it would be that of an instant before."""
    if connection.in_atomic_block or not connection.get_autocommit():
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            audit_chain.see_each_commit(cursor)
        yield
