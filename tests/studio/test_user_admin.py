"""Accounts in the admin: owners decide on roles, approvals and passwords, and nobody else does."""

import threading
from typing import Any

import pytest
from django.contrib.admin import site as admin_site
from django.contrib.auth import authenticate
from django.core.exceptions import PermissionDenied
from django.db import connection, connections, transaction
from django.urls import reverse

from backups.models import AuditEvent
from backupsvc.studio.admin import users
from backupsvc.studio.models import Organization, User
from tests.studio.conftest import PASSWORD
from tests.studio.pages import fields_on

Role, Approval = User.Role, User.ApprovalStatus
pytestmark = pytest.mark.django_db
NEW_PASSWORD = "a-new-and-long-one-77"
PASSWORDS = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
AGAIN = {"password_again": PASSWORD}
DELETE = {"post": "yes", "password": PASSWORD}


@pytest.fixture
def owner(account):
    return account(Role.OWNER)


@pytest.fixture
def admin(account):
    return account(Role.ADMIN)


@pytest.fixture
def designer(account):
    return account(Role.DESIGNER, password=None)


def sign_in(email, password) -> Any:
    return authenticate(username=email, password=password)


def change_page(user):
    return reverse("admin:studio_user_change", args=[user.pk])


def delete_page(user):
    return reverse("admin:studio_user_delete", args=[user.pk])


def password_page(user):
    return reverse("admin:auth_user_password_change", args=[user.pk])


def edit(browser, user, **changes):
    page = change_page(user)
    return browser.post(page, fields_on(browser.get(page), "user_form") | AGAIN | changes)


def add(browser, **fields):
    page = reverse("admin:studio_user_add")
    return browser.post(page, fields_on(browser.get(page), "user_form") | AGAIN | fields)


def test_an_owner_changes_roles(owner, designer, browser_of):
    assert edit(browser_of(owner), designer, role=Role.RENDERER).status_code == 302
    designer.refresh_from_db()
    assert designer.role == Role.RENDERER


def test_an_owners_approval_says_who_and_when(owner, account, browser_of):
    waiting = account(approval_status=Approval.PENDING)
    edit(browser_of(owner), waiting, approval_status=Approval.APPROVED)
    waiting.refresh_from_db()
    assert waiting.is_active
    assert waiting.approved_by == owner.pk
    assert waiting.approved_at


def test_an_admin_edits_an_account_but_not_its_role_or_approval(admin, account, browser_of):
    waiting = account(approval_status=Approval.PENDING)
    browser = browser_of(admin)
    page = fields_on(browser.get(change_page(waiting)), "user_form")
    assert not page.keys() & {"role", "approval_status", "approved_at", "approved_by"}
    edit(browser, waiting, name="New name", role=Role.OWNER, approval_status=Approval.APPROVED)
    waiting.refresh_from_db()
    assert waiting.name == "New name"
    assert (waiting.role, waiting.approval_status) == (Role.DESIGNER, Approval.PENDING)


def test_an_admin_cannot_edit_an_owner(admin, owner, browser_of):
    browser = browser_of(admin)
    assert browser.get(change_page(owner)).status_code == 200
    answer = browser.post(change_page(owner), {"email": admin.email})
    assert answer.status_code == 403
    owner.refresh_from_db()
    assert owner.email == "owner@studio.example"


def test_an_admin_adds_accounts_that_wait_and_have_no_password(admin, browser_of):
    answer = add(
        browser_of(admin),
        email="new@studio.example",
        role=Role.OWNER,
        approval_status=Approval.APPROVED,
        **PASSWORDS,
    )
    assert answer.status_code == 302
    new = User.objects.get(email="new@studio.example")
    assert (new.role, new.approval_status, new.password) == ("DESIGNER", "PENDING", None)


def test_an_owner_adds_accounts_with_a_password(owner, browser_of):
    answer = add(
        browser_of(owner),
        email="new@studio.example",
        role=Role.ADMIN,
        approval_status=Approval.APPROVED,
        usable_password="true",
        **PASSWORDS,
    )
    assert answer.status_code == 302
    new = sign_in("new@studio.example", NEW_PASSWORD)
    assert (new.role, new.approved_by) == (Role.ADMIN, owner.pk)


def test_an_owner_sets_the_password_of_somebody_who_has_none(owner, designer, browser_of):
    browser = browser_of(owner)
    assert "There is none" in browser.get(change_page(designer)).content.decode()
    assert browser.get(password_page(designer)).status_code == 200
    answer = browser.post(password_page(designer), {**PASSWORDS, **AGAIN, "set-password": "1"})
    assert answer.status_code == 302
    assert sign_in(designer.email, NEW_PASSWORD) == designer


@pytest.mark.parametrize("role", [role for role in Role if role != Role.OWNER])
def test_nobody_else_sets_passwords(designer, account, browser_of, role):
    browser = browser_of(account(role, email="somebody@studio.example"))
    assert browser.get(password_page(designer)).status_code == 403
    assert browser.post(password_page(designer), PASSWORDS).status_code == 403
    designer.refresh_from_db()
    assert designer.password is None


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.OWNER, Role.ADMIN)])
def test_nobody_else_sees_accounts(designer, account, browser_of, role):
    browser = browser_of(account(role, email="somebody@studio.example"))
    assert browser.get(reverse("admin:studio_user_changelist")).status_code == 403
    assert browser.get(change_page(designer)).status_code == 403


def test_a_password_hash_is_on_no_page(owner, browser_of):
    browser = browser_of(owner)
    for page in (change_page(owner), password_page(owner), reverse("admin:studio_user_changelist")):
        content = browser.get(page).content.decode()
        assert owner.password not in content
        assert owner.password.split("$")[-1] not in content


def test_saving_an_account_keeps_its_password(owner, browser_of, account):
    renderer = account(Role.RENDERER)
    edit(browser_of(owner), renderer, name="New name")
    assert sign_in(renderer.email, PASSWORD).name == "New name"


@pytest.mark.parametrize("change", [{"role": Role.ADMIN}, {"approval_status": Approval.REJECTED}])
def test_the_last_owner_stays_one(owner, account, browser_of, change):
    account(Role.OWNER, email="waiting@studio.example", approval_status=Approval.PENDING)
    answer = edit(browser_of(owner), owner, **change)
    assert "must keep an approved owner" in answer.content.decode()
    owner.refresh_from_db()
    assert owner.is_superuser
    assert owner.is_active


def test_one_of_two_owners_may_step_down(owner, account, browser_of):
    account(Role.OWNER, email="second@studio.example")
    assert edit(browser_of(owner), owner, role=Role.ADMIN).status_code == 302
    owner.refresh_from_db()
    assert owner.role == Role.ADMIN


def test_an_owner_deletes_others_but_not_themselves(owner, account, browser_of):
    second = account(Role.OWNER, email="second@studio.example")
    browser = browser_of(owner)
    delete = {"action": "delete_selected", "post": "yes", "_selected_action": [owner.pk]}
    assert browser.post(delete_page(owner), {"post": "yes"}).status_code == 403
    browser.post(
        reverse("admin:studio_user_changelist"), delete | {"_selected_action": [second.pk]}
    )
    assert set(User.objects.all()) == {owner, second}, "not in bulk"
    assert browser.post(delete_page(second), DELETE).status_code == 302
    assert set(User.objects.all()) == {owner}


@pytest.mark.parametrize("typed", [{}, {"password": "a guess"}])
def test_no_account_is_deleted_without_the_password(owner, designer, browser_of, typed):
    browser = browser_of(owner)
    assert "Your password, again" in browser.get(delete_page(designer)).content.decode()
    said = browser.post(delete_page(designer), {"post": "yes"} | typed, follow=True)
    assert "password" in said.content.decode() and User.objects.filter(pk=designer.pk).exists()


def test_nor_with_what_it_belongs_to(owner, account, browser_of):
    studio = Organization.objects.create(name="Studio", slug="studio")
    account(org=studio)
    page = reverse("admin:studio_organization_delete", args=[studio.pk])
    assert browser_of(owner).post(page, {"post": "yes"}).status_code == 403
    assert User.objects.filter(org=studio).exists()


def test_an_owner_does_not_go_with_the_organisation(account, browser_of):
    studio = Organization.objects.create(name="Studio", slug="studio")
    empty = Organization.objects.create(name="Empty", slug="empty")
    browser = browser_of(account(Role.OWNER, org=studio))
    for organization, expected in [(studio, 403), (empty, 302)]:
        page = reverse("admin:studio_organization_delete", args=[organization.pk])
        assert browser.post(page, {"post": "yes"}).status_code == expected
    assert User.objects.filter(org=studio).exists()


def test_an_address_belongs_to_one_account_however_it_is_spelled(owner, designer, browser_of):
    browser = browser_of(owner)
    answer = add(browser, email="DESIGNER@studio.example", **PASSWORDS)
    assert "There is an account with this address." in answer.content.decode()
    assert edit(browser, designer, email="designer@STUDIO.example").status_code == 302


WRONG = [{"password_again": ""}, {"password_again": "a guess"}]


def events(**fields):
    return AuditEvent.objects.filter(**fields)


@pytest.mark.parametrize("typed", WRONG)
@pytest.mark.parametrize(
    "change",
    [
        {"role": Role.OWNER},
        {"role": Role.RENDERER},
        {"approval_status": Approval.REJECTED},
        {"email": "mine@elsewhere.example"},
    ],
)
def test_nothing_decisive_changes_without_the_password(owner, designer, browser_of, change, typed):
    before = User.objects.filter(pk=designer.pk).values().get()
    assert edit(browser_of(owner), designer, **change, **typed).status_code == 200
    assert User.objects.filter(pk=designer.pk).values().get() == before


def test_an_admin_changes_no_address_without_the_password(admin, designer, browser_of):
    browser = browser_of(admin)
    assert edit(browser, designer, email="mine@x.example", password_again="").status_code == 200
    designer.refresh_from_db()
    assert designer.email == "designer@studio.example"
    assert edit(browser, designer, email="mine@x.example").status_code == 302


def test_what_decides_nothing_is_changed_without_the_password(owner, designer, browser_of):
    answer = edit(browser_of(owner), designer, name="New name", password_again="")
    assert answer.status_code == 302


@pytest.mark.parametrize("typed", WRONG)
def test_no_account_is_made_without_the_password(owner, browser_of, typed):
    new = {"email": "new@studio.example", "role": Role.OWNER, "usable_password": "true"}
    assert add(browser_of(owner), **new, **PASSWORDS, **typed).status_code == 200
    assert not User.objects.filter(email="new@studio.example").exists()


@pytest.mark.parametrize("typed", WRONG)
@pytest.mark.parametrize("whose", ["owner", "designer"])
def test_no_password_is_set_without_the_password(owner, designer, browser_of, whose, typed):
    """One's own neither: else a session left open would be worth the password."""
    user = {"owner": owner, "designer": designer}[whose]
    before = user.password
    browser = browser_of(owner)
    assert "Your password, again" in browser.get(password_page(user)).content.decode()
    for data in (
        {**PASSWORDS, "set-password": "1"},
        {"usable_password": "false", "unset-password": "1"},
    ):
        assert browser.post(password_page(user), data | typed).status_code == 200
    user.refresh_from_db()
    assert user.password == before


def test_another_address_opens_no_lock(owner, account, browser_of):
    """Five wrong ones are five wrong ones of the account, whatever it is called meanwhile."""
    account(Role.OWNER, email="second@studio.example")
    browser = browser_of(owner)
    for _ in range(5):
        edit(browser, owner, role=Role.ADMIN, password_again="a guess")
    User.objects.filter(pk=owner.pk).update(email="renamed@studio.example")
    answer = edit(browser, owner, role=Role.ADMIN)
    assert "5 wrong passwords" in answer.content.decode()
    owner.refresh_from_db()
    assert owner.role == Role.OWNER


def test_what_is_done_to_accounts_is_written_down(owner, designer, browser_of):
    browser = browser_of(owner)
    edit(browser, designer, role=Role.ADMIN)
    browser.post(password_page(designer), {**PASSWORDS, **AGAIN, "set-password": "1"})
    add(browser, email="new@studio.example", usable_password="true", **PASSWORDS)
    browser.post(delete_page(designer), DELETE)
    first, second = events(action="account.change", subject=designer.pk).order_by("id")
    assert (first.details["role"], first.details["changed"]) == ("ADMIN", ["Role"])
    assert second.details["changed"] == ["password"]
    assert events(action="account.add", details__account="new@studio.example").count() == 1
    assert events(action="account.delete", subject=designer.pk).count() == 1
    assert {event.person_email for event in events(subject=designer.pk)} == {"", owner.email}
    assert {event.outcome for event in events(person_email="")} == {"made"}, "by the test itself"
    assert not [event for event in events() if NEW_PASSWORD in str(event.details)]


# Two at once


def remaining(owner, account, browser_of) -> list[str]:
    """Two owners delete each other at the same time: the roles that remain."""
    other = account(Role.OWNER, email="other@studio.example")
    browser = browser_of(other)

    def post() -> None:
        browser.post(delete_page(owner), DELETE)
        connections.close_all()

    late = threading.Thread(target=post)
    with transaction.atomic():
        users.owners_held()
        User.objects.filter(pk=other.pk).update(role=Role.VIEWER)
        late.start()
        wait_for_lock_or_end(late)
    late.join()
    return list(User.objects.values_list("role", flat=True))


def wait_for_lock_or_end(thread: threading.Thread) -> None:
    with connection.cursor() as cursor:
        while thread.is_alive():
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid())"
            )
            if cursor.fetchone()[0]:
                return


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_remove_each_other_one_remains(owner, account, browser_of):
    assert Role.OWNER in remaining(owner, account, browser_of)


@pytest.mark.django_db(transaction=True)
def test_without_holding_them_none_would(owner, account, browser_of, monkeypatch):
    """A twin."""
    monkeypatch.setattr(users, "_require_owner_beside", lambda removed: None)
    assert Role.OWNER not in remaining(owner, account, browser_of)


def test_nor_are_all_owners_deleted(owner, rf):
    site_admin = admin_site._registry[User]
    with pytest.raises(PermissionDenied):
        site_admin.delete_queryset(rf.post("/"), User.objects.all())
    with pytest.raises(PermissionDenied):
        site_admin.delete_model(rf.post("/"), owner)
    assert User.objects.filter(pk=owner.pk).exists()
