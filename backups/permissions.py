"""Who may do what with backups: the one place that pages ask, and where refusals are written down.

Permissions are Django's; which role carries which is the project's business.
"""

import contextlib
import datetime
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import wraps
from typing import Any, NoReturn

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from backups.models import AuditEvent
from backups.registry import COMPLETE, SAFE, Scope
from backups.services import auditing
from backups.services.auditing import Actor

SEE = "backups.view_backuprun"
KEEP = "backups.change_backuprun"
DELETE = "backups.delete_backuprun"
SEE_AUDIT = "backups.view_auditevent"
CREATE = {SAFE: "backups.create_safe_backup", COMPLETE: "backups.create_complete_backup"}
DOWNLOAD = {SAFE: "backups.download_safe_backup", COMPLETE: "backups.download_complete_backup"}

View = Callable[..., HttpResponseBase]
# How many refusals of one address are written down within so long, where nobody is signed in: whoever likes
# may ask, and must not fill the trail with it.
MOST_OF_STRANGERS = 20
WINDOW = datetime.timedelta(minutes=15)
# And of all of them together: addresses can be had in any number.
MOST_OF_ALL_STRANGERS = 200
_served: ContextVar[HttpRequest | None] = ContextVar("served", default=None)
# What acts where no request is served: a command, a job, somebody at a shell.
APPLICATION = Actor(name="application")


def actor_of(request: HttpRequest) -> Actor:
    """Who asks, as the audit trail keeps it."""
    user: Any = request.user
    return Actor(
        name=str(getattr(user, "name", None) or user.get_username()),
        email=str(getattr(user, user.get_email_field_name(), "") or ""),
        address=str(request.META.get("REMOTE_ADDR", "")),
        id=str(user.pk or "")[:64],
    )


@contextlib.contextmanager
def serving(request: HttpRequest) -> Iterator[None]:
    """For the length of the block, what happens is done by who asks."""
    token = _served.set(request)
    try:
        yield
    finally:
        _served.reset(token)


def acting_now() -> Actor:
    """Who does what happens now."""
    request = _served.get()
    if request is None:
        return APPLICATION
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return stranger(request)
    return actor_of(request)


def stranger(request: HttpRequest) -> Actor:
    """Whoever asks, by the address alone: neither session nor account is looked at."""
    return Actor(address=str(request.META.get("REMOTE_ADDR", "")))


def note_refusal(request: HttpRequest, action: str, *, subject: str = "", **details: Any) -> None:
    """Write down that somebody was refused whom nothing is known of but an address."""
    actor = stranger(request)
    lately = AuditEvent.objects.filter(
        person_id="", outcome="refused", at__gt=timezone.now() - WINDOW
    )
    from_there = lately.filter(address=actor.address)
    if from_there.count() < MOST_OF_STRANGERS and lately.count() < MOST_OF_ALL_STRANGERS:
        auditing.audit(actor, action, "refused", subject=subject[:64], **details)


def may(user: Any, permission: str) -> bool:
    return bool(user.has_perm(permission))


def visible_scopes(user: Any) -> list[Scope]:
    """The kinds of backup that a person may know the particulars of: those they may make."""
    if not may(user, SEE):
        return []
    return [scope for scope in Scope if may(user, CREATE[scope])]


def require(request: HttpRequest, permission: str, action: str, *, subject: str = "") -> None:
    """Raises PermissionDenied, having written it down, where a person may not do something."""
    if not may(request.user, permission):
        refuse(request, action, subject=subject)


def refuse(request: HttpRequest, action: str, *, subject: str = "") -> NoReturn:
    auditing.audit(actor_of(request), action, "refused", subject=subject, path=request.path)
    raise PermissionDenied(_("Your role does not allow this."))


def needs(permission: str, action: str) -> Callable[[View], View]:
    """The permission without which a view is refused; ``action`` names it in the audit trail."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            require(request, permission, action, subject=str(kwargs.get("run_id", "")))
            return view(request, *args, **kwargs)

        return checked

    return decorate
