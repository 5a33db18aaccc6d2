"""Without a kit: where nothing is yet, one choice takes all accounts; where something is, the rules stay."""

import pytest

from backups.models import AuditEvent
from backupsvc.studio.models import Organization, User
from restore.services.planning import pristine
from tests.restore.conftest import OWNER
from tests.restore.forging import foreign
from tests.restore.steps import codes, plan_as, refusal, restore_as
from tests.restore.tables import changed_tables, rows_of_database

FIRST = "first@new.example"
PASSWORD = "correct horse battery staple"


@pytest.fixture
def new_server(empty_studio) -> User:
    return User.objects.create_superuser(FIRST, PASSWORD)


def test_one_choice_gives_back_every_account_as_in_the_file(new_server, empty_studio, tmp_path):
    file = foreign(empty_studio.complete, tmp_path / "f.json")
    assert plan_as(file, FIRST).is_new_here
    plan = plan_as(file, FIRST, all_accounts=True)
    assert plan.blocking == ()
    assert plan.accounts.in_file["OWNER"] >= 1
    assert plan.accounts.lost["file"] == {}
    assert plan.accounts.lost["now"] == {"account": 1}, "the one who acts"
    # What lets people in without a password is asked for by itself.
    let_in = tuple(one.section for one in plan.access)
    assert {"sessions", "accounts", "clientAccessTokens"} <= {*let_in}
    plan = plan_as(file, FIRST, all_accounts=True, let_in=let_in)
    run = restore_as(file, FIRST, all_accounts=True, let_in=let_in, confirmed=plan)
    assert changed_tables(empty_studio.rows, rows_of_database()) == {}
    assert run.report["people_lost"]["file"] == {}
    assert run.report["outgoing_held"], "it is another installation's file still"
    assert AuditEvent.objects.filter(action="restore.all_accounts", outcome="chosen").exists()


def test_without_the_choice_the_plan_and_the_report_count_whom_it_costs_what(
    new_server, empty_studio, tmp_path
):
    file = foreign(empty_studio.complete, tmp_path / "f.json")
    plan = plan_as(file, FIRST, accept_foreign=True, grant_roles=(OWNER,))
    lost = plan.accounts.lost["file"]
    users = empty_studio.rows["studio_user"].values()
    others = [row for row in users if row["email"] != OWNER]
    assert lost["role"] == sum(row["role"] != "VIEWER" for row in others) > 10
    assert lost["approval"] == sum(row["approval_status"] == "APPROVED" for row in others)
    named = {account.email for account in plan.accounts.losing}
    assert OWNER not in named and FIRST in named
    run = restore_as(file, FIRST, accept_foreign=True, grant_roles=(OWNER,), confirmed=plan)
    assert run.report["people_lost"] == plan.accounts.lost


@pytest.mark.parametrize("what", ["a row", "a second account"])
def test_where_something_is_the_rules_for_foreign_files_stay(
    new_server, empty_studio, tmp_path, what
):
    if what == "a row":
        Organization.objects.create(name="Ours", slug="ours")
    else:
        User.objects.create_user("second@new.example", PASSWORD)
    file = foreign(empty_studio.complete, tmp_path / "f.json")
    plan = plan_as(file, FIRST, all_accounts=True)
    assert not plan.is_new_here
    assert codes(plan)["restore.has_data"] == "error"
    before = rows_of_database()
    assert refusal(file, FIRST, all_accounts=True) == "restore.has_data"
    assert changed_tables(before, rows_of_database()) == {}


def test_data_that_came_after_the_plan_are_seen_under_the_locks(new_server, empty_studio, tmp_path):
    file = foreign(empty_studio.complete, tmp_path / "f.json")
    assert not plan_as(file, FIRST, all_accounts=True).blocking
    Organization.objects.create(name="Ours", slug="ours")
    assert refusal(file, FIRST, all_accounts=True) == "restore.has_data"


def test_without_the_look_a_stranger_s_file_would_make_owners_here(studio, tmp_path, monkeypatch):
    """The twin of the two above."""
    monkeypatch.setattr(pristine, "is_new", lambda *_: True)
    file = foreign(
        studio.complete,
        tmp_path / "f.json",
        lambda d: d.change("users", lambda row: row.update(role="OWNER")),
    )
    restore_as(file, all_accounts=True)
    assert set(User.objects.values_list("role", flat=True)) == {"OWNER"}


# Who acts


def test_the_plan_says_that_the_acting_account_goes(new_server, empty_studio):
    plan = plan_as(empty_studio.complete, FIRST)
    assert (plan.acting.email, plan.acting.stays) == (FIRST, False)
    assert codes(plan)["restore.acting_gone"] == "warning"


def test_or_how_it_signs_in_afterwards(studio):
    plan = plan_as(studio.complete)
    assert (plan.acting.stays, plan.acting.can_sign_in) == (True, True)
    assert (plan.acting.signs_in_as, plan.acting.role, plan.acting.password) == (
        OWNER,
        "OWNER",
        "file",
    )
    assert "restore.acting_gone" not in codes(plan)
    safe = plan_as(studio.safe).acting
    assert (safe.stays, safe.password) == (True, "today")


def test_an_account_that_loses_here_is_a_loss_of_a_file_of_our_own_too(studio):
    User.objects.filter(email="designer@studio.example").update(role="ADMIN")
    User.objects.create_user("new@studio.example", PASSWORD, role="DESIGNER")
    plan = plan_as(studio.complete)
    assert plan.accounts.lost == {"now": {"account": 1, "role": 1}, "file": {}}
    assert {a.email for a in plan.accounts.losing} == {
        "designer@studio.example",
        "new@studio.example",
    }


def test_a_loss_that_was_not_confirmed_stops_the_restore(studio):
    plan = plan_as(studio.complete)
    User.objects.filter(email="designer@studio.example").update(role="ADMIN")
    with pytest.raises(Exception, match="changed since the plan was confirmed"):
        restore_as(studio.complete, confirmed=plan)


@pytest.mark.battery
def test_a_safe_file_gives_every_role_too_and_nobody_a_password(new_server, empty_studio, tmp_path):
    file = foreign(empty_studio.safe, tmp_path / "f.json")
    plan = plan_as(file, FIRST, all_accounts=True)
    assert (plan.acting.stays, plan.accounts.lost["file"]) == (True, {})
    restore_as(file, FIRST, all_accounts=True, confirmed=plan)
    in_file = {r["email"]: r["role"] for r in empty_studio.rows["studio_user"].values()}
    assert dict(User.objects.values_list("email", "role")) == in_file | {FIRST: "OWNER"}
    assert not User.objects.exclude(email=FIRST).exclude(password=None).exists()
