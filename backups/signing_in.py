"""Who signed in, who tried to and who signed out, in the audit trail: with any of Django's ways to do so.

Whoever guesses passwords is slowed by what stands there, which all workers see; passwords of one account, or
from one place, are looked at one after the other, so that none is tried before those before it count. Nobody
is locked out: the waiting ends by itself, and what comes from elsewhere does not count where an account is at
home.
"""

import datetime
import inspect
import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, get_user_model, load_backend
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.core.mail import send_mail
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from backups import conf
from backups.database import turns
from backups.models import AuditEvent
from backups.services import auditing
from backups.services.auditing import Actor

ACTION = "sign-in"
_OURS = "backups.signing_in.SlowDown"
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
    """The first of ``AUTHENTICATION_BACKENDS``: knows nobody, lets nobody try while it is to wait, and asks
    the others itself, so that what comes of it counts before the next one tries."""

    @sensitive_variables("credentials")
    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> Any:
        """Raises PermissionDenied, at which Django asks no further backend."""
        if request is None or not _came_over_the_web(request):
            return None
        known = _known(credentials)
        account = "" if known is None else str(known.pk)
        attempt = _Attempt(account, Place.of(request))
        request.sign_in_attempt = attempt  # type: ignore[attr-defined]
        with turns.turn(*attempt.names) as is_turn:
            attempt.is_limited = not is_turn or timezone.now() < _may_try_at(account, attempt.place)
            if not attempt.is_limited:
                user, attempt.backend = _ask_others(request, credentials)
                if user is not None:
                    return user
                attempt.is_told = True
                attempt.is_the_fifth = _note_failed(request, known, attempt.place)
        raise PermissionDenied

    def get_user(self, user_id: Any) -> Any:
        """For a session that was opened past ``login``: as the first backend that can says."""
        for _path, backend in _others():
            if hasattr(backend, "get_user"):
                return backend.get_user(user_id)
        return None


@dataclass
class _Attempt:
    """One request's. ``backend`` is the one that knew the password; ``is_told``: it stands in the trail."""

    account: str
    place: "Place"
    is_limited: bool = False
    is_told: bool = False
    is_the_fifth: bool = False
    backend: str = ""

    @property
    def names(self) -> list[str]:
        """Of what attempts count for: those that count for the same are made one after the other."""
        of_place = f"sign-in from {self.place.network or self.place.address}"
        return [of_place, f"sign-in of {self.account}"] if self.account else [of_place]


def _others() -> Iterator[tuple[str, Any]]:
    """The backends behind this one."""
    paths = list(settings.AUTHENTICATION_BACKENDS)
    for path in paths[paths.index(_OURS) + 1 :] if _OURS in paths else paths:
        yield path, load_backend(path)


@sensitive_variables("credentials")
def _ask_others(request: HttpRequest, credentials: Mapping[str, Any]) -> tuple[Any, str]:
    """As Django asks them: https://docs.djangoproject.com/en/stable/topics/auth/customizing/"""
    for path, backend in _others():
        try:
            inspect.signature(backend.authenticate).bind(request, **credentials)
        except TypeError:
            continue  # it takes other credentials
        try:
            user = backend.authenticate(request, **credentials)
        except PermissionDenied:
            break
        if user is not None:
            return user, path
    return None, ""


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


def _is_the_fifth(user: Any) -> bool:
    lately = AuditEvent.objects.filter(action=ACTION, at__gt=timezone.now() - WINDOW)
    return lately.filter(outcome="failed", details__account=str(user.pk)).count() == FREE


def _tell(user: Any) -> None:
    """To the account's owner, when the waiting begins: once for each window."""
    address = str(getattr(user, user.get_email_field_name(), "") or "")
    if address:
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
        _name_the_backend(request, user)
        details = Place.of(request).details
        auditing.audit(_actor(user, request), ACTION, "accepted", account=str(user.pk), **details)


def _name_the_backend(request: HttpRequest, user: Any) -> None:
    """Sessions name the backend that knew the password, which was asked by us."""
    attempt = getattr(request, "sign_in_attempt", None)
    if attempt and attempt.backend and request.session.get(BACKEND_SESSION_KEY) == _OURS:
        user.backend = request.session[BACKEND_SESSION_KEY] = attempt.backend


def _signed_out(sender: Any, request: HttpRequest | None, user: Any, **_others: Any) -> None:
    if user is not None and _came_over_the_web(request):
        auditing.audit(_actor(user, request), "sign-out", "done", account=str(user.pk))


def _failed(
    sender: Any, credentials: Mapping[str, Any], request: HttpRequest | None = None, **_others: Any
) -> None:
    """Who is not known is not named: people type their password into the wrong field."""
    if request is None or not _came_over_the_web(request):
        return
    user, place = _known(credentials), Place.of(request)
    attempt = getattr(request, "sign_in_attempt", None)
    if attempt is not None and attempt.is_limited:
        if not _is_told_enough(place):
            _note(request, user, place, "limited")
        return
    # Where the backend of ours is not in the settings, nothing was written yet.
    if attempt is not None and attempt.is_told:
        is_the_fifth = bool(attempt.is_the_fifth)
    else:
        is_the_fifth = _note_failed(request, user, place)
    if is_the_fifth:
        _tell(user)


def _note_failed(request: HttpRequest, user: Any, place: Place) -> bool:
    """Returns whether it is the one at which the account's owner is told."""
    _note(request, user, place, "failed")
    return user is not None and _is_the_fifth(user)


def _note(request: HttpRequest, user: Any, place: Place, outcome: str) -> None:
    account = "" if user is None else str(user.pk)
    auditing.audit(_actor(user, request), ACTION, outcome, account=account, **place.details)


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
