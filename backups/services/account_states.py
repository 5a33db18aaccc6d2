"""Whether accounts that may act as owners or admins are as the audit trail knows them.

What Django saves is written down as it happens (``backups.account_watch``); ``QuerySet.update`` and SQL send
no signal. So the trail also keeps, of each such account, fingerprints of what lets it in and of what it may
do, and ``compare`` holds them against the accounts as they are: at each backup and restore, whenever the
trail is verified, and once a day by a worker. What differs and was told by nobody becomes an event.

Fingerprints are HMACs under the installation's key: of a password's hash, too, they tell nothing but that it
is another one. A trigger on the accounts' table would see who did it at once; but a restore empties and loads
that table, and in another project it would be one more thing that acts by itself.
"""

import datetime
import enum
import hashlib
import hmac
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import BooleanField, F, Model, Q
from django.utils import timezone

from backups.artifact import digest
from backups.database import locks
from backups.errors import BackupSystemError
from backups.models import AuditEvent
from backups.registry import access, registry
from backups.registry.sections import Section
from backups.services import auditing, installation
from backups.services.auditing import Actor

logger = logging.getLogger("backups")

ACTION = "account.states"
ACCESS = "account.access"
CHANGED_OUTSIDE = "changed outside"
OUTSIDE = Actor(name="outside")
NOBODY = Actor(name="application")
# Actions after whose success accounts are others, as somebody wanted. An app on top adds its own.
REPLACING: set[str] = set()
RIGHTS = "rights"
# So many are named one by one; of more their number is told, and all are noted anew.
NAMED = 50
_LOOKS = 3
_BETWEEN_LOOKS_SECONDS = 0.2
_NOTED_ANEW_SECONDS = 24 * 3600
_LETTERS = 12

# Of more accounts than these not all are watched: see ``Width``. A trail is read at each backup.
MOST = 2_000

# Fingerprints by the names of fields; empty of an account that may not act as owner or admin. Under
# ``REASON`` the narrowest ``Width`` at which it is watched.
Fields = Mapping[str, str]
REASON = ".watched for"


class Width(enum.IntEnum):
    """For what an account is watched, each with those before it. Whole customers may be in a group."""

    NOTHING = 0
    ROLE = 1
    FLAGS = 2
    RIGHTS = 3


@dataclass
class Known:
    """What the trail says: of each account the fingerprints, and under which key they were made; and how many
    are watched since ``at``."""

    at: Any = None
    width: Width = Width.RIGHTS
    accounts: dict[str, tuple[str, Fields]] = field(default_factory=dict)
    is_replaced: bool = False


def details_of(keys: Iterable[Any] | None = None) -> dict[str, Any]:
    """What an event keeps of the accounts with these keys, or of all that may act as owner or admin. Raises
    StorageFailure."""
    if keys is None:
        return _details(width_now())
    known = [*keys]
    details = _details(Width.RIGHTS, known)
    found = details["states"]
    return details | {"states": {str(key): found.get(str(key), {}) for key in known}}


def _details(width: Width, keys: Iterable[Any] | None = None) -> dict[str, Any]:
    secret = installation.key()
    return {"states": _states(secret, width, keys), "states_by": digest.key_id(secret)}


def note(**details: Any) -> None:
    """Take accounts as they are now for known. Raises StorageFailure."""
    head = AuditEvent.objects.exclude(number=None).order_by("-number").first()
    # Read before the accounts: what is told meanwhile counts after this.
    after: dict[str, Any] = {"number": head.number} if head else {}
    width = width_now()
    found = _details(width)
    details |= {"count": len(found["states"]), "width": width.name}
    auditing.audit(NOBODY, ACTION, "noted", **after, **details, **found)


def width_now() -> Width:
    """The widest at which no more than ``MOST`` accounts are watched."""
    section = _section()
    if section is None:
        return Width.NOTHING
    for width in (Width.RIGHTS, Width.FLAGS, Width.ROLE):
        rows = section.model._base_manager.filter(_may_act(section, width))
        if len(rows.values_list("pk").distinct()[: MOST + 1]) <= MOST:
            return width
    return Width.NOTHING


def compare() -> list[str]:
    """Write down what was changed past the application since the trail knew it. Returns the keys of those
    accounts. Silent where it cannot be told: the log says so."""
    try:
        return _compare()
    except BackupSystemError as error:
        logger.warning("accounts were not compared with the audit trail (%s)", error.code)
        return []


class Daily:
    """``compare`` for who asks again and again: once a day of this process."""

    def __init__(self) -> None:
        self._last = float("-inf")

    def __call__(self) -> None:
        if time.monotonic() - self._last > _NOTED_ANEW_SECONDS:
            self._last = time.monotonic()
            compare()


def outside_lately(days: int = 7) -> int:
    """How many changes past the application were written down in so many days."""
    since = timezone.now() - datetime.timedelta(days=days)
    return AuditEvent.objects.filter(action=ACCESS, outcome=CHANGED_OUTSIDE, at__gt=since).count()


def _compare() -> list[str]:
    if _section() is None or _is_restoring():
        return []
    known = _known()
    width = width_now()
    if known.at is None and not _states(installation.key(), width):
        return []  # there is nobody yet
    if known.at is None or known.is_replaced:
        note(**({"reason": "restore"} if known.is_replaced else {}))
        return []
    both = min(width, known.width)
    changed = _changed(known, both)
    for _look in range(_LOOKS - 1):
        if not changed:
            break
        # A change and its event are two commits, where the application made them so.
        time.sleep(_BETWEEN_LOOKS_SECONDS)
        known = _known()
        changed = {key: names for key, names in _changed(known, both).items() if key in changed}
    for key in [*changed][:NAMED]:
        _tell(key, changed[key])
    if width is not known.width:
        # Of more than MOST.
        logger.warning("accounts are compared with the audit trail by: %s", width.name)
    is_old = (timezone.now() - known.at).total_seconds() > _NOTED_ANEW_SECONDS
    if len(changed) > NAMED or is_old or width is not known.width:
        note(**({"changed": len(changed)} if len(changed) > NAMED else {}))
    return [*changed]


def _tell(key: str, changed: list[str]) -> None:
    accounts = _accounts()
    model = get_user_model()
    row = model._base_manager.filter(pk=key).first() if _is_key(model, key) else None
    if row is None:
        said = {}
    else:
        active = [str(getattr(row, name, "")) for name in accounts.active]
        said = {
            "account": str(getattr(row, accounts.email, "") or ""),
            "role": str(getattr(row, accounts.role, "")),
            "approval": ", ".join(active),
        }
    auditing.audit(
        OUTSIDE,
        ACCESS,
        CHANGED_OUTSIDE,
        subject=key[:64],
        changed=changed,
        **said,
        **details_of([key]),
    )


def _changed(known: Known, width: Width) -> dict[str, list[str]]:
    """By the key of each account that is not as it is known, the fields that differ; of those that are, or
    were, watched at that width."""
    names = {by for by, _fields in known.accounts.values()}
    every = installation.keys()
    secrets = {digest.key_id(secret): secret for secret in every}
    today = digest.key_id(every[0])
    now = {name: _states(secrets[name], width) for name in {*names, today} if name in secrets}
    found = {}
    for key in {*known.accounts, *now[today]}:
        name, before = known.accounts.get(key, (today, {}))
        if name not in now:
            continue  # told under a key that is no more
        after: Fields = now[name].get(key, {})
        if not after and before and int(before.get(REASON, Width.ROLE)) > width:
            continue
        names_of_both = {*before, *after} - {REASON}
        if differing := sorted(n for n in names_of_both if before.get(n) != after.get(n)):
            found[key] = differing
    return dict(sorted(found.items()))


def _known() -> Known:
    """In the order in which events were committed; those of a transaction of our own last."""
    last = F("number").desc(nulls_first=True)
    noted = AuditEvent.objects.filter(action=ACTION, outcome="noted").order_by(last, "-id").first()
    if noted is None:
        return Known()
    known = Known(at=noted.at, width=Width[noted.details.get("width", Width.RIGHTS.name)])
    _learn(known, noted)
    after = noted.details.get("number") if noted.number else None
    since = AuditEvent.objects.all()
    if after is not None:
        since = since.filter(Q(number__gt=after) | Q(number=None))
    elif noted.number is None:
        since = since.filter(number=None, id__gt=noted.id)
    told = since.filter(action=ACCESS).order_by(F("number").asc(nulls_last=True), "id")
    for event in told.iterator():
        _learn(known, event)
    known.is_replaced = since.filter(action__in=REPLACING, outcome="succeeded").exists()
    return known


def _learn(known: Known, event: AuditEvent) -> None:
    name = str(event.details.get("states_by", ""))
    for key, fields in (event.details.get("states") or {}).items():
        known.accounts[key] = (name, fields)


def _section() -> Section | None:
    model = get_user_model()
    return next((s for s in registry.sections if s.accounts and s.model is model), None)


def _accounts() -> Any:
    section = _section()
    assert section is not None  # noqa: S101 - asked before
    return section.accounts


def _is_restoring() -> bool:
    connection.ensure_connection()
    return locks.restore_is_running(connection.connection)


def _states(
    secret: bytes, width: Width, keys: Iterable[Any] | None = None
) -> dict[str, dict[str, str]]:
    """Of the accounts that may act as owner or admin, by their keys."""
    section = _section()
    if section is None:
        return {}
    model, accounts, flags = section.model, _accounts(), access.flags(section)
    rows = model._base_manager.filter(_may_act(section, width))
    if keys is not None:
        rows = rows.filter(pk__in=[key for key in keys if _is_key(model, key)])
    names = [accounts.email, accounts.password, accounts.role, *accounts.active, *flags]
    watched = [name for name in dict.fromkeys(names) if name in _columns(model)]
    found = {row["pk"]: row for row in rows.values("pk", *watched).distinct()}
    rights = _rights(section, [*found])
    return {
        str(key): {
            name: _fingerprint(secret, key, name, value)
            for name, value in (row | {RIGHTS: rights.get(key, "")}).items()
            if name != "pk"
        }
        | {REASON: str(int(_reason(section, row)))}
        for key, row in found.items()
    }


def _reason(section: Section, row: Mapping[str, Any]) -> Width:
    if row.get(_accounts().role) in _roles(section):
        return Width.ROLE
    is_flagged = any(row.get(name) for name in access.flags(section))
    return Width.FLAGS if is_flagged else Width.RIGHTS


def _roles(section: Section) -> list[Any]:
    """The values of the role that make an owner or an admin."""
    accounts = _accounts()
    role = section.model._meta.get_field(accounts.role)
    wanted = [*dict.fromkeys((accounts.owner, *accounts.privileged))]
    return [text == "true" for text in wanted] if isinstance(role, BooleanField) else wanted


def _may_act(section: Section, width: Width) -> Q:
    """Whoever is watched at that width."""
    if width is Width.NOTHING:
        return Q(pk__in=[])
    asked = Q(**{f"{_accounts().role}__in": _roles(section)})
    for name in access.flags(section) if width >= Width.FLAGS else ():
        asked |= Q(**{name: True})
    for membership in access.memberships(section) if width >= Width.RIGHTS else ():
        asked |= Q(**{f"{membership.name}__isnull": False})
    return asked


def _rights(section: Section, keys: list[Any]) -> dict[Any, str]:
    """Whereby accounts have rights beside the role, and what those lead to, as text."""
    found: dict[Any, set[str]] = {}
    for membership in access.memberships(section):
        paths = [membership.name, *(f"{membership.name}__{on.name}" for on in membership.onwards)]
        for path in paths:
            rows = section.model._base_manager.filter(pk__in=keys, **{f"{path}__isnull": False})
            for key, target in rows.values_list("pk", f"{path}__pk"):
                found.setdefault(key, set()).add(f"{path} {target}")
    return {key: "\n".join(sorted(said)) for key, said in found.items()}


def _columns(model: type[Model]) -> set[str]:
    return {found.name for found in model._meta.concrete_fields}


def _is_key(model: type[Model], key: Any) -> bool:
    """Whether an account may have it: keys may have been of another type when the trail learned them."""
    try:
        model._meta.pk.to_python(key)
    except ValidationError:
        return False
    return True


def _fingerprint(secret: bytes, key: Any, name: str, value: Any) -> str:
    said = "\0".join(("account", str(key), name, repr(value)))
    return hmac.new(secret, said.encode(), hashlib.sha256).hexdigest()[:_LETTERS]
