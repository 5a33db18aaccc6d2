"""A recovery kit beside a file on the pages: for that file, for who brought it, and gone with it."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from backups.models import AuditEvent
from backups.services.recovery_kit import RecoveryKit
from backupsvc.studio.models import User
from restore.models import PlanRun, Upload
from restore.services.asking import kits, uploads
from restore.services.planning import plan_runs
from tests.pages_restore.conftest import (
    begin,
    bring,
    browser_of,
    give_password,
    make_account,
    planned,
    send,
)

STRANGER = RecoveryKit(bytes(32))


def begin_with(browser, size: int, **kit):
    """The answer to beginning an upload with a kit."""
    give_password(browser)
    return browser.post(reverse("admin:restore_begin"), {"name": "f", "size": size, **kit})


def give(browser, upload: Upload, **kit):
    return browser.post(reverse("admin:restore_give_kit", args=[upload.pk]), kit)


def kept() -> list[Path]:
    return list(Path(settings.BACKUPS_ROOT).glob(f"*{kits.SUFFIX}"))


@pytest.mark.parametrize("as_file", [True, False])
def test_what_was_given_with_the_file_makes_it_known(owner, files, as_file):
    text = files.foreign_kit
    kit = (
        {"kit_file": SimpleUploadedFile("kit.txt", text.encode())}
        if as_file
        else {"kit_text": text}
    )
    upload_id = begin_with(owner, len(files.foreign), **kit).json()["id"]
    assert send(owner, upload_id, files.foreign, 0).status_code == 200
    facts = planned(Upload.objects.get()).plan["file"]
    assert (facts["authentic"], facts["by_kit"]) == (True, True)
    assert AuditEvent.objects.filter(action="kit.use", outcome="accepted").count() == 1


def test_what_is_given_at_the_plan_makes_a_new_plan(owner, files):
    upload = bring(owner, files.foreign)
    assert not planned(upload).plan["file"]["authentic"]
    page = owner.get(reverse("admin:restore_plan", args=[upload.pk])).content.decode()
    assert "I have the recovery kit of the server that made it" in page
    give(owner, upload, kit_text=files.foreign_kit)
    assert PlanRun.objects.count() == 2
    assert planned(upload).plan["file"]["by_kit"]


@pytest.mark.parametrize("text", ["hello", "0" * 56, "0" * 55])
def test_what_is_no_kit_is_said_before_anything_is_sent(owner, files, text):
    said = begin_with(owner, 10, kit_text=text).json()["refused"]
    assert said["code"].startswith("kit.") and text not in str(said)
    assert not Upload.objects.exists()


def test_the_kit_of_another_server_is_said_at_the_first_piece(owner, files):
    upload_id = begin_with(owner, len(files.foreign), kit_text=STRANGER.text).json()["id"]
    refused = send(owner, upload_id, files.foreign, 0).json()["refused"]
    assert refused["code"] == "kit.other_installation"
    assert not Upload.objects.exists() and kept() == []


def test_or_at_the_plan_which_then_stays(owner, files):
    upload = bring(owner, files.foreign)
    give(owner, upload, kit_text=STRANGER.text)
    give(owner, upload)
    assert kept() == [] and PlanRun.objects.count() == 1
    assert AuditEvent.objects.filter(action="kit.use", outcome="refused").count() == 1


def test_it_is_private_and_goes_with_the_file(owner, files):
    upload = bring(owner, files.foreign)
    give(owner, upload, kit_text=files.foreign_kit)
    (path,) = kept()
    assert path.stat().st_mode & 0o777 == 0o600
    uploads.sweep()
    assert kept() == [path]
    owner.post(reverse("admin:restore_discard", args=[upload.pk]))
    assert kept() == []


def test_nobody_gives_one_to_somebody_else_s_file(owner, files):
    upload = bring(owner, files.foreign)
    other = browser_of(make_account(User.Role.OWNER, email="second@studio.example"))
    assert give(other, upload, kit_text=files.foreign_kit).status_code == 404
    assert kept() == []


def test_no_row_and_no_page_holds_the_key(owner, files):
    upload = bring(owner, files.foreign)
    give(owner, upload, kit_text=files.foreign_kit)
    planned(upload)
    told = str([*Upload.objects.values(), *PlanRun.objects.values(), *AuditEvent.objects.values()])
    told += owner.get(reverse("admin:restore_plan", args=[upload.pk])).content.decode()
    key = kits.of(upload.stored).key.hex()
    assert files.foreign_kit not in told and files.foreign_kit[:14] not in told and key not in told


def test_a_kit_is_not_taken_twice_for_the_roles_that_were_granted(owner, files):
    """With the kit the file's accounts count by themselves: what was ticked before is forgotten."""
    upload = bring(owner, files.foreign)
    plan_runs.latest(upload)
    PlanRun.objects.update(choices={"accept_foreign": True, "grant_roles": ["x@x.example"]})
    give(owner, upload, kit_text=files.foreign_kit)
    choices = plan_runs.latest(upload).choices
    assert (choices["accept_foreign"], choices["grant_roles"]) == (False, [])


def test_beginning_without_a_kit_is_as_before(owner, files):
    assert begin(owner, 10).status_code == 201
    assert kept() == []
