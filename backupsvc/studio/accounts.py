"""Who somebody is and what they may do: e-mail, password and role, and nothing stored per person.

An account that is not approved is nobody: it cannot sign in, and a session it still has ends at its
next request.
"""

from typing import Any

from django.apps import apps
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import Model, QuerySet

from backupsvc.studio.models import User
from backupsvc.studio.roles import permissions_of, roles_with


class RoleBackend(ModelBackend):
    """Signs in as Django does, and takes permissions from ``roles`` instead of from tables."""

    def get_user_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        """None: nothing is granted to a person."""
        return set()

    def get_group_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        """None: there are no groups."""
        return set()

    def get_all_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        """What the role grants. As with Django's own backend, nothing is granted on one object."""
        if not user_obj.is_active or obj is not None:
            return set()
        if user_obj.is_superuser:
            return _every_permission()
        return set(permissions_of(user_obj.role))

    def has_perm(self, user_obj: Any, perm: str, obj: Model | None = None) -> bool:
        if not user_obj.is_active:
            return False
        if user_obj.is_superuser:
            return True
        return obj is None and perm in permissions_of(user_obj.role)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        if not user_obj.is_active:
            return False
        if user_obj.is_superuser:
            return True
        return any(p.startswith(f"{app_label}.") for p in permissions_of(user_obj.role))

    def with_perm(
        self,
        perm: str | Permission,
        is_active: bool = True,
        include_superusers: bool = True,
        obj: Model | None = None,
    ) -> QuerySet[User]:
        """The accounts whose role carries a permission."""
        if isinstance(perm, Permission):
            perm = f"{perm.content_type.app_label}.{perm.codename}"
        roles = roles_with(perm)
        if not include_superusers:
            roles.remove(User.Role.OWNER)
        users = User.objects.filter(role__in=roles)
        approved = User.ApprovalStatus.APPROVED
        return users.filter(approval_status=approved) if is_active else users


def _every_permission() -> set[str]:
    found = set()
    for model in apps.get_models():
        opts = model._meta
        names = [f"{action}_{opts.model_name}" for action in opts.default_permissions]
        names += [codename for codename, _ in opts.permissions]
        found |= {f"{opts.app_label}.{name}" for name in names}
    return found
