"""Who may do what with backups: the one place that pages ask, and where refusals are written down.

Permissions are Django's; which role carries which is the project's business.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

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


def actor_of(request: HttpRequest) -> Actor:
    """Who asks, as the audit trail keeps it."""
    user: Any = request.user
    return Actor(
        name=str(getattr(user, "name", None) or user.get_username()),
        email=str(getattr(user, user.get_email_field_name(), "") or ""),
        address=str(request.META.get("REMOTE_ADDR", "")),
    )


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
