"""The pages of the rows behind a plan's numbers."""

import contextlib
import datetime
import re
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from backups.errors import BackupSystemError
from backups.models import AuditEvent
from backups.services import vault
from backupsvc.studio.models import Client, Organization, User
from restore.models import Upload
from restore.plan import Kind
from restore.services.asking import here, kept_rows, uploads
from restore.views import looking
from tests.pages_restore.conftest import bring, browser_of, make_account, planned

EVIL = "<script>alert(1)</script>"


def address(upload: Upload, table: str = "clients", kind: str = "lost") -> str:
    return reverse("admin:restore_rows", args=[upload.pk, table, kind])


def looked(browser: Browser, upload: Upload, *where: str, page: str | int = 1, status: int = 200):
    answer = browser.get(address(upload, *where), {"page": page})
    assert answer.status_code == status
    return answer.content.decode()


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("\u2013", "-")


@pytest.fixture
def upload(live_studio, files) -> Upload:
    return bring(live_studio, files.complete)


def test_the_plan_leads_to_the_rows_of_each_number(live_studio, upload):
    Client.objects.filter(pk="first").update(name="renamed")
    Client.objects.filter(pk="second").delete()
    planned(upload)
    plan = live_studio.get(reverse("admin:restore_plan", args=[upload.pk])).content.decode()
    for kind in Kind:
        assert address(upload, "clients", kind) in plan
        assert "1-1 of 1" in text_of(looked(live_studio, upload, "clients", kind))
    assert address(upload, "users", "lost") not in plan


def test_a_changed_row_shows_old_beside_new(live_studio, upload):
    Client.objects.filter(pk="first").update(name="renamed")
    planned(upload)
    page = text_of(looked(live_studio, upload, "clients", "changed"))
    assert re.search(r"id first name renamed first", page)
    assert "email" not in page


def test_what_is_in_a_cell_is_text_and_what_cannot_be_seen_is_spelled_out(live_studio, upload):
    Client.objects.filter(pk="new").update(name=f"{EVIL}\x1b[2J\u202e\u200b\x9b")
    planned(upload)
    page = looked(live_studio, upload)
    assert EVIL not in page and "&lt;script&gt;" in page
    assert r"\x1b" in page and r"\u202e\u200b\x9b" in page
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u200b]", page)


def test_null_an_empty_text_and_the_word_null_look_different(live_studio, upload):
    Client.objects.filter(pk="first").update(name="NULL")
    Client.objects.filter(pk="second").update(name="")
    planned(upload)
    page = looked(live_studio, upload, "clients", "changed")
    assert '<span class="rs-text" dir="auto">NULL</span>' in page
    assert '<span class="rs-null">empty text</span>' in page
    assert '<span class="rs-null">NULL</span>' in looked(live_studio, upload)


def test_a_long_cell_is_cut_and_a_later_difference_is_said(live_studio, upload, files):
    planned(upload)
    Client.objects.filter(pk="new").update(name="x" * 1_000_000)
    live_studio.post(reverse("admin:restore_plan_again", args=[upload.pk]))
    planned(upload)
    page = looked(live_studio, upload)
    assert "the beginning of 1,000,000 characters" in page
    assert "x" * 500 in page and "x" * 501 not in page
    cell = looking.ShownCell({"column": "name", "now": "x", "file": "x", "now_characters": 900})
    assert cell.differs_later


def test_of_a_password_it_is_told_that_it_differs(live_studio, upload):
    User.objects.filter(role=User.Role.DESIGNER).update(password="canary-of-a-secret")
    planned(upload)
    page = looked(live_studio, upload, "users", "changed")
    assert "hidden; it differs" in page
    assert "canary-of-a-secret" not in page
    assert b"canary-of-a-secret" not in (vault.folder() / f"{upload.stored}.rows").read_bytes()


def many_clients(number: int) -> None:
    Client.objects.bulk_create(
        Client(id=f"n{n:04}", name=f"n{n}", email=f"{n}@x.example", org=Organization.objects.get())
        for n in range(number)
    )


def test_rows_come_by_pages_of_50(live_studio, upload):
    many_clients(120)
    planned(upload)
    assert "1-50 of 121" in text_of(looked(live_studio, upload))
    second = looked(live_studio, upload, page=2)
    assert "51-100 of 121" in text_of(second) and "Page 2 of 3" in second
    assert 'href="?page=1" rel="prev"' in second and 'href="?page=3" rel="next"' in second
    last = looked(live_studio, upload, page=3)
    assert "101-121 of 121" in text_of(last) and 'rel="next"' not in last
    for odd in (99, "x", -1, 0, "9" * 40, "²"):
        assert looked(live_studio, upload, page=odd)


def test_of_many_rows_the_first_are_kept_and_that_is_said(live_studio, upload, monkeypatch):
    monkeypatch.setattr(kept_rows, "MOST_ROWS", 60)
    many_clients(120)
    planned(upload)
    page = looked(live_studio, upload, page=2)
    assert "51-60 of 121" in text_of(page)
    assert "The first 60 of 121 rows are kept" in page
    assert "--rows clients --kind lost --page 3" in page


def test_what_is_kept_is_bounded_in_bytes(live_studio, upload, monkeypatch):
    monkeypatch.setattr(kept_rows, "MOST_BYTES_A_LIST", 100)
    many_clients(120)
    planned(upload)
    assert "1-50 of 121" in text_of(looked(live_studio, upload))
    assert "The first 50 of 121 rows" in looked(live_studio, upload)
    monkeypatch.setattr(kept_rows, "MOST_BYTES", 0)
    live_studio.post(reverse("admin:restore_plan_again", args=[upload.pk]))
    planned(upload)
    assert "0 of 121" in text_of(looked(live_studio, upload))


def test_looking_is_written_down(live_studio, upload):
    planned(upload)
    looked(live_studio, upload)
    event = AuditEvent.objects.get(action="plan.look", outcome="looked")
    assert event.person_email == "owner@studio.example"
    assert event.details == {"table": "clients", "kind": "lost", "page": 1}


def test_another_owner_sees_nothing_of_it(live_studio, upload):
    planned(upload)
    other = browser_of(make_account(User.Role.OWNER, email="other@studio.example"))
    looked(other, upload, status=404)
    admin = browser_of(User.objects.get(role=User.Role.ADMIN))
    looked(admin, upload, status=403)
    assert not AuditEvent.objects.filter(action="plan.look", outcome="looked").exists()


@pytest.mark.parametrize(
    "where",
    [("nothing", "lost"), ("clients", "all"), ("issues", "changed"), ("..", "lost"), ("", "lost")],
)
def test_what_the_plan_does_not_count_is_not_there(live_studio, upload, where):
    planned(upload)
    answer = live_studio.get(address(upload).replace("clients/lost", "/".join(where)))
    assert answer.status_code == 404


def test_without_a_plan_and_without_the_rows_it_is_said_what_to_do(live_studio, upload):
    assert "plan again" in looked(live_studio, upload, status=410)
    planned(upload)
    looked(live_studio, upload)
    (vault.folder() / f"{upload.stored}.rows").unlink()
    assert "plan again" in looked(live_studio, upload, status=410)
    plan = live_studio.get(reverse("admin:restore_plan", args=[upload.pk])).content.decode()
    assert "/rows/" not in plan


def test_the_rows_of_an_earlier_plan_are_not_shown_with_a_later_one(live_studio, upload):
    first = planned(upload)
    kept = vault.folder() / f"{upload.stored}.rows"
    of_the_first = kept.read_bytes()
    live_studio.post(reverse("admin:restore_plan_again", args=[upload.pk]))
    second = planned(upload)
    assert first.pk != second.pk
    looked(live_studio, upload)
    kept.write_bytes(of_the_first)
    looked(live_studio, upload, status=410)


@pytest.mark.parametrize("damage", [b"", b"x" * 30, b"0" * 30])
def test_a_damaged_file_of_rows_is_as_none(live_studio, upload, damage):
    planned(upload)
    (vault.folder() / f"{upload.stored}.rows").write_bytes(damage)
    looked(live_studio, upload, status=410)


def test_a_plan_is_made_although_its_rows_cannot_be_kept(live_studio, upload, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept_rows, "_fill", full)
    assert planned(upload).plan["can_be_applied"]
    looked(live_studio, upload, status=410)
    assert [p.name for p in vault.folder().glob("upload-*")] == [upload.stored]


def test_the_rows_go_with_the_upload(live_studio, upload):
    planned(upload)
    assert (vault.folder() / f"{upload.stored}.rows").stat().st_mode & 0o777 == 0o600
    uploads.discard(upload)
    assert not [*vault.folder().glob("upload-*")]


def test_a_plan_that_ends_after_its_upload_has_gone_leaves_nothing(
    live_studio, upload, monkeypatch
):
    written = kept_rows.write

    def too_late(*arguments: Any) -> None:
        uploads.discard(upload)
        written(*arguments)

    monkeypatch.setattr(kept_rows, "write", too_late)
    with contextlib.suppress(BackupSystemError):  # it may notice that it was cancelled
        planned(upload)
    assert not [*vault.folder().glob("upload-*")]


def test_a_sweep_removes_rows_whose_upload_has_gone_and_no_others(live_studio, upload):
    planned(upload)
    lost = vault.folder() / "upload-lost.rows"
    lost.write_bytes(b"x")
    horizon = timezone.now() + datetime.timedelta(seconds=5)
    assert uploads._sweep_nameless(horizon) == 1
    assert not lost.exists() and (vault.folder() / f"{upload.stored}.rows").exists()


# What is overwritten


def test_plan_and_confirmation_name_what_is_overwritten(live_studio, upload):
    run, target = planned(upload), here.overwritten()
    assert run.plan["target"]["database"] == target.database
    for name in ("plan", "confirm"):
        page = live_studio.get(reverse(f"admin:restore_{name}", args=[upload.pk])).content.decode()
        words = text_of(page)
        assert target.database and target.database in words and target.installation in words
        assert (f"{target.host}:{target.port}" if target.host else "socket") in words
    # Beside the words that are typed once more.
    assert words.count(target.database) == 2
