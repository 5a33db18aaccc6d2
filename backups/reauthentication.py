"""The password once more, before a dangerous step: a session left open must not be enough. Where the account
has a device for a second factor, its token too.
"""

import datetime
from enum import StrEnum
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils import timezone

from backups import second_factor
from backups.database import turns
from backups.models import AuditEvent
from backups.permissions import actor_of
from backups.services import auditing

ACTION = "password.again"
ATTEMPTS = 5
WINDOW = datetime.timedelta(minutes=15)


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    WRONG = "wrong"
    LIMITED = "limited"
    # A second factor is obligatory, and the account has no device.
    NO_DEVICE = "no device"


def confirm(
    request: HttpRequest, password: str, *, token: str = "", reason: str, subject: str = ""
) -> Outcome:
    """Check the password of who is signed in, and the token of their device where ``second_factor`` asks for
    one, and write down how it went. Which of the two was wrong is not told.

    After five wrong ones within 15 minutes none is accepted, the right one included, from whatever
    address. Attempts on one account are made one after the other, and what came of one counts before the
    next is looked at.
    """
    users = get_user_model()._default_manager
    with turns.turn(f"{ACTION} {request.user.pk}") as is_turn:
        # As it is now: the password may have been changed meanwhile.
        user: Any = users.get(pk=request.user.pk)
        outcome = _outcome(user, password, token) if is_turn else Outcome.LIMITED
        auditing.audit(
            actor_of(request), ACTION, outcome, subject=subject, reason=reason, account=str(user.pk)
        )
    return outcome


def _outcome(user: Any, password: str, token: str) -> Outcome:
    if _wrong_lately(str(user.pk)) >= ATTEMPTS:
        return Outcome.LIMITED
    # The password first: a token is good for once, and a slip of the keyboard must not use it up.
    if not user.check_password(password):
        return Outcome.WRONG
    if second_factor.lacks_device(user):
        return Outcome.NO_DEVICE
    if second_factor.is_asked_of(user) and not second_factor.accepts(user, token):
        return Outcome.WRONG
    return Outcome.ACCEPTED


def _wrong_lately(account: str) -> int:
    """Wrong passwords in the window since the last right one. By the account's key: its e-mail may have
    been changed meanwhile, by the very person who guesses."""
    events = AuditEvent.objects.filter(
        action=ACTION, details__account=account, at__gt=timezone.now() - WINDOW
    )
    accepted = events.filter(outcome=Outcome.ACCEPTED).order_by("-at").first()
    if accepted:
        events = events.filter(at__gt=accepted.at)
    return events.filter(outcome=Outcome.WRONG).count()
