"""What a restore must know of the table of accounts, and of tables of things that can be revoked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from backups.wording import _

_CONTRARY = {"true": "false", "false": "true"}


@dataclass(frozen=True)
class Accounts:
    """The fields of the accounts' table, by name.

    Roles, like all values here, are as PostgreSQL prints them: a flag such as ``is_superuser`` is the role
    ``true`` or ``false``. ``owner`` is the role that may restore; ``privileged`` are all roles that a plan
    names one by one; ``fallback_role`` is what an account of a foreign file gets unless its role was
    granted. ``active`` are the values that an account must have to sign in; ``inactive`` are those of one
    that may not yet, which new accounts of a foreign file get unless granted (a flag's is its contrary, and
    need not be named). ``survives`` are the fields
    that the acting owner's account keeps through a Safe restore, beside the password.

    Rights that are not the role: ``flags`` are fields that give power where they are true, ``memberships``
    many-to-many fields that do (roles, groups, permissions). Of a model that has them, ``is_staff``,
    ``is_superuser`` and links to Django's own groups and permissions count whether they are named or not.
    """

    email: str
    name: str
    password: str
    role: str
    owner: str
    privileged: tuple[str, ...]
    fallback_role: str
    active: Mapping[str, str]
    survives: tuple[str, ...]
    inactive: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    memberships: tuple[str, ...] = ()

    def fields(self) -> tuple[str, ...]:
        named = (self.email, self.name, self.password, self.role)
        return (*named, *self.active, *self.survives, *self.inactive, *self.flags)

    def inactive_value(self, name: str) -> str | None:
        """What the field of an account that may not sign in holds; None where nothing says so."""
        return self.inactive.get(name, _CONTRARY.get(self.active[name]))


def role_in_words(role: str) -> str:
    """What people are told of a role: a flag says nothing by its value alone."""
    return {"true": _("owner"), "false": _("no role")}.get(role, role)


def django_accounts(
    *, email: str = "email", name: str = "username", survives: tuple[str, ...] = ()
) -> Accounts:
    """The accounts of Django's own ``User``, or of a model made of ``AbstractUser``: superusers are the
    owners; ``is_staff``, groups and permissions are counted as what they are. ``survives`` names further
    fields that the acting owner's account keeps."""
    return Accounts(
        email=email,
        name=name,
        password="password",  # noqa: S106 - a field's name
        role="is_superuser",
        owner="true",
        privileged=("true",),
        fallback_role="false",
        active={"is_active": "true"},
        flags=("is_staff",),
        memberships=("groups", "user_permissions"),
        survives=("is_superuser", "is_staff", "is_active", email, *survives),
    )
