"""Bringing a file in pieces: only the next piece is taken, and what is not a backup goes at once."""

import datetime
import io
import json
import os
import stat
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backups.artifact import age, age_keys
from backups.models import AuditEvent
from backups.services import vault
from backups.services.key_requests import asking_for
from backups.services.keyring import held
from backupsvc.studio.models import User
from restore.models import PlanRun, Upload
from restore.services.asking import uploads
from restore.services.planning import plan_runs
from tests.pages_restore.conftest import (
    begin,
    bring,
    browser_of,
    give_password,
    make_account,
    of_newer_version,
    send,
    zip_archive,
)


def stored_files() -> list[Path]:
    return list(Path(settings.BACKUPS_ROOT).glob("upload-*"))


def outcomes(action: str) -> list[str]:
    return list(AuditEvent.objects.filter(action=action).values_list("outcome", flat=True))


def test_a_file_arrives_in_pieces_and_is_the_same_in_the_end(owner, files):
    content, half = files.complete, len(files.complete) // 2
    upload_id = begin(owner, len(content)).json()["id"]
    assert send(owner, upload_id, content[:half], 0).json()["received"] == half
    assert send(owner, upload_id, content[half:], half).json()["received"] == len(content)
    assert vault.path_of(Upload.objects.get().stored).read_bytes() == content


def test_it_lies_private_and_under_a_name_that_tells_nothing(owner, files):
    upload = bring(owner, files.complete, "Complete 2026.json.zst")
    path = vault.path_of(upload.stored)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert upload.pk not in upload.stored and "Complete" not in upload.stored
    assert Path(settings.MEDIA_ROOT) not in path.parents


def test_a_path_in_the_name_is_cut_off(owner, db):
    begin(owner, 10, "../../etc/pass\x07wd\n.json")
    assert Upload.objects.get().name == "passwd.json"


def test_the_first_piece_tells_what_it_is(owner, files):
    upload_id = begin(owner, len(files.safe) + 5).json()["id"]
    head = send(owner, upload_id, files.safe, 0).json()["head"]
    assert (head["type"], head["ours"]) == ("safe", True)
    assert head["created_at"]


def test_a_whole_file_is_planned_by_itself_for_who_brought_it(owner, files):
    upload = bring(owner, files.safe)
    assert PlanRun.objects.get(upload=upload.pk).choices["acting"] == "owner@studio.example"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (zip_archive(), "artifact.format"),
        (b"PGDMP" + bytes(200), "artifact.format"),
        (b"\x1f\x8b" + bytes(200), "artifact.damaged"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(5000), "artifact.format"),
        (b'{"fixtures": []}\n' * 100, "artifact.format"),
    ],
    ids=["zip", "pg_dump", "gzip", "video", "other JSON"],
)
def test_what_is_not_a_backup_is_refused_after_the_first_piece(owner, content, code):
    upload_id = begin(owner, 20 * 1024**3).json()["id"]
    answer = send(owner, upload_id, content, 0)
    # The request was carried out, so it is no HTTP error: browsers note those on their console.
    assert answer.status_code == 200
    assert set(answer.json()) == {"refused"}
    assert answer.json()["refused"]["code"] == code
    assert answer.json()["refused"]["message"] and answer.json()["refused"]["hint"]
    assert not stored_files() and not Upload.objects.exists()
    assert "refused" in outcomes("upload")


def test_an_archive_of_one_backup_is_told_when_it_is_whole(owner, files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("backup.json.zst", files.safe)
    content, half = out.getvalue(), len(out.getvalue()) // 2
    upload_id = begin(owner, len(content), "backup.zip").json()["id"]
    assert send(owner, upload_id, content[:half], 0).json()["head"] == {}
    head = send(owner, upload_id, content[half:], half).json()["head"]
    assert (head["type"], head["ours"], head["altered"]) == ("safe", True, False)


def test_a_file_of_the_earlier_system_is_refused_by_its_own_name(owner):
    earlier = {"version": "2.0", "timestamp": "2025", "data": {"users": []}}
    content = json.dumps(earlier).encode()
    upload_id = begin(owner, len(content), "C:\\x\\<b>old</b>.json").json()["id"]
    refused = send(owner, upload_id, content, 0).json()["refused"]
    assert (refused["code"], refused["file"]) == ("artifact.earlier", "b>.json")


def test_a_first_line_that_never_ends_is_refused_after_a_few_pieces(owner):
    upload_id = begin(owner, 20 * 1024**3).json()["id"]
    blanks = b"{" + b" " * (uploads.PIECE_BYTES - 1)
    assert send(owner, upload_id, blanks, 0).status_code == 200
    answer = send(owner, upload_id, blanks, len(blanks))
    assert answer.json()["refused"]["code"] in ("artifact.format", "artifact.truncated")
    assert not stored_files()


def test_a_backup_of_a_newer_version_is_refused_by_name(owner, files):
    content = of_newer_version(files.complete_plain)
    upload_id = begin(owner, len(content)).json()["id"]
    error = send(owner, upload_id, content, 0).json()["refused"]
    assert error["code"] == "artifact.version"


def test_a_decompression_bomb_in_the_first_piece_is_stopped_early(owner):
    import zstandard

    bomb = zstandard.ZstdCompressor(level=19).compress(b"{" + b" " * (1 << 28))
    upload_id = begin(owner, len(bomb)).json()["id"]
    assert send(owner, upload_id, bomb, 0).json()["refused"]["code"] == "artifact.format"


@pytest.mark.parametrize("offset", ["", "-1", "1.5", "x", "9" * 30])
def test_an_offset_that_is_no_number_is_refused(owner, offset):
    upload_id = begin(owner, 100).json()["id"]
    answer = owner.post(
        reverse("admin:restore_piece", args=[upload_id]),
        data=b"{",
        content_type="application/octet-stream",
        headers={"Upload-Offset": offset},
    )
    assert answer.status_code == 400


def test_a_piece_at_a_wrong_place_is_told_where_to_go_on(owner, files):
    upload_id = begin(owner, len(files.complete)).json()["id"]
    send(owner, upload_id, files.complete[:100], 0)
    for offset in (0, 99, 101):
        answer = send(owner, upload_id, b"xx", offset)
        assert answer.status_code == 409
        assert answer.json()["received"] == 100


def test_a_piece_that_came_twice_changes_nothing(owner, files):
    upload_id = begin(owner, len(files.complete)).json()["id"]
    send(owner, upload_id, files.complete[:5000], 0)
    send(owner, upload_id, files.complete[:5000], 0)
    assert stored_files()[0].read_bytes() == files.complete[:5000]


def test_a_piece_that_is_too_long_is_not_taken(owner, files):
    upload_id = begin(owner, 50).json()["id"]
    assert send(owner, upload_id, files.complete[:51], 0).status_code == 413
    assert stored_files()[0].stat().st_size == 0


def test_a_form_is_not_a_piece(owner):
    upload_id = begin(owner, 50).json()["id"]
    answer = owner.post(reverse("admin:restore_piece", args=[upload_id]), {"a": "b"})
    assert answer.status_code == 400


def test_a_piece_that_broke_off_is_not_kept(owner, files, db):
    class Broken:
        def __init__(self):
            self.left = [files.complete[:300]]

        def read(self, size, /):
            return self.left.pop() if self.left else b""

    upload_id = begin(owner, len(files.complete)).json()["id"]
    upload = Upload.objects.get(pk=upload_id)
    with pytest.raises(uploads.RestoreError, match="broke"):
        uploads.receive(upload, 0, 1000, Broken(), uploads.Actor())
    assert stored_files()[0].stat().st_size == 0
    assert send(owner, upload_id, files.complete, 0).status_code == 200


def test_after_a_reload_the_server_says_how_much_it_has(owner, files):
    upload_id = begin(owner, len(files.complete)).json()["id"]
    send(owner, upload_id, files.complete[:700], 0)
    told = owner.get(reverse("admin:restore_state", args=[upload_id])).json()
    assert (told["received"], told["size"]) == (700, len(files.complete))
    page = owner.get(reverse("admin:restore_import")).content.decode()
    assert f'data-unfinished="{upload_id}"' in page


def test_an_empty_file_and_one_too_large_are_refused_before_anything_is_sent(owner, settings):
    assert begin(owner, 0).json()["error"]["code"] == "upload.empty"
    settings.BACKUPS_UPLOAD_LIMIT_BYTES = 1000
    answer = begin(owner, 1001)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "upload.too_large")
    assert not stored_files()


def test_a_disk_without_room_is_said_before_anything_is_sent(owner, monkeypatch):
    class Usage:
        free = 70 * 1024**2

    monkeypatch.setattr(uploads.shutil, "disk_usage", lambda folder: Usage)
    answer = begin(owner, 10 * 1024**2)
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "storage.full")
    assert begin(owner, 5 * 1024**2).status_code == 201


def test_another_owners_upload_is_not_there(owner, files):
    upload_id = begin(owner, 100).json()["id"]
    other = browser_of(make_account(User.Role.OWNER, email="other@studio.example"))
    assert send(other, upload_id, b"{", 0).status_code == 404
    for name in ("state", "plan", "progress", "plan_download", "confirm"):
        assert other.get(reverse(f"admin:restore_{name}", args=[upload_id])).status_code == 404
    assert other.post(reverse("admin:restore_discard", args=[upload_id])).status_code == 404
    assert Upload.objects.exists()


def test_without_the_password_nothing_is_taken(owner):
    address = reverse("admin:restore_begin")
    assert 'id="rs-upload"' not in owner.get(reverse("admin:restore_import")).content.decode()
    owner.post(reverse("admin:restore_import"), {"password": "wrong"})
    answer = owner.post(address, {"name": "x", "size": 5})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "upload.password")
    assert not stored_files() and "refused" in outcomes("upload")
    give_password(owner)
    assert 'id="rs-upload"' in owner.get(reverse("admin:restore_import")).content.decode()
    assert owner.post(address, {"name": "x", "size": 5}).status_code == 201


def test_without_that_question_a_session_left_open_would_do(owner, monkeypatch):
    monkeypatch.setattr("restore.views.uploading.require_password_given", lambda request: None)
    answer = owner.post(reverse("admin:restore_begin"), {"name": "x", "size": 5})
    assert answer.status_code == 201


def test_the_password_is_good_for_a_quarter_of_an_hour(owner, monkeypatch):
    give_password(owner)
    later = signing.time.time() + 15 * 60 + 1
    monkeypatch.setattr(signing.time, "time", lambda: later)
    answer = owner.post(reverse("admin:restore_begin"), {"name": "x", "size": 5})
    assert answer.json()["error"]["code"] == "upload.password"


def test_an_upload_can_be_thrown_away(owner, files):
    upload = bring(owner, files.complete)
    owner.post(reverse("admin:restore_discard", args=[upload.pk]))
    assert not stored_files() and not Upload.objects.exists()
    assert "discarded" in outcomes("upload")


def test_pieces_need_the_csrf_token(files, db):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_account(User.Role.OWNER))
    assert begin(browser, 100).status_code == 403
    upload = uploads.begin("x", 100, uploads.Actor(email="owner@studio.example"))
    assert send(browser, upload.pk, b"{", 0).status_code == 403
    token = browser.get(reverse("admin:restore_import")).cookies["csrftoken"].value
    url = reverse("admin:restore_piece", args=[upload.pk])
    headers = {"X-CSRFToken": token, "Upload-Offset": "0"}
    answer = browser.post(url, b'{"a', "application/octet-stream", headers=headers)
    assert answer.status_code == 200


def test_forgotten_uploads_are_swept_after_a_day_and_no_sooner(owner, files):
    old, young = bring(owner, files.complete), bring(owner, files.safe)
    PlanRun.objects.update(state="failed")
    Upload.objects.filter(pk=old.pk).update(
        touched_at=timezone.now() - datetime.timedelta(hours=25)
    )
    Upload.objects.filter(pk=young.pk).update(
        touched_at=timezone.now() - datetime.timedelta(hours=23)
    )
    assert uploads.sweep() == 1
    assert [path.name for path in stored_files()] == [young.stored]
    assert not PlanRun.objects.filter(upload=old.pk).exists()


def test_a_sweep_leaves_what_a_plan_is_reading(owner, files):
    upload = bring(owner, files.complete)
    Upload.objects.update(touched_at=timezone.now() - datetime.timedelta(hours=25))
    assert uploads.sweep() == 0
    assert stored_files()[0].name == upload.stored


def test_a_sweep_removes_old_files_that_have_no_row(db):
    lost = vault.folder() / "upload-lost"
    lost.write_bytes(b"x")
    assert uploads.sweep() == 0
    os.utime(lost, (0, 0))
    assert uploads.sweep() == 1
    assert not lost.exists()


def reformatted(plain: bytes, **how) -> bytes:
    return json.dumps(json.loads(plain), **how).encode()


@pytest.mark.parametrize("sort_keys", [False, True], ids=["as written", "keys sorted"])
def test_a_reformatted_backup_is_taken_and_told_so(owner, files, sort_keys):
    content = reformatted(files.complete_plain, indent=2, sort_keys=sort_keys)
    upload = bring(owner, content, "pretty.json")
    assert (upload.head["altered"], upload.head["type"]) == (True, "complete")


def test_other_json_in_many_lines_is_refused(owner):
    content = json.dumps([{"model": "auth.user", "pk": 1}] * 9, indent=2).encode()[1:].lstrip()
    upload_id = begin(owner, len(content)).json()["id"]
    assert send(owner, upload_id, content, 0).json()["refused"]["code"] == "artifact.format"


def test_a_reformatted_backup_of_a_newer_version_is_refused_by_name(owner, files):
    content = of_newer_version(files.complete_plain)
    content = reformatted(content, indent=1)
    upload_id = begin(owner, len(content)).json()["id"]
    assert send(owner, upload_id, content, 0).json()["refused"]["code"] == "artifact.version"


def test_an_encrypted_file_is_taken_as_one_and_asks_for_its_key_when_it_is_here(owner, files):
    content = io.BytesIO()
    mine = age_keys.new_identity()
    with age.Encrypting(content, [mine.recipient]) as sealed:
        sealed.write(files.complete)
    upload = bring(owner, content.getvalue(), "complete.json.zst.age")
    assert upload.head["encrypted"] and not upload.head["type"]
    run = PlanRun.objects.get(upload=upload.pk)
    with asking_for(run.pk), held([mine]):
        plan_runs.carry_out(run)
    assert run.plan["file"]["type"] == "complete"
    page = owner.get(reverse("admin:restore_plan", args=[upload.pk])).content.decode()
    assert "complete.json.zst.age" in page and mine.told() not in page
