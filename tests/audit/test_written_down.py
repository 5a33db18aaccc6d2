"""What is written down: each way in which somebody does, tries, copies or is refused something."""

from dataclasses import replace

import pytest
from django.contrib.auth import models as auth_models
from django.core.management import call_command
from django.db.models.signals import post_save
from django.test import Client
from django.urls import reverse

from backups import account_watch, permissions
from backups.errors import BackupSystemError
from backups.models import AuditEvent, BackupRun
from backups.registry import SAFE
from backups.registry.accounts import django_accounts
from backups.services import audit_proof, auditing, creating
from backupsvc.studio.models import User
from restore.models import RestoreRun, Upload
from tests.pages_restore.conftest import PASSWORD, browser_of, make_account

Role, Approval = User.Role, User.ApprovalStatus
CANARY = "a secret that nobody wrote down"


def events(action: str) -> list[tuple[str, str]]:
    found = AuditEvent.objects.filter(action=action).order_by("id")
    return list(found.values_list("outcome", "subject"))


@pytest.fixture
def owner(db) -> User:
    return make_account(Role.OWNER)


@pytest.fixture
def designer(owner) -> User:
    made = make_account(Role.DESIGNER)
    return User.objects.get(pk=made.pk)


# Accounts, whatever saves them


def last_access() -> AuditEvent:
    return AuditEvent.objects.filter(action="account.access").latest("id")


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({"role": Role.OWNER}, ["role"]),
        ({"approval_status": Approval.REJECTED}, ["approval_status"]),
        ({"email": "else@where.example"}, ["email"]),
        ({"password": "md5$a$" + CANARY}, ["password"]),
    ],
)
def test_what_lets_an_account_in_is_written_down_whoever_saves_it(designer, change, changed):
    for name, value in change.items():
        setattr(designer, name, value)
    designer.save()
    event = last_access()
    assert (event.outcome, event.subject) == ("changed", designer.pk)
    assert event.details["changed"] == changed
    assert (event.person_name, event.details["role"]) == ("application", designer.role)
    assert CANARY not in str(AuditEvent.objects.values_list())


def test_flags_that_give_power_are_watched_whatever_the_role_is(monkeypatch):
    declared = replace(django_accounts(), role="username", flags=("last_name",))
    monkeypatch.setattr(account_watch, "_accounts", lambda model: declared)
    watched = account_watch._watched(auth_models.User)
    assert {"username", "is_superuser", "is_staff", "last_name"} <= {*watched}


def test_an_account_that_is_made_or_removed_too(owner):
    made = User.objects.create_user("new@studio.example", role=Role.OWNER)
    assert (last_access().outcome, last_access().details["role"]) == ("made", "OWNER")
    key = made.pk
    made.delete()
    assert (last_access().outcome, last_access().subject) == ("removed", key)


def test_what_lets_nobody_in_is_not(designer):
    before = AuditEvent.objects.count()
    designer.name = "Another name"
    designer.save()
    designer.save(update_fields=["name"])
    assert AuditEvent.objects.count() == before


def test_a_password_that_is_only_hashed_anew_is_told_apart(designer, settings):
    designer.set_password(PASSWORD)
    designer.save()
    assert last_access().outcome == "changed"
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    assert designer.check_password(PASSWORD)
    assert (last_access().outcome, last_access().details["changed"]) == (
        "hashed anew",
        ["password"],
    )


def test_who_did_it_is_who_asked(owner, designer):
    browser = browser_of(owner)
    page = reverse("admin:studio_user_change", args=[designer.pk])
    form = browser.get(page).context["adminform"].form
    data = {name: form[name].value() or "" for name in form.fields}
    answer = browser.post(page, data | {"role": Role.ADMIN, "password_again": PASSWORD})
    assert answer.status_code == 302
    event = last_access()
    assert (event.person_id, event.person_email) == (owner.pk, owner.email)
    assert event.details["changed"] == ["role"]
    # And it stands there whatever becomes of the account.
    User.objects.filter(pk=owner.pk).delete()
    assert AuditEvent.objects.get(pk=event.pk).person_id == owner.pk


def test_without_the_watch_nothing_would_be_written(designer, request):
    """A twin."""
    post_save.disconnect(sender=User, dispatch_uid="backups.access_after")
    request.addfinalizer(account_watch.connect)
    before = AuditEvent.objects.count()
    designer.role = Role.OWNER
    designer.save()
    assert AuditEvent.objects.count() == before


# Who comes without leave


def test_a_form_without_its_proof(owner):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)
    assert browser.post(reverse("admin:backups_delete", args=["a" * 32])).status_code == 403
    (event,) = AuditEvent.objects.filter(action="csrf")
    assert (event.outcome, event.address, event.subject) == ("refused", "127.0.0.1", "a" * 32)


def test_whoever_comes_without_a_ticket(owner):
    run = RestoreRun.objects.create(source="a.json")
    for name in ("restore_live", "restore_live_status"):
        assert browser_of(owner).get(reverse(f"admin:{name}", args=[run.pk])).status_code == 403
    browser_of(owner).post(reverse("admin:restore_live_stop", args=[run.pk]))
    assert events("restore.live") == [("refused", run.pk)] * 3


def test_nobody_fills_the_trail_by_being_refused(owner):
    browser = Client(enforce_csrf_checks=True)
    for _ in range(permissions.MOST_OF_STRANGERS + 5):
        browser.post(reverse("admin:login"))
    assert len(events("csrf")) == permissions.MOST_OF_STRANGERS
    assert browser.post(reverse("admin:login"), REMOTE_ADDR="192.0.2.9").status_code == 403
    assert len(events("csrf")) == permissions.MOST_OF_STRANGERS + 1


def test_an_upload_of_somebody_else_s(owner):
    other = make_account(Role.OWNER, email="other@studio.example")
    upload = Upload.objects.create(
        name="a.json", size_bytes=1, stored=".u", owner_name="O", owner_email=owner.email
    )
    page = reverse("admin:restore_plan", args=[upload.pk])
    assert browser_of(other).get(page).status_code == 404
    event = AuditEvent.objects.get(action="upload.see")
    assert (event.outcome, event.subject, event.person_id) == ("refused", upload.pk, other.pk)
    assert browser_of(other).get(reverse("admin:restore_plan", args=["0" * 32])).status_code == 404
    assert len(events("upload.see")) == 1


# How things ended


@pytest.mark.django_db(transaction=True)
def test_how_backups_ended_and_what_was_copied_by_a_command(tmp_path):
    run = creating.carry_out(creating.request(SAFE, auditing.COMMAND_LINE))
    call_command("backup_export", run.pk, output=tmp_path / "a.json", verbosity=0)
    call_command("backup_create", scope="safe", output=tmp_path / "b.json", verbosity=0)
    other = BackupRun.objects.latest("requested_at")
    assert events("backup.safe") == [
        ("requested", run.pk),
        ("succeeded", run.pk),
        ("requested", other.pk),
        ("succeeded", other.pk),
    ]
    assert events("backup.download") == [("served", run.pk), ("served", other.pk)]
    assert audit_proof.verify().findings == ()


@pytest.mark.django_db(transaction=True)
def test_how_a_failed_backup_and_a_failed_restore_ended(tmp_path, monkeypatch):
    from backups.services import vault
    from tests.roundtrip.engine import restore

    def full(*_arguments, **_options):
        raise vault.storage_failure(OSError(28, "full"))

    with monkeypatch.context() as patch:
        patch.setattr(vault, "draft", full)
        with pytest.raises(BackupSystemError):
            creating.carry_out(creating.request(SAFE, auditing.COMMAND_LINE))
    (tmp_path / "no.json").write_text("{}")
    with pytest.raises(BackupSystemError):
        restore(tmp_path / "no.json")
    found = AuditEvent.objects.filter(outcome="failed").order_by("id")
    assert [(event.action, event.details["code"]) for event in found] == [
        ("backup.safe", "storage.full"),
        ("restore", "artifact.truncated"),
    ]


# The page


def test_numbers_lead_to_their_pages(owner, designer):
    designer.role = Role.ADMIN
    designer.save()
    auditing.audit(permissions.Actor("Olivia", owner.email, id=owner.pk), "x", "done")
    auditing.audit(permissions.APPLICATION, "sign-in", "failed", account=designer.pk)
    text = browser_of(owner).get(reverse("admin:backups_audit")).content.decode()
    for user in (owner, designer):
        assert f'href="{reverse("admin:studio_user_change", args=[user.pk])}"' in text
    assert f">{designer.pk}</a>" in text
