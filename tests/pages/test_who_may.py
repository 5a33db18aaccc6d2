"""Every address of the backup pages, for every role: denied unless listed here."""

import pytest
from django.urls import reverse

from backups.artifact import age_keys
from backups.models import AuditEvent, BackupRun, Recipient
from backups.urls import urlpatterns
from backupsvc.studio.models import User
from tests.pages.conftest import PASSWORD

OWNER_ONLY = ("OWNER",)
BOTH = ("ADMIN", "OWNER")
# Name: (how it is asked, of which kind its run is, who may, the answer to them)
LISTED = {
    "backuprun_changelist": [("get", None, BOTH, 200)],
    "start_safe": [("post", None, BOTH, 302)],
    "start_complete": [("get", None, OWNER_ONLY, 200), ("post", None, OWNER_ONLY, 302)],
    "kit": [("get", None, OWNER_ONLY, 200), ("post", None, OWNER_ONLY, 302)],
    "kit_file": [("get", None, OWNER_ONLY, 302), ("post", None, OWNER_ONLY, 302)],
    "kit_printed": [("post", None, OWNER_ONLY, 302)],
    "keys": [("get", None, OWNER_ONLY, 200), ("post", None, OWNER_ONLY, 200)],
    "rotate_key": [("get", None, OWNER_ONLY, 200), ("post", None, OWNER_ONLY, 302)],
    "remove_key": [("get", "key", OWNER_ONLY, 200), ("post", "key", OWNER_ONLY, 302)],
    "give_key": [("get", "work", OWNER_ONLY, 302), ("post", "work", OWNER_ONLY, 302)],
    "try_key": [("get", "encrypted", OWNER_ONLY, 200), ("post", "encrypted", OWNER_ONLY, 200)],
    "history": [("get", None, BOTH, 200)],
    "coverage": [("get", None, BOTH, 200)],
    "coverage_markdown": [("get", None, BOTH, 200)],
    "audit": [("get", None, OWNER_ONLY, 200)],
    "audit_csv": [("get", None, OWNER_ONLY, 200)],
    "audit_verify": [("post", None, OWNER_ONLY, 302)],
    "run": [("get", "safe", BOTH, 200), ("get", "complete", OWNER_ONLY, 200)],
    "live": [("get", "safe", BOTH, 200), ("get", "complete", OWNER_ONLY, 200)],
    "cancel": [("post", "safe", BOTH, 302), ("post", "complete", OWNER_ONLY, 302)],
    "verify": [("post", "safe", BOTH, 302), ("post", "complete", OWNER_ONLY, 302)],
    "verification": [("get", "safe", BOTH, 200), ("get", "complete", OWNER_ONLY, 200)],
    "name": [("post", "safe", BOTH, 302), ("post", "complete", OWNER_ONLY, 302)],
    "pin": [("post", "safe", OWNER_ONLY, 302), ("post", "complete", OWNER_ONLY, 302)],
    "release": [("post", "safe", OWNER_ONLY, 302), ("post", "complete", OWNER_ONLY, 302)],
    "delete": [
        ("get", "safe", OWNER_ONLY, 200),
        ("post", "safe", OWNER_ONLY, 302),
        ("post", "complete", OWNER_ONLY, 302),
    ],
    "download": [("get", "complete", OWNER_ONLY, 200), ("post", "complete", OWNER_ONLY, 302)],
    "file": [("get", "safe", BOTH, 200), ("get", "complete", OWNER_ONLY, 302)],
}
CASES = [(name, *entry) for name, entries in LISTED.items() for entry in entries]
NAMES = [pattern.name.removeprefix("backups_") for pattern in urlpatterns]


def address(name, run_id="0" * 32):
    if name in ("file",):
        return reverse(f"admin:backups_{name}", args=[run_id, "plain"])
    pattern = str(next(p.pattern for p in urlpatterns if p.name == f"backups_{name}"))
    return reverse(f"admin:backups_{name}", args=[run_id] if "<str:" in pattern else [])


def subject_of(kind, backup):
    """What an address names: a backup of a kind, a public key, or nothing that is there."""
    if kind == "key":
        public = age_keys.new_identity().recipient
        return Recipient.objects.create(public_key=public, name="safe")
    if kind == "encrypted":
        return backup("complete", encryption="recipients")
    return backup(kind) if kind in ("safe", "complete") else None


def test_every_address_is_listed():
    assert sorted(LISTED) == sorted(NAMES)


@pytest.mark.parametrize(("name", "method", "scope", "allowed", "answer"), CASES)
def test_only_those_listed_may(name, method, scope, allowed, answer, sign_in, backup):
    for role in User.Role.values:
        run = subject_of(scope, backup)
        browser = sign_in(role)
        before = AuditEvent.objects.filter(outcome="refused").count()
        url = address(name, run.pk) if run else address(name)

        response = getattr(browser, method)(url, {"password": PASSWORD} if method == "post" else {})

        refused = AuditEvent.objects.filter(outcome="refused").count() - before
        expected = answer if role in allowed else 403
        assert (response.status_code, refused) == (expected, int(role not in allowed)), role


@pytest.mark.parametrize("name", NAMES)
def test_nobody_gets_further_than_the_sign_in_page(name, sign_in):
    for method in ("get", "post"):
        response = getattr(sign_in(None), method)(address(name))
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("admin:login"))


@pytest.mark.parametrize("name", [n for n, e in LISTED.items() if all(x[0] == "post" for x in e)])
def test_what_changes_something_is_not_done_by_get(name, owner, backup):
    run = backup()
    assert owner.get(address(name, run.pk)).status_code == 302
    run.refresh_from_db()
    assert (BackupRun.objects.get(), run.pinned) == (run, False)
    assert owner.head(address(name, run.pk)).status_code == 405


@pytest.mark.parametrize("name", [n for n, e in LISTED.items() if all(x[0] == "get" for x in e)])
def test_what_only_shows_is_not_posted_to(name, owner, backup):
    assert owner.post(address(name, backup().pk)).status_code == 405


@pytest.mark.parametrize("name", [n for n, e in LISTED.items() if any(x[0] == "post" for x in e)])
def test_a_form_from_another_site_is_refused(name, sign_in, backup):
    run = backup("complete")
    browser = sign_in("OWNER", enforce_csrf_checks=True)

    assert browser.post(address(name, run.pk), {"password": PASSWORD}).status_code == 403
    run.refresh_from_db()
    assert (BackupRun.objects.count(), run.pinned) == (1, False)


def test_a_run_that_is_not_there_is_not_found(owner):
    assert owner.get(address("run")).status_code == 404


def test_an_admin_sees_no_complete_backup_in_the_history(admin, backup):
    backup("safe")
    hidden = backup("complete")

    page = admin.get(address("history")).content.decode()

    assert "1 backup" in page
    assert hidden.pk not in page
