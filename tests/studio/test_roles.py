"""Who may do what: one table, denied unless listed."""

import pytest
from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Permission

from backups.registry import SAFE, Registry, registry, section
from backupsvc.studio import roles
from backupsvc.studio.models import Room, User
from backupsvc.studio.roles import GROUPS, TABLES, permissions_of, roles_with

Role = User.Role
OTHERS = [role for role in Role if role not in (Role.OWNER, Role.ADMIN)]
SECRET_TABLES = "account session verificationtoken passwordresettoken usersession phaseaccesstoken"


@pytest.fixture
def fresh_cache():
    permissions_of.cache_clear()
    yield
    permissions_of.cache_clear()


def test_the_table_names_every_group_and_no_other():
    groups = {s.group for s in registry.sections if s.model._meta.app_label == "studio"}
    assert set(GROUPS) == groups
    assert set(TABLES) <= set(registry.by_key())


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.ADMIN, *OTHERS])
def test_every_permission_in_the_table_exists(role):
    create_permissions(apps.get_app_config("backups"), verbosity=0)
    known = Permission.objects.values_list("content_type__app_label", "codename")
    assert permissions_of(role) <= {f"{app}.{codename}" for app, codename in known}


@pytest.mark.django_db
def test_owners_may_do_everything(account):
    owner = account(Role.OWNER)
    for permission in ("studio.delete_user", "backups.create_complete_backup", "any.thing"):
        assert owner.has_perm(permission)
    assert owner.has_module_perms("restore")
    assert {"studio.delete_room", "backups.create_complete_backup"} <= owner.get_all_permissions()


@pytest.mark.django_db
def test_admins_edit_the_studio_and_make_safe_backups(account):
    admin = account(Role.ADMIN)
    assert admin.has_perms(["studio.view_room", "studio.add_room", "studio.change_room"])
    assert admin.has_perms(["backups.view_backuprun", "backups.create_safe_backup"])
    assert admin.has_perm("backups.download_safe_backup")
    assert admin.get_all_permissions() == permissions_of(Role.ADMIN)


def test_admins_have_nothing_of_complete_backups_and_restores():
    granted = {p for p in permissions_of(Role.ADMIN) if not p.startswith("studio.")}
    assert granted == set(roles.ADMIN_BACKUPS)
    assert not any("complete" in p for p in granted)


@pytest.mark.parametrize("role", OTHERS)
def test_everybody_else_looks_at_the_studio_and_sees_nothing_of_backups(role):
    granted = permissions_of(role)
    assert {"studio.view_project", "studio.view_room", "studio.view_chatmessage"} <= granted
    assert all(p.startswith("studio.view_") for p in granted)
    assert "studio.view_user" not in granted


@pytest.mark.parametrize("role", [Role.ADMIN, *OTHERS])
def test_only_owners_see_what_signs_people_in(role):
    for table in SECRET_TABLES.split():
        assert not any(p.endswith(f"_{table}") for p in permissions_of(role))


@pytest.mark.parametrize("role", [Role.ADMIN, *OTHERS])
def test_only_owners_delete(role):
    assert not any("delete_" in p for p in permissions_of(role))


@pytest.mark.parametrize("role", [Role.ADMIN, *OTHERS])
def test_a_table_in_a_new_group_is_the_owners_alone(role, monkeypatch, fresh_cache):
    alone = Registry()
    section(Room, key="rooms", group="Something new", scopes={SAFE}, to=alone)
    monkeypatch.setattr(roles, "registry", alone)
    assert not any(p.endswith("_room") for p in permissions_of(role))


def test_the_same_table_in_a_known_group_is_not(monkeypatch, fresh_cache):
    alone = Registry()
    section(Room, key="rooms", group="Core Data", scopes={SAFE}, to=alone)
    monkeypatch.setattr(roles, "registry", alone)
    assert "studio.view_room" in permissions_of(Role.VIEWER)


def test_nothing_is_granted_on_a_single_row(db, account):
    designer = account()
    assert designer.has_perm("studio.view_room")
    assert not designer.has_perm("studio.view_room", Room())


def test_roles_are_found_by_permission():
    assert roles_with("backups.create_safe_backup") == ["OWNER", "ADMIN"]
    assert roles_with("studio.delete_room") == ["OWNER"]
    assert set(roles_with("studio.view_room")) == set(Role.values)
