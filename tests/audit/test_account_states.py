"""What is done to owners and admins past the application shows; what it does itself is not taken for it."""

from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from backups.models import AuditEvent
from backups.services import account_states, auditing, installation
from backups.services.account_states import Width
from backupsvc.studio.models import Session, User
from tests.pages.conftest import PAGES
from tests.pages_restore.conftest import browser_of, make_account

Role, Approval = User.Role, User.ApprovalStatus
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_once(monkeypatch) -> None:
    """Nobody is between a change and its event here."""
    monkeypatch.setattr(account_states, "_BETWEEN_LOOKS_SECONDS", 0)


@pytest.fixture
def owner() -> User:
    return make_account(Role.OWNER)


@pytest.fixture
def designer(owner) -> User:
    made = make_account(Role.DESIGNER)
    account_states.note()
    return User.objects.get(pk=made.pk)


def outside() -> list[tuple[str, list[str]]]:
    told = AuditEvent.objects.filter(outcome="changed outside").order_by("id")
    return [(event.subject, event.details["changed"]) for event in told]


def by_sql(account: User, **values: str) -> None:
    columns = {field.name: field.column for field in User._meta.concrete_fields}
    with connection.cursor() as cursor:
        for name, value in values.items():
            cursor.execute(
                f'UPDATE "{User._meta.db_table}" SET "{columns[name]}" = %s WHERE id = %s',
                [value, account.pk],
            )


def test_one_who_became_an_owner_by_sql(designer):
    by_sql(designer, role=Role.OWNER)
    assert account_states.compare() == [designer.pk]
    ((subject, changed),) = outside()
    assert subject == designer.pk and {"role", "password"} <= {*changed}
    event = AuditEvent.objects.get(outcome="changed outside")
    assert (event.person_name, event.details["role"]) == ("outside", "OWNER")
    assert account_states.compare() == []  # once


@pytest.mark.parametrize("name", ["password", "email", "approval_status"])
def test_what_lets_an_owner_in_by_an_update(owner, designer, name):
    value = {"approval_status": Approval.REJECTED}.get(name, "else@where.example")
    User.objects.filter(pk=owner.pk).update(**{name: value})
    assert account_states.compare() == [owner.pk]
    assert outside() == [(owner.pk, [name])]


def test_a_key_of_a_type_of_before_is_told_once_and_stops_nothing(owner, monkeypatch):
    """Accounts that were counted once have other keys since: no number is asked for that is none. And the
    twin."""
    known = account_states.details_of()
    known["states"]["7 of before"] = {"role": "0123456789ab"}
    auditing.audit(account_states.NOBODY, account_states.ACTION, "noted", **known)
    key = User._meta.pk

    def counted(value):
        if str(value).startswith("7 "):
            raise ValueError
        return value

    def is_counted(value):
        if str(value).startswith("7 "):
            raise ValidationError("no number")
        return value

    monkeypatch.setattr(key, "get_prep_value", counted)
    with monkeypatch.context() as patch:
        patch.setattr(account_states, "_is_key", lambda *_: True)
        with pytest.raises(ValueError):
            account_states.compare()
    monkeypatch.setattr(key, "to_python", is_counted)
    assert account_states.compare() == ["7 of before"]
    assert account_states.compare() == []


def test_an_owner_who_was_removed_or_reduced(owner, designer):
    other = make_account(Role.OWNER, email="other@studio.example")
    User.objects.filter(pk=owner.pk).update(role=Role.VIEWER)
    User.objects.filter(pk=other.pk)._raw_delete("default")
    assert {*account_states.compare()} == {owner.pk, other.pk}


def test_one_made_past_the_signals(designer):
    User.objects.bulk_create([User(email="made@studio.example", role=Role.OWNER)])
    assert len(account_states.compare()) == 1


def test_what_the_application_does_is_known(owner, designer):
    designer.role = Role.ADMIN
    designer.save()
    owner.set_password("another one")
    owner.save()
    designer.delete()
    make_account(Role.OWNER, email="third@studio.example")
    assert account_states.compare() == [] and outside() == []


def test_after_the_key_was_changed_what_was_noted_still_counts(owner, designer, settings, tmp_path):
    settings.BACKUPS_KEY_FILE = tmp_path / "key"
    account_states.note()
    installation.rotate()
    assert account_states.compare() == []
    by_sql(owner, password="x")
    assert account_states.compare() == [owner.pk]


def test_a_restore_replaces_accounts_and_is_no_change_from_outside(owner, designer):
    by_sql(owner, password="as in the file")
    auditing.audit(auditing.COMMAND_LINE, "restore", "succeeded")
    assert account_states.compare() == []
    by_sql(owner, password="and then")
    assert account_states.compare() == [owner.pk]


def test_many_are_told_by_their_number(designer, monkeypatch):
    monkeypatch.setattr(account_states, "NAMED", 2)
    for number in range(4):
        User.objects.bulk_create([User(email=f"{number}@made.example", role=Role.OWNER)])
    assert len(account_states.compare()) == 4 and len(outside()) == 2
    assert AuditEvent.objects.filter(action="account.states").latest("id").details["changed"] == 4
    assert account_states.compare() == []


def test_no_value_is_told(owner, designer):
    by_sql(owner, password="md5$canary")
    account_states.compare()
    said = str([*AuditEvent.objects.values_list("details", flat=True)])
    assert "canary" not in said and owner.password not in said


def test_the_dashboard_and_the_command_say_so(owner, designer):
    browser = browser_of(owner)
    assert "past the application" not in browser.get(PAGES).content.decode()
    by_sql(designer, role=Role.OWNER)
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("audit_verify", stdout=out, stderr=out)
    assert "audit.accounts" in out.getvalue()
    assert "past the application" in browser.get(PAGES).content.decode()


def test_without_the_fingerprints_nobody_would_know(designer, monkeypatch):
    """A twin."""
    monkeypatch.setattr(account_states, "_fingerprint", lambda *_: "")
    account_states.note()
    User.objects.filter(role=Role.OWNER).update(password="x")
    assert account_states.compare() == []


@pytest.fixture
def customers(owner, monkeypatch) -> list[User]:
    """Accounts in a group, as all customers may be; another table that leads to them stands for it."""
    made = [make_account(Role.VIEWER, email=f"c{n}@studio.example") for n in range(3)]
    Session.objects.bulk_create(
        Session(user=one, session_token=one.pk, expires=timezone.now()) for one in made
    )
    link = SimpleNamespace(name="sessions", onwards=())
    monkeypatch.setattr(account_states.access, "memberships", lambda _section: (link,))
    account_states.note()
    return made


def test_of_more_accounts_than_a_trail_can_hold_the_most_powerful_are_watched(
    owner, customers, monkeypatch
):
    assert account_states.width_now() is Width.RIGHTS
    by_sql(customers[0], password="another")
    assert account_states.compare() == [customers[0].pk]
    monkeypatch.setattr(account_states, "MOST", 3)
    by_sql(customers[1], password="another")
    by_sql(customers[2], role=Role.ADMIN)
    # Who is not watched any more has not been changed; who has become more than that has.
    assert account_states.compare() == [customers[2].pk]
    noted = AuditEvent.objects.filter(action="account.states").latest("id")
    assert noted.details["width"] == "FLAGS" and len(noted.details["states"]) == 2
    by_sql(owner, email="else@where.example")
    customers[1].set_password("known")
    customers[1].save()
    assert account_states.compare() == [owner.pk]
    monkeypatch.setattr(account_states, "MOST", 10)
    assert account_states.compare() == []
    by_sql(customers[1], password="another")
    assert account_states.compare() == [customers[1].pk]


def test_more_owners_than_that_are_not_watched_and_it_is_said(owner, designer, monkeypatch, caplog):
    monkeypatch.setattr(account_states, "MOST", 0)
    by_sql(owner, email="else@where.example")
    assert account_states.compare() == []
    assert "by: NOTHING" in caplog.text
