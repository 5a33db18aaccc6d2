"""Owners alone: every address for every role, and what is written down of a refusal."""

import pytest
from django.test import Client
from django.urls import reverse

from backups.models import AuditEvent
from backupsvc.studio.models import User
from restore.models import RestoreRun, Upload
from restore.urls import urlpatterns
from tests.pages_restore.conftest import PASSWORD, browser_of, make_account

ID = "0" * 32
BY_COOKIE = {"restore_live", "restore_live_status", "restore_live_stop"}
BY_CODE = {"restore_first_start"}
POSTED = {
    "restore_begin",
    "restore_piece",
    "restore_discard",
    "restore_plan_again",
    "restore_give_kit",
    "restore_rehearse",
    "restore_stored",
    "restore_rehearsal_cancel",
}
# Shown, and posted to.
FORMS = {"restore_import", "restore_confirm", "restore_undo", "restore_release"}
OTHERS = [role for role in User.Role.values if role != User.Role.OWNER]
PAGES = [pattern.name for pattern in urlpatterns if pattern.name not in BY_COOKIE | BY_CODE]


def address(name: str) -> str:
    pattern = next(p for p in urlpatterns if p.name == name)
    return reverse(f"admin:{name}", args=[ID] * len(pattern.pattern.converters))


def visit(browser: Client, name: str):
    method = browser.post if name in POSTED else browser.get
    return method(address(name))


@pytest.mark.parametrize("role", OTHERS)
def test_every_page_is_refused_to_every_other_role_and_that_is_written_down(db, role):
    browser = browser_of(make_account(role))
    for number, name in enumerate(PAGES, start=1):
        assert visit(browser, name).status_code == 403, name
        assert AuditEvent.objects.filter(outcome="refused").count() == number, name
    assert AuditEvent.objects.filter(person_email=f"{role.lower()}@studio.example").exists()


@pytest.mark.parametrize("role", OTHERS)
def test_no_form_takes_anything_from_another_role(db, role):
    browser = browser_of(make_account(role))
    for name in FORMS:
        answer = browser.post(address(name), {"phrase": "REPLACE ALL DATA", "password": PASSWORD})
        assert answer.status_code == 403, name


@pytest.mark.parametrize("name", sorted(POSTED | FORMS))
def test_a_form_from_another_site_is_refused(db, name):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_account(User.Role.OWNER))
    assert browser.post(address(name), {"password": PASSWORD}).status_code == 403


@pytest.mark.parametrize("name", sorted(set(PAGES) - POSTED - FORMS))
def test_what_only_shows_is_not_posted_to(owner, name):
    assert owner.post(address(name)).status_code == 405


@pytest.mark.parametrize("name", PAGES)
def test_who_is_not_signed_in_is_led_to_the_sign_in(db, name):
    answer = visit(Client(), name)
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("admin:login"))


@pytest.mark.parametrize("name", PAGES)
def test_an_owner_is_let_in(owner, name):
    assert visit(owner, name).status_code in (200, 400, 404), name


@pytest.mark.parametrize("name", sorted(POSTED))
def test_what_changes_something_is_posted(owner, name):
    assert owner.get(address(name)).status_code == 302
    assert owner.head(address(name)).status_code == 405


def test_an_owner_without_approval_is_nobody(db):
    browser = browser_of(make_account(User.Role.OWNER))
    User.objects.update(approval_status=User.ApprovalStatus.REJECTED)
    assert browser.get(reverse("admin:restore_import")).status_code == 302


def test_the_tab_is_there_for_owners_only(owner):
    assert "Import Backup" in owner.get(reverse("admin:restore_import")).content.decode()
    admin = browser_of(make_account(User.Role.ADMIN))
    page = admin.get(reverse("admin:backups_backuprun_changelist")).content.decode()
    assert "Import Backup" not in page


def test_no_page_lets_anybody_add_change_or_delete_a_restore(owner):
    run = RestoreRun.objects.create(source="x")
    assert owner.post(reverse("admin:restore_report", args=[run.pk])).status_code == 405
    for ending in ("add/", f"{run.pk}/change/", f"{run.pk}/delete/"):
        assert owner.get(f"/admin/restore/restorerun/{ending}").status_code == 404
    assert RestoreRun.objects.count() == 1


def test_nothing_about_an_upload_is_told_without_permission(db):
    upload = Upload.objects.create(
        name="secret-name", size_bytes=1, stored="upload-x", owner_email="admin@studio.example"
    )
    admin = browser_of(make_account(User.Role.ADMIN))
    answer = admin.get(reverse("admin:restore_state", args=[upload.pk]))
    assert answer.status_code == 403
    assert b"secret-name" not in answer.content
