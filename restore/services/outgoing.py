"""Mail and jobs that would leave are held after another installation's file was restored.

A staging server with the studio's real addresses must not write to real clients. An owner releases the
hold, and decides whether what was held is sent or thrown away.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.utils import timezone

from backups import printed_json
from backups.services import runs, vault
from backups.services.runs import Actor
from restore.models import OutgoingHold

_FOLDER = "held-mail"


def is_held() -> bool:
    """Whether a hold is in force."""
    return OutgoingHold.objects.filter(released_at=None).exists()


def keep_message(message: EmailMessage) -> int:
    """Store a message instead of sending it. Returns 1, or 0 where it has no recipients."""
    if not message.recipients():
        return 0
    content = {
        "subject": str(message.subject),
        "body": str(message.body),
        "from_email": message.from_email,
        "to": message.to,
        "cc": message.cc,
        "bcc": message.bcc,
        "reply_to": message.reply_to,
        "alternatives": [list(part) for part in getattr(message, "alternatives", [])],
    }
    name = f"{timezone.now():%Y%m%d%H%M%S%f}-{secrets.token_hex(8)}.json"
    with vault.disk_errors():
        descriptor = os.open(_folder() / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(printed_json.compact(content))
    return 1


def held_messages() -> int:
    """How many messages wait."""
    return len(list(_folder().glob("*.json")))


def release(actor: Actor) -> int:
    """End the hold. What is held stays stored; see ``take_messages`` and ``discard_messages``.

    Returns how many messages wait.
    """
    OutgoingHold.objects.filter(released_at=None).update(
        released_at=timezone.now(), released_by=actor.email or actor.name
    )
    runs.audit(actor, "outgoing", "released")
    return held_messages()


def take_messages() -> Iterator[EmailMessage]:
    """Each held message, the oldest first; it is removed once the next is asked for."""
    for path in sorted(_folder().glob("*.json")):
        content = printed_json.parsed(path.read_bytes())
        alternatives = [tuple(part) for part in content.pop("alternatives")]
        yield EmailMultiAlternatives(**content, alternatives=alternatives)
        path.unlink()


def discard_messages() -> int:
    """Throw away what is held. Returns how many messages that were."""
    paths = list(_folder().glob("*.json"))
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)


def _folder() -> Path:
    folder = vault.folder() / _FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
