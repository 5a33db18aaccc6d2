"""Restoring a backup that is stored here: from history, its page and the dashboard, without an upload."""

import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backups.errors import ArtifactError, BusyError, StorageFailure
from backups.models import AuditEvent, BackupRun, Purpose, State
from backups.services import auditing, keeping, vault
from backupsvc.studio.models import Client as Customer
from backupsvc.studio.models import User
from restore import jobs
from restore.models import PlanRun, Rehearsal, RestoreRun, Upload
from restore.plan import Choices
from restore.services.applying import rehearsing
from restore.services.asking import kept_rows, requests, undoing, uploads
from restore.services.planning import plan_runs
from tests.pages_restore.conftest import browser_of, make_account, planned
from tests.roundtrip.engine import stored

COMMAND = auditing.COMMAND_LINE


def stored_backup(content: bytes, **fields) -> BackupRun:
    """A row for the file of a backup, as it lies in its folder."""
    name = f"{len(content):x}-{BackupRun.objects.count()}.json.zst"
    (vault.folder() / name).write_bytes(content)
    values: dict[str, Any] = {"scope": "complete", "state": State.SUCCEEDED, "artifact": name}
    values |= {"stored_bytes": len(content), "plain_bytes": len(content)}
    return BackupRun.objects.create(**(values | fields))


def begin(browser: Client, backup: BackupRun):
    return browser.post(reverse("admin:restore_stored", args=[backup.pk]))


def test_a_stored_backup_is_planned_and_restored_without_a_copy(live_studio, files):
    backup = stored_backup(files.complete)
    before = sorted(path.name for path in vault.folder().glob("upload-*"))
    answer = begin(live_studio, backup)
    upload = Upload.objects.get()
    assert answer["Location"] == reverse("admin:restore_plan", args=[upload.pk])
    plan = planned(upload)
    page = live_studio.get(answer["Location"]).content.decode()
    assert "1 row that is here now would be lost." in page
    assert reverse("admin:backups_run", args=[backup.pk]) in page and "stored here" in page
    assert kept_rows.is_there(upload.stored, plan.pk)
    assert sorted(p.name for p in vault.folder().glob("upload-*") if p.suffix != ".rows") == before

    run = requests.request_uploaded(upload, plan, COMMAND)
    jobs.carry_out_here(run, requests.stored_file(run))
    requests.drop_copy(run)

    assert not Customer.objects.filter(id="new").exists()
    assert (run.backup, Upload.objects.exists()) == (backup.pk, False)
    assert stored(backup).read_bytes() == files.complete
    assert not list(vault.folder().glob("*.rows"))


def test_asked_again_it_is_the_same_and_another_owner_has_his_own(live_studio, files):
    backup = stored_backup(files.complete)
    begin(live_studio, backup)
    begin(live_studio, backup)
    assert Upload.objects.count() == 1
    other = browser_of(make_account(User.Role.OWNER, email="other@studio.example"))
    begin(other, backup)
    assert Upload.objects.count() == 2


def test_every_place_has_the_button_and_only_owners_see_it(owner, files):
    backup = stored_backup(files.complete, purpose=Purpose.ORDINARY, statistics=_statistics())
    gone = BackupRun.objects.create(scope="complete", state=State.FAILED)
    admin = browser_of(make_account(User.Role.ADMIN))
    address = reverse("admin:restore_stored", args=[backup.pk])
    safe = stored_backup(files.safe, scope="safe", statistics=_statistics())
    for page in (
        reverse("admin:backups_history"),
        reverse("admin:backups_backuprun_changelist"),
        reverse("admin:backups_run", args=[backup.pk]),
    ):
        shown = owner.get(page).content.decode()
        assert address in shown, page
        assert reverse("admin:restore_stored", args=[gone.pk]) not in shown
    for page in (
        reverse("admin:backups_history"),
        reverse("admin:backups_backuprun_changelist"),
        reverse("admin:backups_run", args=[safe.pk]),
    ):
        assert "restorerun/stored/" not in admin.get(page).content.decode()


def _statistics() -> dict:
    return {"rows": 3, "sections": {}, "files": {"embedded": 0, "gaps": 0}, "not_embedded": []}


@pytest.mark.parametrize("harm", ["gone", "damaged"])
def test_a_file_that_cannot_be_read_is_told_with_its_code(owner, files, harm):
    backup = stored_backup(files.complete, statistics=_statistics())
    if harm == "gone":
        stored(backup).unlink()
    else:
        stored(backup).write_bytes(b"not a backup")
    answer = begin(owner, backup)
    assert answer["Location"] == reverse("admin:backups_run", args=[backup.pk])
    code = {"gone": "storage.missing", "damaged": "artifact.format"}[harm]
    assert code in owner.get(answer["Location"]).content.decode()
    assert not Upload.objects.exists()


def test_a_damaged_rest_is_found_by_the_plan(live_studio, files):
    broken = bytearray(files.complete_plain)
    broken[-400] ^= 1
    begin(live_studio, stored_backup(bytes(broken)))
    with pytest.raises(ArtifactError) as caught:
        planned(Upload.objects.get())
    assert caught.value.code == "artifact.damaged"


def test_throwing_the_plan_away_keeps_the_backup(live_studio, files):
    backup = stored_backup(files.complete)
    begin(live_studio, backup)
    upload = Upload.objects.get()
    planned(upload)
    live_studio.post(reverse("admin:restore_discard", args=[upload.pk]))
    assert not Upload.objects.exists()
    assert stored(backup).exists()


def test_a_safety_backup_says_that_it_holds_no_files(live_studio, files):
    backup = stored_backup(files.complete, purpose=Purpose.SAFETY, statistics=_statistics())
    page = live_studio.get(reverse("admin:backups_run", args=[backup.pk])).content.decode()
    assert "no file content" in page
    begin(live_studio, backup)
    upload = Upload.objects.get()
    planned(upload)
    page = live_studio.get(reverse("admin:restore_plan", args=[upload.pk])).content.decode()
    assert "no file content" in page


def test_undos_are_told_shortly_and_by_one_query_a_list(owner, django_assert_max_num_queries):
    at = timezone.now().replace(year=2026, month=11, day=3, hour=15, minute=4)
    first = RestoreRun.objects.create(source="a.json", state=State.SUCCEEDED, requested_at=at)
    chain = [first]
    for _ in range(8):
        source = f"undo of the restore of {chain[-1].source}"
        chain.append(RestoreRun.objects.create(source=source, undo_of=chain[-1].pk))
    assert chain[1].source_in_words == "Undo of the restore of 3 Nov 2026, 15:04 UTC"
    assert chain[3].source_in_words.endswith("the 3. in a row")
    lone = RestoreRun(source=chain[1].source, undo_of="x")
    assert lone.source_in_words == "undo of an earlier restore"
    with django_assert_max_num_queries(12):
        page = owner.get(reverse("admin:restore_restorerun_changelist")).content.decode()
    assert page.count("Undo of the ") == 8


# Nobody deletes what is read


def uses(backup: BackupRun, kind: str) -> None:
    if kind == "plan":
        upload = uploads.of_backup(backup, COMMAND)
        plan_runs.request(upload, COMMAND, Choices())
    elif kind == "restore":
        RestoreRun.objects.create(backup=backup.pk, state=State.RUNNING)
    else:
        rehearsing.request(backup, COMMAND)


@pytest.mark.parametrize("kind", ["plan", "restore", "rehearsal"])
def test_a_backup_in_use_is_deleted_by_nobody(db, files, kind):
    past = timezone.now() - datetime.timedelta(days=1)
    backup = stored_backup(files.complete, purpose=Purpose.SAFETY, keep_until=past)
    uses(backup, kind)
    with pytest.raises(BusyError) as caught:
        keeping.delete(backup, COMMAND)
    assert caught.value.code == "backup.in_use"
    assert undoing.prune_expired() == []
    assert stored(backup).exists()
    for model in (PlanRun, RestoreRun, Rehearsal):
        model.objects.update(state=State.SUCCEEDED)
    assert undoing.prune_expired() == [backup.pk]
    event = AuditEvent.objects.get(action="backup.delete", subject=backup.pk)
    assert (event.person_name, event.outcome) == ("sweep", "expired")


def test_without_the_readers_it_would_be_deleted(db, files, monkeypatch):
    backup = stored_backup(files.complete)
    uses(backup, "plan")
    monkeypatch.setattr(keeping, "READERS", [])
    keeping.delete(backup, COMMAND)
    assert not BackupRun.objects.exists()


def test_a_command_that_reads_it_keeps_it_too(db, files):
    backup = stored_backup(files.complete)
    with vault.read(backup.artifact), pytest.raises(BusyError):
        keeping.delete(backup, COMMAND)
    keeping.delete(backup, COMMAND)


def test_a_plan_of_a_backup_that_was_just_deleted_is_refused(db, files):
    backup = stored_backup(files.complete)
    upload = uploads.of_backup(backup, COMMAND)
    keeping.delete(backup, COMMAND)
    with pytest.raises(StorageFailure) as caught:
        plan_runs.request(upload, COMMAND, Choices())
    assert caught.value.code == "storage.missing"
    assert not PlanRun.objects.exists()
