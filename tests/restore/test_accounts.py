"""Who may act, who is let in afterwards, and what a file that others made may not do."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from psycopg2 import sql

from backupsvc.studio.models import Organization, User
from restore.database import settling
from restore.plan import PasswordOf, Plan
from tests.restore.conftest import OWNER
from tests.restore.damage import rekey
from tests.restore.forging import Document, Row, encoded, foreign, ours
from tests.restore.steps import codes, plan_as, refusal, restore_as
from tests.restore.tables import changed_tables, rows_of_database

NEW_OWNER = "made@studio.example"
PASSWORD = "correct horse battery staple"
STRANGER = "stranger@elsewhere.example"


def signs_in(email: str, password: str = PASSWORD) -> bool:
    return Client().login(username=email, password=password)


@pytest.fixture
def made_owner(empty_studio) -> User:
    return User.objects.create_superuser(NEW_OWNER, PASSWORD)


def account_of(plan: Plan, email: str):
    return next(a for a in plan.accounts.named if a.email == email)


# Into an empty studio


def test_only_the_owner_who_was_made_there_signs_in(made_owner, empty_studio) -> None:
    plan = plan_as(empty_studio.safe, NEW_OWNER)
    assert not plan.blocking
    assert (plan.accounts.total, plan.accounts.can_sign_in) == (17, 1)
    assert plan.accounts.owners_who_can_sign_in == 1
    assert codes(plan)["restore.no_password"] == "notice"
    restore_as(empty_studio.safe, NEW_OWNER)
    assert signs_in(NEW_OWNER)
    assert set(User.objects.exclude(email=NEW_OWNER).values_list("password", flat=True)) == {None}
    rows = rows_of_database()["studio_user"]
    file = empty_studio.rows["studio_user"]
    assert {k: r | {"password": None} for k, r in file.items()} == {
        k: r for k, r in rows.items() if k in file
    }


def test_an_approved_account_gets_in_by_mail(made_owner, empty_studio) -> None:
    restore_as(empty_studio.safe, NEW_OWNER)
    browser = Client()
    browser.post(reverse("admin_password_reset"), {"email": "designer@studio.example"})
    link = re.search(r"/\S*reset\S*/\S+/", str(mail.outbox[0].body))
    assert link, mail.outbox[0].body
    page = browser.get(link[0].split("testserver")[-1], follow=True)
    browser.post(page.request["PATH_INFO"], {"new_password1": PASSWORD, "new_password2": PASSWORD})
    assert signs_in("designer@studio.example")
    assert not signs_in("admin@studio.example")


def test_an_organisation_that_goes_leaves_its_owner_without_one(empty_studio) -> None:
    gone = Organization.objects.create(name="Gone", slug="gone")
    User.objects.create_superuser(NEW_OWNER, PASSWORD, org=gone)
    plan = plan_as(empty_studio.safe, NEW_OWNER)
    users = next(t for t in plan.tables if t.table == "studio_user")
    assert (users.survives, users.set_null, users.after) == (1, 1, 17)
    restore_as(empty_studio.safe, NEW_OWNER)
    assert User.objects.get(email=NEW_OWNER).org_id is None


# Who acts


@pytest.mark.parametrize(
    "acting",
    [
        "pending@studio.example",
        pytest.param("", marks=pytest.mark.battery),
        pytest.param("nobody@studio.example", marks=pytest.mark.battery),
        pytest.param("admin@studio.example", marks=pytest.mark.battery),
    ],
)
def test_nobody_but_an_owner_who_can_sign_in_may_act(studio, acting) -> None:
    User.objects.create_user("pending@studio.example", PASSWORD, role="OWNER")
    plan = plan_as(studio.safe, acting)
    assert codes(plan)["restore.acting_owner"] == "error"
    before = rows_of_database()
    assert refusal(studio.safe, acting) == "restore.acting_owner"
    assert changed_tables(before, rows_of_database()) == {}


@pytest.mark.parametrize("found_by", ["key", "address"])
def test_the_acting_owner_keeps_what_lets_him_in(studio, tmp_path, found_by) -> None:
    owner = User.objects.get(email=OWNER)

    def demote(row: Row) -> None:
        if row["email"] == OWNER:
            row |= {"role": "VIEWER", "approval_status": "REJECTED", "approved_by": "somebody"}
            row |= {"email": "old@studio.example"} if found_by == "key" else {}
            row["name"] = "As in the file"

    file = ours(studio.safe, tmp_path / "f.json", lambda d: d.change("users", demote))
    if found_by == "address":
        rekey(owner, "another-key")
    plan = plan_as(file)
    acting = account_of(plan, OWNER)
    assert (acting.role, acting.can_sign_in, acting.password) == ("OWNER", True, PasswordOf.TODAY)
    restore_as(file)
    after = User.objects.get(email=OWNER)
    assert (after.pk, after.name) == (owner.pk, "As in the file")
    kept = ("role", "approval_status", "approved_at", "approved_by", "password")
    assert [getattr(after, n) for n in kept] == [getattr(owner, n) for n in kept]


def test_a_lost_survival_is_seen(studio, tmp_path, monkeypatch) -> None:
    """The twin of the test above."""
    monkeypatch.setattr(settling, "keep_acting", lambda *a, **k: 0)
    file = ours(
        studio.safe,
        tmp_path / "f.json",
        lambda d: d.change("users", lambda r: r.update(role="VIEWER")),
    )
    restore_as(file)
    assert User.objects.get(email=OWNER).role == "VIEWER"


def test_two_rows_that_claim_to_be_the_owner_block(studio, tmp_path) -> None:
    owner = User.objects.get(email=OWNER)

    def swap(row: Row) -> None:
        if row["id"] == owner.pk:
            row["email"] = "other@studio.example"
        elif row["email"] == "designer@studio.example":
            row["email"] = OWNER

    file = ours(studio.safe, tmp_path / "f.json", lambda d: d.change("users", swap))
    assert codes(plan_as(file))["restore.acting_ambiguous"] == "error"
    assert refusal(file) == "restore.acting_ambiguous"


def test_the_owner_does_not_get_the_password_of_whoever_has_his_key_now(studio, tmp_path) -> None:
    """The file knows him under a key that is another account's today."""
    owner, other = User.objects.get(email=OWNER), User.objects.get(email="admin@studio.example")
    password, key = owner.password, owner.pk
    rekey(owner, "owner-now")
    rekey(other, key)
    User.objects.filter(pk=key).update(password="somebody else's")
    restore_as(studio.safe)
    assert User.objects.get(email=OWNER).password == password


# Files that others made


def test_a_foreign_file_is_blocked_until_accepted(studio, tmp_path) -> None:
    file = foreign(studio.safe, tmp_path / "f.json")
    assert codes(plan_as(file))["restore.foreign"] == "error"
    before = rows_of_database()
    assert refusal(file) == "restore.foreign"
    assert changed_tables(before, rows_of_database()) == {}
    assert codes(plan_as(file, accept_foreign=True))["restore.foreign"] == "warning"
    assert refusal(file, accept_foreign=True) == ""


def _add_stranger(document: Document, **cells) -> None:
    row = document.read("users")[0]
    row |= {"id": "zz-stranger", "email": STRANGER, "role": "OWNER"}
    row |= {"approval_status": "APPROVED"} | cells
    document.rows["users"].append(encoded(row))


def _promote_everybody(document: Document) -> None:
    document.change("users", lambda row: row.update(role="OWNER"))
    _add_stranger(document)


@pytest.mark.parametrize("scope", ["safe", "complete"])
def test_roles_of_a_foreign_file_count_only_where_granted(studio, tmp_path, scope) -> None:
    granted = ("person-8@studio.example",)
    roles = dict(User.objects.values_list("email", "role"))
    file = foreign(getattr(studio, scope), tmp_path / "f.json", _promote_everybody)
    plan = plan_as(file, accept_foreign=True, grant_roles=granted)
    expected = roles | {STRANGER: "VIEWER", granted[0]: "OWNER"}
    assert {a.email: a.role for a in plan.accounts.named} == expected
    assert [a.email for a in plan.accounts.privileged_new] == [granted[0]]
    restore_as(file, accept_foreign=True, grant_roles=granted)
    assert dict(User.objects.values_list("email", "role")) == expected


def test_a_lost_guard_of_roles_is_seen(studio, tmp_path, monkeypatch) -> None:
    """The twin of the test above."""
    monkeypatch.setattr(settling, "set_roles", lambda *a, **k: 0)
    file = foreign(studio.safe, tmp_path / "f.json", _promote_everybody)
    restore_as(file, accept_foreign=True)
    assert User.objects.get(email=STRANGER).role == "OWNER"


@pytest.mark.parametrize("scope", ["safe", "complete"])
def test_a_stranger_gets_nothing_by_taking_an_owners_key(studio, tmp_path, scope) -> None:
    """He writes his own address over an owner's, under the owner's key."""
    boss = User.objects.create_superuser("boss@studio.example", PASSWORD)

    def take_over(document: Document) -> None:
        _add_stranger(document, id=boss.pk)

    file = foreign(getattr(studio, scope), tmp_path / "f.json", take_over)
    plan = plan_as(file, accept_foreign=True)
    assert account_of(plan, STRANGER).role == "VIEWER"
    restore_as(file, accept_foreign=True)
    assert User.objects.get(email=STRANGER).role == "VIEWER"


def test_a_stranger_gets_nothing_by_writing_an_owners_password(studio, tmp_path) -> None:
    """Who keeps a role of today keeps today's password too."""
    owner = User.objects.get(email=OWNER)
    file = foreign(
        studio.complete,
        tmp_path / "f.json",
        lambda d: d.change("users", lambda row: row.update(password="the stranger's")),
    )
    plan = plan_as(file, accept_foreign=True)
    assert account_of(plan, OWNER).password is PasswordOf.TODAY
    restore_as(file, accept_foreign=True)
    assert User.objects.get(email=OWNER).password == owner.password


def test_passwords_that_a_safe_file_brings_are_not_taken(studio, tmp_path) -> None:
    def add_passwords(document: Document) -> None:
        document.add_column("users", "password", "text", "the stranger's")
        document.section("users")["redacted"] = []
        _add_stranger(document)

    passwords = dict(User.objects.values_list("email", "password"))
    file = foreign(studio.safe, tmp_path / "f.json", add_passwords)
    plan = plan_as(file, accept_foreign=True)
    assert codes(plan)["restore.column_withheld"] == "warning"
    assert plan.accounts.with_files_password == 0
    restore_as(file, accept_foreign=True)
    assert dict(User.objects.values_list("email", "password")) == passwords | {STRANGER: None}


def _let_in(document: Document) -> None:
    """What lets somebody in, for everybody; and a stranger of whom the same is said."""
    document.change("users", lambda row: row.update(role="VIEWER", approval_status="APPROVED"))
    _add_stranger(document, password="!")


def _rejected_owner() -> User:
    former = User.objects.create_superuser("former@studio.example", PASSWORD)
    User.objects.filter(pk=former.pk).update(approval_status="REJECTED")
    return former


def _with_former(former: User):
    def edit(document: Document) -> None:
        _let_in(document)
        _add_stranger(document, id=former.pk, email=former.email, role="VIEWER")

    return edit


def test_a_foreign_file_approves_nobody(studio, tmp_path) -> None:
    former = _rejected_owner()
    file = foreign(studio.complete, tmp_path / "f.json", _with_former(former))
    plan = plan_as(file, accept_foreign=True)
    for email in (former.email, STRANGER):
        assert not account_of(plan, email).can_sign_in, email
    assert plan.accounts.privileged_new == ()
    restore_as(file, accept_foreign=True, confirmed=plan)
    assert not signs_in(former.email)
    statuses = dict(User.objects.values_list("email", "approval_status"))
    assert (statuses[former.email], statuses[STRANGER]) == ("REJECTED", "PENDING")
    assert User.objects.get(email=STRANGER).password is None


def test_a_tick_takes_over_what_the_file_says(studio, tmp_path) -> None:
    file = foreign(studio.complete, tmp_path / "f.json", lambda d: _add_stranger(d))
    restore_as(file, accept_foreign=True, grant_roles=(STRANGER,))
    stranger = User.objects.get(email=STRANGER)
    assert (stranger.role, stranger.approval_status) == ("OWNER", "APPROVED")
    assert stranger.password


def test_an_approval_that_our_own_file_brings_back_is_said(studio, tmp_path) -> None:
    """The role is the same; that he gets in is new."""
    former = _rejected_owner()
    file = ours(
        studio.complete,
        tmp_path / "f.json",
        lambda d: _add_stranger(d, id=former.pk, email=former.email),
    )
    plan = plan_as(file)
    assert [a.email for a in plan.accounts.privileged_new] == [former.email]
    assert codes(plan)["restore.privileged_new"] == "warning"


def test_without_the_guard_of_approvals_the_former_owner_gets_in(
    studio, tmp_path, monkeypatch
) -> None:
    """The twin of the tests above."""
    monkeypatch.setattr(settling, "_withheld", lambda columns: sql.SQL(""))
    former = _rejected_owner()
    file = foreign(studio.complete, tmp_path / "f.json", _with_former(former))
    restore_as(file, accept_foreign=True)
    assert signs_in(former.email)


@pytest.mark.parametrize(
    "column",
    [
        "role",
        pytest.param("email", marks=pytest.mark.battery),
        pytest.param("approval_status", marks=pytest.mark.battery),
    ],
)
def test_a_file_that_leaves_out_what_accounts_are_judged_by_is_blocked(
    studio, tmp_path, column
) -> None:
    def leave_out(document: Document) -> None:
        document.drop_column("users", column)
        document.section("users")["redacted"].append(column)

    file = foreign(studio.safe, tmp_path / "f.json", leave_out)
    assert codes(plan_as(file, accept_foreign=True))["restore.column_missing"] == "error"


def test_a_foreign_file_that_would_leave_no_owner_is_blocked(studio, tmp_path) -> None:
    User.objects.filter(email=OWNER).update(email="elsewhere@studio.example")
    rekey(User.objects.get(email="elsewhere@studio.example"), "elsewhere")
    file = foreign(studio.complete, tmp_path / "f.json")
    assert codes(plan_as(file, accept_foreign=True))["restore.no_owner"] == "error"
    assert refusal(file, accept_foreign=True) == "restore.no_owner"
    assert refusal(file, accept_foreign=True, grant_roles=(OWNER,)) == ""


@pytest.mark.battery
def test_a_file_of_ours_without_an_owner_comes_back_with_a_warning(studio, tmp_path) -> None:
    file = ours(
        studio.complete,
        tmp_path / "f.json",
        lambda d: d.change("users", lambda row: row.update(role="VIEWER")),
    )
    assert codes(plan_as(file))["restore.no_owner"] == "warning"
    assert refusal(file) == ""


@pytest.mark.parametrize("scope", ["safe", "complete"])
def test_a_file_without_accounts_is_no_way_to_lock_everybody_out(studio, tmp_path, scope) -> None:
    file = foreign(getattr(studio, scope), tmp_path / "f.json", lambda d: d.remove_section("users"))
    code = "restore.acting_owner" if scope == "safe" else "restore.no_owner"
    assert codes(plan_as(file, accept_foreign=True))[code] == "error"
    assert refusal(file, accept_foreign=True)
    assert User.objects.count() == 16


def test_the_plan_names_the_acting_owner_by_his_address_of_now(studio, tmp_path) -> None:
    User.objects.filter(email=OWNER).update(email="new@studio.example")
    plan = plan_as(studio.safe, "new@studio.example")
    assert account_of(plan, "new@studio.example").owner
    restore_as(studio.safe, "new@studio.example")
    assert User.objects.get(role="OWNER").email == "new@studio.example"
