"""Who signed in, who tried to and who signed out, in the audit trail: with any of Django's ways to do so.

Whoever guesses passwords is slowed by what stands there, which all workers see. Nobody is locked out: the
waiting ends by itself, and what comes from elsewhere does not count where an account is at home.
"""

import datetime
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.core.mail import send_mail
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from backups import conf
from backups.models import AuditEvent
from backups.services import auditing
from backups.services.auditing import Actor

ACTION = "sign-in"
WINDOW = datetime.timedelta(minutes=15)
# How many tries while waiting are written down for one place within the window: whoever likes may try on,
# and must not fill the trail with it.
MOST_LIMITED = 20
# Who has an address of IPv6 has as many as they like: those that begin alike count as one.
_IPV6_BITS = 64
# An account is at home at addresses from which it signed in so lately.
AT_HOME = datetime.timedelta(days=30)
# Wrong passwords before the first waiting: for an account from one address, and from all those where it is
# not at home; from one address for whatever accounts.
FREE, FREE_ELSEWHERE = 5, 20
FIRST_WAIT, LONGEST_WAIT = datetime.timedelta(seconds=30), datetime.timedelta(minutes=5)


def connect() -> None:
    """Call it once the apps are there; calling it again changes nothing."""
    user_logged_in.connect(_signed_in, dispatch_uid="backups.signed_in")
    user_login_failed.connect(_failed, dispatch_uid="backups.sign_in_failed")
    user_logged_out.connect(_signed_out, dispatch_uid="backups.signed_out")


class SlowDown:
    """The first of ``AUTHENTICATION_BACKENDS``: knows nobody, and lets nobody try while it is to wait."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """Raises PermissionDenied, at which Django asks no further backend."""
        if request is None or not _came_over_the_web(request):
            return
        user = _known(credentials)
        account = "" if user is None else str(user.pk)
        if timezone.now() < _may_try_at(account, Place.of(request)):
            request.sign_in_is_limited = True  # type: ignore[attr-defined]
            raise PermissionDenied


@dataclass(frozen=True)
class Place:
    """Where somebody comes from: an address, or a network of IPv6 addresses that is one subscriber's."""

    address: str
    network: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> "Place":
        address = str(request.META.get("REMOTE_ADDR", ""))
        try:
            known = ipaddress.ip_address(address)
        except ValueError:
            return cls(address)
        if known.version == 4 or known.ipv4_mapped is not None:
            return cls(address)
        network = ipaddress.IPv6Network((int(known), _IPV6_BITS), strict=False)
        return cls(address, str(network))

    @property
    def asked(self) -> Q:
        """What of the trail came from there."""
        return Q(details__network=self.network) if self.network else Q(address=self.address)

    @property
    def details(self) -> dict[str, str]:
        return {"network": self.network} if self.network else {}


def _may_try_at(account: str, place: Place) -> datetime.datetime:
    """When the next password is looked at. What was tried while waiting counts for nothing."""
    lately = AuditEvent.objects.filter(action=ACTION, at__gt=timezone.now() - WINDOW)
    here = _failures(lately.filter(place.asked, details__account=account)) if account else []
    moments = [_after(here, FREE)]
    if not (account and _is_at_home(account, place)):
        anybody = place.asked | Q(details__account=account) if account else place.asked
        moments.append(_after(_failures(lately.filter(anybody), keep=True), FREE_ELSEWHERE))
    return max(moments)


def _failures(events: Any, *, keep: bool = False) -> list[datetime.datetime]:
    """The moments of wrong passwords, oldest first; those before the last right one only with ``keep``."""
    found: list[datetime.datetime] = []
    for outcome, at in events.order_by("at", "id").values_list("outcome", "at"):
        if outcome == "accepted" and not keep:
            found.clear()
        elif outcome == "failed":
            found.append(at)
    return found


def _after(failures: list[datetime.datetime], free: int) -> datetime.datetime:
    more = len(failures) - free
    if more < 0:
        return datetime.datetime.min.replace(tzinfo=datetime.UTC)
    wait: datetime.timedelta = min(FIRST_WAIT * 2 ** min(more, 10), LONGEST_WAIT)
    return failures[-1] + wait


def _is_at_home(account: str, place: Place) -> bool:
    return AuditEvent.objects.filter(
        place.asked,
        action=ACTION,
        outcome="accepted",
        details__account=account,
        at__gt=timezone.now() - AT_HOME,
    ).exists()


def _tell_once(user: Any) -> None:
    """To the account's owner, when the waiting begins: once for each window."""
    lately = AuditEvent.objects.filter(action=ACTION, at__gt=timezone.now() - WINDOW)
    address = str(getattr(user, user.get_email_field_name(), "") or "")
    if address and lately.filter(outcome="failed", details__account=str(user.pk)).count() == FREE:
        send_mail(
            _("Wrong passwords for your account at %(application)s")
            % {"application": conf.application()},
            _(
                "Somebody tried %(n)s wrong passwords for your account within 15 minutes. From where they"
                " came, further ones have to wait. If it was not you, choose a longer password."
            )
            % {"n": FREE},
            None,
            [address],
            fail_silently=True,
        )


def _signed_in(sender: Any, request: HttpRequest | None, user: Any, **_others: Any) -> None:
    if request is not None and _came_over_the_web(request):
        details = Place.of(request).details
        auditing.audit(_actor(user, request), ACTION, "accepted", account=str(user.pk), **details)


def _signed_out(sender: Any, request: HttpRequest | None, user: Any, **_others: Any) -> None:
    if user is not None and _came_over_the_web(request):
        auditing.audit(_actor(user, request), "sign-out", "done", account=str(user.pk))


def _failed(
    sender: Any, credentials: Mapping[str, Any], request: HttpRequest | None = None, **_others: Any
) -> None:
    """Who is not known is not named: people type their password into the wrong field."""
    if request is None or not _came_over_the_web(request):
        return
    user = _known(credentials)
    account = "" if user is None else str(user.pk)
    place = Place.of(request)
    is_limited = getattr(request, "sign_in_is_limited", False)
    if is_limited and _is_told_enough(place):
        return
    outcome = "limited" if is_limited else "failed"
    auditing.audit(_actor(user, request), ACTION, outcome, account=account, **place.details)
    if user is not None and not is_limited:
        _tell_once(user)


def _is_told_enough(place: Place) -> bool:
    lately = AuditEvent.objects.filter(action=ACTION, at__gt=timezone.now() - WINDOW)
    return lately.filter(place.asked, outcome="limited").count() >= MOST_LIMITED


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
        id=str(user.pk)[:64],
    )
