"""The first start: while nobody has an account, whoever knows the one-time code makes the first.

There is no way past an account: to bring a backup, too, one first becomes the owner who acts, and from there
on all guards of a restore hold as on any other day. An unauthenticated restore is what CVE-2023-22518 was.

The code lies in a private file in the folder of the backups: it proves that whoever types it may read what
only the operator of the server reads. It serves once. That there ever was an account is a row that no
restore and no deleting of accounts takes away (``FirstStart``).
"""

import datetime
import secrets
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from backups.database import turns
from backups.errors import RestoreError
from backups.files import private
from backups.models import AuditEvent, BackupRun, State
from backups.services import auditing, recovery_kit, vault
from backups.services.auditing import Actor
from backups.wording import _
from restore.models import FirstStart, RestoreRun

FILE_NAME = "first-start.code"
ACTION = "first-start"
ATTEMPTS = 10
WINDOW = datetime.timedelta(minutes=15)

# 100 bits: more than anybody guesses at ten in a quarter of an hour.
_CODE_LETTERS = 20
_GROUP = 5


class Way(StrEnum):
    """What somebody came for; it leads to another page afterwards."""

    EMPTY = "empty"
    BACKUP = "backup"


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    WRONG = "wrong"
    LIMITED = "limited"
    ENDED = "ended"


def is_open() -> bool:
    """Whether the first account is still to be made. Where it was made otherwise, that is written down."""
    if FirstStart.objects.exists():
        return False
    if not _was_used():
        return True
    FirstStart.objects.get_or_create()
    return False


def _was_used() -> bool:
    """Whether anybody has an account, or this installation has been at work."""
    return (
        get_user_model()._default_manager.exists()
        or BackupRun.objects.exists()
        or RestoreRun.objects.filter(state=State.SUCCEEDED).exists()
    )


def code() -> str:
    """The one-time code, made at first need. Raises RestoreError once the first start is over, StorageFailure
    where the file cannot be read or made."""
    _require_open()
    with vault.disk_errors():
        path = vault.folder() / FILE_NAME
        if not path.exists():
            private.write_once(path, _new_code().encode())
        return path.read_text().strip()


def renew() -> str:
    """Another code, in place of the one that was there; wrong guesses of that one no longer count. Raises as
    ``code`` does."""
    _require_open()
    with vault.disk_errors():
        private.write(vault.folder() / FILE_NAME, _new_code().encode())
    made = code()
    # It lets whoever has guessed ten times go on.
    auditing.audit(auditing.COMMAND_LINE, ACTION, "renewed", subject=_name_of(made))
    return made


def begin(typed: str, address: str, way: Way, make: Callable[[], Any]) -> tuple[Outcome, Any]:
    """Make the first account, by ``make``, where the code is right. Returns it; None where it was not made.

    Attempts are judged one after the other, whatever their number of processes, and what came of one counts
    before the next is looked at. After ten wrong codes within 15 minutes none is accepted, the right one
    included, until a quarter of an hour has passed or another code was made.
    """
    with turns.turn(ACTION) as is_turn:
        if not is_turn:
            return Outcome.LIMITED, None
        try:
            with transaction.atomic():
                marker = FirstStart.objects.create()
        except IntegrityError:
            return Outcome.ENDED, None
        if _was_used():
            return Outcome.ENDED, None
        outcome = _judged(typed)
        if outcome is not Outcome.ACCEPTED:
            marker.delete()
            if outcome is Outcome.WRONG:
                _note(outcome, Actor(address=address), way)
            return outcome, None
        user = make()
        _note(outcome, _actor(user, address), way)
    with vault.disk_errors():
        (vault.folder() / FILE_NAME).unlink(missing_ok=True)
    return outcome, user


def _judged(typed: str) -> Outcome:
    right = code_that_lies_there()
    if right is None:
        return Outcome.WRONG
    wrong = AuditEvent.objects.filter(
        action=ACTION,
        outcome=Outcome.WRONG,
        subject=_name_of(right),
        at__gt=timezone.now() - WINDOW,
    )
    if wrong.count() >= ATTEMPTS:
        return Outcome.LIMITED
    same = constant_time_compare(_plain(typed), _plain(right))
    return Outcome.ACCEPTED if same else Outcome.WRONG


def code_that_lies_there() -> str | None:
    """The code that was handed out; None where none was, and then none is right."""
    with vault.disk_errors():
        try:
            found = (vault.folder() / FILE_NAME).read_text().strip()
        except FileNotFoundError:
            return None
    return found if len(_plain(found)) == _CODE_LETTERS else None


def _note(outcome: Outcome, actor: Actor, way: Way) -> None:
    right = code_that_lies_there()
    subject = _name_of(right) if right else ""
    auditing.audit(actor, ACTION, outcome, subject=subject, form=way.value)


def _name_of(right: str) -> str:
    """Tells codes apart in the audit trail without telling them."""
    return salted_hmac("the first start", _plain(right)).hexdigest()[:16]


def _actor(user: Any, address: str) -> Actor:
    email = str(getattr(user, user.get_email_field_name(), "") or "")
    return Actor(str(getattr(user, "name", None) or user.get_username()), email, address)


def _require_open() -> None:
    if not is_open():
        raise RestoreError(
            "start.ended",
            _("The first start is over: there is, or was, an account here."),
            hint=_("Sign in, or make an owner on the server: manage.py createsuperuser."),
        )


def _new_code() -> str:
    letters = [secrets.choice(recovery_kit.ALPHABET) for _number in range(_CODE_LETTERS)]
    groups = ["".join(letters[at : at + _GROUP]) for at in range(0, _CODE_LETTERS, _GROUP)]
    return "-".join(groups)


def _plain(text: str) -> str:
    return recovery_kit.plain_letters(text)
