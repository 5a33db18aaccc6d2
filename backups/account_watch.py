"""What lets an account in, or lets it do more: whatever of Django saves it, a change is written down.

Beside what the pages write of their own. Of passwords and their hashes nothing is told but that there is
another one. What goes past Django's models (``QuerySet.update``, SQL) sends no signal: that is seen later,
see ``services.account_states``, for which each event keeps how the account is now.
"""

import logging
from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import get_hasher, identify_hasher
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save

from backups.errors import StorageFailure
from backups.logs import kind_of
from backups.permissions import acting_now
from backups.registry import access, registry
from backups.registry.accounts import Accounts, django_accounts
from backups.services import account_states, auditing

logger = logging.getLogger("backups")
ACTION = account_states.ACCESS
_BEFORE = "_backups_access_before"


def connect() -> None:
    """Call it once the declarations are there; calling it again changes nothing."""
    model = get_user_model()
    pre_save.connect(_remember, sender=model, dispatch_uid="backups.access_before")
    post_save.connect(_compare, sender=model, dispatch_uid="backups.access_after")
    post_delete.connect(_removed, sender=model, dispatch_uid="backups.access_removed")
    for section in registry.sections:
        if section.model is model:
            _connect_rights(access.memberships(section))


def _connect_rights(memberships: Iterable[access.Membership]) -> None:
    """Groups and permissions of accounts, and what groups lead to."""
    for membership in memberships:
        links = [membership.field, *membership.onwards]
        for link in links:
            through: Any = link.remote_field.through
            uid = f"backups.rights {through._meta.label}"
            m2m_changed.connect(_rights_changed, sender=through, dispatch_uid=uid)
        if not membership.is_of_permissions:
            uid = f"backups.rights_removed {membership.target._meta.label}"
            post_delete.connect(_group_removed, sender=membership.target, dispatch_uid=uid)


def _rights_changed(sender: type[Model], instance: Any, action: str, **_others: Any) -> None:
    if not action.startswith("post_"):
        return
    changed = [str(sender._meta.model_name)]
    if isinstance(instance, get_user_model()):
        _write(type(instance), instance, "changed", changed=changed)
    else:
        _write_of_many(instance, "changed", changed=changed)


def _group_removed(sender: type[Model], instance: Any, **_others: Any) -> None:
    _write_of_many(instance, "removed")


def _write_of_many(instance: Any, outcome: str, **details: Any) -> None:
    """Of a group, say: what that means for whom."""
    name = str(instance)[:200]
    subject = str(instance.pk or "")[:64]
    auditing.audit(
        acting_now(), ACTION, outcome, subject=subject, name=name, **details, **_states_now(None)
    )


def _states_now(keys: list[Any] | None) -> dict[str, Any]:
    """How they are now, for the next comparison; nothing where the key to tell it by cannot be read."""
    try:
        return account_states.details_of(keys)
    except StorageFailure as error:
        logger.warning("an account's state was not noted (%s)", kind_of(error))
        return {}


def _accounts(model: type[Model]) -> Accounts:
    """What is declared of accounts; of a project that declares none, as Django's own are made."""
    declared = (s.accounts for s in registry.sections if s.accounts and s.model is model)
    return next(declared, None) or django_accounts(name="", email=_email_field(model))


def _email_field(model: Any) -> str:
    return str(model.get_email_field_name())


def _watched(model: type[Model]) -> list[str]:
    accounts = _accounts(model)
    names = [accounts.email, accounts.password, accounts.role, *accounts.active]
    names += [*accounts.flags, *access.FLAGS]
    there = {field.name for field in model._meta.concrete_fields}
    return [name for name in dict.fromkeys(names) if name in there]


def _remember(
    sender: type[Model], instance: Any, using: str, update_fields: Any = None, **_others: Any
) -> None:
    watched = _watched(sender)
    before = None
    if update_fields is None or set(update_fields) & set(watched):
        rows = sender._base_manager.using(using).filter(pk=instance.pk)
        before = rows.values(*watched).first() or {}
    setattr(instance, _BEFORE, before)


def _compare(sender: type[Model], instance: Any, created: bool, **_others: Any) -> None:
    before = instance.__dict__.pop(_BEFORE, None)
    if created:
        _write(sender, instance, "made")
    elif before:
        changed = [name for name in before if before[name] != getattr(instance, name)]
        if changed:
            _write(sender, instance, _outcome(sender, instance, before, changed), changed=changed)


def _outcome(sender: type[Model], instance: Any, before: dict[str, Any], changed: list[str]) -> str:
    """A password that was right may be hashed anew, as the hasher of today does; it stays the same then."""
    password = _accounts(sender).password
    if changed == [password] and getattr(instance, "_password", None) is None:
        return "hashed anew" if _is_outdated(before[password]) else "changed"
    return "changed"


def _is_outdated(hashed: str | None) -> bool:
    try:
        hasher = identify_hasher(hashed or "")
    except ValueError:
        return False
    return hasher.algorithm != get_hasher().algorithm or hasher.must_update(hashed or "")


def _removed(sender: type[Model], instance: Any, **_others: Any) -> None:
    _write(sender, instance, "removed")


def _write(sender: type[Model], instance: Any, outcome: str, **details: Any) -> None:
    accounts = _accounts(sender)
    active = {name: str(getattr(instance, name, "")) for name in accounts.active}
    auditing.audit(
        acting_now(),
        ACTION,
        outcome,
        subject=str(instance.pk)[:64],
        account=str(getattr(instance, accounts.email, "") or ""),
        role=str(getattr(instance, accounts.role, "")),
        approval=", ".join(active.values()),
        **details,
        **_states_now([instance.pk]),
    )
