"""Who signed in, who tried to and who signed out, in the audit trail: with any of Django's ways to do so."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest

from backups.services import auditing
from backups.services.auditing import Actor

ACTION = "sign-in"


def connect() -> None:
    """Call it once the apps are there; calling it again changes nothing."""
    user_logged_in.connect(_signed_in, dispatch_uid="backups.signed_in")
    user_login_failed.connect(_failed, dispatch_uid="backups.sign_in_failed")
    user_logged_out.connect(_signed_out, dispatch_uid="backups.signed_out")


def _signed_in(sender: Any, request: HttpRequest | None, user: Any, **_others: Any) -> None:
    if _came_over_the_web(request):
        auditing.audit(_actor(user, request), ACTION, "accepted", account=str(user.pk))


def _signed_out(sender: Any, request: HttpRequest | None, user: Any, **_others: Any) -> None:
    if user is not None and _came_over_the_web(request):
        auditing.audit(_actor(user, request), "sign-out", "done", account=str(user.pk))


def _failed(
    sender: Any, credentials: Mapping[str, Any], request: HttpRequest | None = None, **_others: Any
) -> None:
    """Who is not known is not named: people type their password into the wrong field."""
    if not _came_over_the_web(request):
        return
    user = _known(credentials)
    account = "" if user is None else str(user.pk)
    auditing.audit(_actor(user, request), ACTION, "failed", account=account)


def _came_over_the_web(request: HttpRequest | None) -> bool:
    """A program may open a session for somebody with a request of its own making; nobody signs in then."""
    return request is not None and "REQUEST_METHOD" in request.META


def _known(credentials: Mapping[str, Any]) -> Any:
    users = get_user_model()
    name = credentials.get("username", credentials.get(users.USERNAME_FIELD))
    try:
        return users._default_manager.get_by_natural_key(name)
    except (ObjectDoesNotExist, ValueError, TypeError):
        return None


def _actor(user: Any, request: HttpRequest | None) -> Actor:
    address = str(request.META.get("REMOTE_ADDR", "")) if request else ""
    if user is None:
        return Actor(address=address)
    return Actor(
        name=str(getattr(user, "name", None) or user.get_username()),
        email=str(getattr(user, user.get_email_field_name(), "") or ""),
        address=address,
    )
