"""Signing in: e-mail, password, approval. Nothing else is asked."""

from io import StringIO

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import authenticate
from django.contrib.auth.models import AnonymousUser
from django.core.management import call_command

from backupsvc.studio.accounts import RoleBackend
from backupsvc.studio.models import User
from tests.studio.conftest import PASSWORD

Role, Approval = User.Role, User.ApprovalStatus
pytestmark = pytest.mark.django_db


def sign_in(email, password=PASSWORD):
    return authenticate(username=email, password=password)


def test_an_approved_account_signs_in_with_its_password(account):
    designer = account()
    assert sign_in(designer.email) == designer
    assert sign_in(designer.email, "wrong") is None


def test_a_null_password_never_signs_in(account):
    designer = account(password=None)
    assert User.objects.get(pk=designer.pk).password is None
    for attempt in ("", "None", "null", PASSWORD):
        assert sign_in(designer.email, attempt) is None
        assert async_to_sync(designer.acheck_password)(attempt) is False
    assert not designer.has_usable_password()


def test_an_account_that_was_given_a_password_signs_in(account):
    designer = account(password=None)
    designer.set_password(PASSWORD)
    designer.save()
    assert sign_in(designer.email) == designer
    assert async_to_sync(designer.acheck_password)(PASSWORD) is True


@pytest.mark.parametrize("status", [Approval.PENDING, Approval.REJECTED])
def test_an_account_that_is_not_approved_does_not_sign_in(account, status):
    designer = account(approval_status=status)
    assert sign_in(designer.email) is None
    designer.approval_status = Approval.APPROVED
    designer.save()
    assert sign_in(designer.email) == designer


def test_a_session_ends_when_the_approval_is_withdrawn(account, browser_of):
    designer = account()
    browser = browser_of(designer)
    assert browser.get("/admin/").status_code == 200
    User.objects.filter(pk=designer.pk).update(approval_status=Approval.REJECTED)
    assert browser.get("/admin/").status_code == 302


def test_the_spelling_of_an_address_does_not_matter(account):
    designer = account(email="Noa.Levi@studio.example")
    assert sign_in("noa.levi@STUDIO.example") == designer
    assert sign_in("noa.levy@studio.example") is None


def test_addresses_that_differ_only_in_case_are_told_apart_by_spelling(account):
    upper, lower = account(email="NOA@studio.example"), account(email="noa@studio.example")
    assert sign_in("NOA@studio.example") == upper
    assert sign_in("noa@studio.example") == lower
    assert sign_in("Noa@studio.example") is None


def test_createsuperuser_makes_an_approved_owner(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command(
        "createsuperuser", email="boss@studio.example", interactive=False, stdout=StringIO()
    )
    boss = sign_in("boss@studio.example")
    assert (boss.role, boss.approval_status) == (Role.OWNER, Approval.APPROVED)
    assert boss.is_superuser
    assert boss.approved_at


def test_a_new_account_waits_and_is_nobody_special():
    user = User.objects.create_user("new@studio.example")
    assert (user.role, user.approval_status, user.password) == ("DESIGNER", "PENDING", None)
    assert not user.is_active
    assert not user.is_superuser


def test_an_account_needs_an_address():
    with pytest.raises(ValueError, match="address"):
        User.objects.create_user("")


@pytest.mark.parametrize("role", Role)
def test_everybody_may_enter_the_admin(account, browser_of, role):
    assert browser_of(account(role)).get("/admin/").status_code == 200


def test_the_table_has_none_of_the_columns_that_django_would_add():
    names = {field.name for field in User._meta.get_fields()}
    assert not names & {"last_login", "is_active", "is_staff", "is_superuser", "groups"}


@pytest.mark.parametrize("status", [Approval.PENDING, Approval.REJECTED])
def test_an_owner_who_is_not_approved_may_do_nothing(account, status):
    owner = account(Role.OWNER, approval_status=status)
    assert not owner.has_perm("studio.view_room")
    assert not owner.has_module_perms("studio")
    assert owner.get_all_permissions() == set()


def test_a_stranger_may_do_nothing():
    backend, stranger = RoleBackend(), AnonymousUser()
    assert not backend.has_perm(stranger, "studio.view_room")
    assert not backend.has_module_perms(stranger, "studio")
    assert backend.get_all_permissions(stranger) == set()


def test_who_has_a_permission_is_found_by_role(account):
    owner, admin, designer = (account(role) for role in (Role.OWNER, Role.ADMIN, Role.DESIGNER))
    account(Role.ADMIN, email="waiting@studio.example", approval_status=Approval.PENDING)

    def holders(permission, **options):
        return set(RoleBackend().with_perm(permission, **options))

    assert holders("studio.view_room") == {owner, admin, designer}
    assert holders("backups.create_safe_backup") == {owner, admin}
    assert holders("studio.delete_room") == {owner}
    assert holders("studio.delete_room", include_superusers=False) == set()
    assert len(holders("backups.create_safe_backup", is_active=False)) == 3
