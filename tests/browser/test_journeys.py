"""The journeys of the office admin and of the owner, by clicks."""

import json
import re

import pytest
import zstandard
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from backups.models import AuditEvent, BackupRun, State
from backups.registry import COMPLETE, SAFE, registry
from backups.services import vault
from backupsvc.studio.models import ChatMessage
from tests.browser.visitor import PASSWORD

RESTORING = [f"/admin/restore/restorerun/{name}" for name in ("", "import/", "outgoing/")]

pytestmark = pytest.mark.usefixtures("worker")


def made_backup(scope: str) -> BackupRun:
    """A row and its file, as deleting needs them: what is in the file is nobody's concern there."""
    (vault.folder() / "to-be-deleted.json.zst").write_bytes(b"x")
    return BackupRun.objects.create(
        scope=scope,
        state=State.SUCCEEDED,
        artifact="to-be-deleted.json.zst",
        finished_at=timezone.now(),
        statistics={"sections": {}, "files": {}, "not_embedded": []},
    )


def downloaded(visitor, name):
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name=re.compile(name)).first.click()
    return download.value


def test_an_admin_makes_and_downloads_a_safe_backup(visitor, held_up):
    admin = visitor("admin")
    admin.open()
    admin.inspect()
    with held_up(ChatMessage):
        admin.click("Safe Backup")
        # Every table is taken before the first is read, so that it waits for its turn.
        admin.sees("Waiting for its turn")
        admin.inspect()
    admin.sees("The backup was made, and read back from end to end.")
    admin.inspect()

    download = downloaded(admin, r"Download \(\.json,")

    assert re.fullmatch(r"safe-backup-[\d-]+Z\.json", download.suggested_filename)
    document = json.loads(download.path().read_text())
    assert document["type"] == "safe"
    assert set(document["data"]) == {s.key for s in registry.in_scope(SAFE)}
    assert len(document["data"]["chatMessages"]) == ChatMessage.objects.count()


def test_an_owner_makes_and_downloads_a_complete_backup(visitor):
    owner = visitor("owner")
    owner.open()
    owner.click("Complete Backup")
    owner.inspect()
    owner.page.get_by_label("Your password, again").fill("not it")
    owner.click("Make the Complete Backup")
    owner.sees("This is not your password")
    owner.inspect()
    owner.page.get_by_label("Your password, again").fill(PASSWORD)
    owner.click("Make the Complete Backup")
    owner.sees("files could not be fetched", seconds=60)
    owner.inspect()

    owner.click("Download …")
    owner.sees("encrypted and offline")
    owner.inspect()
    owner.page.get_by_label("Your password, again").fill(PASSWORD)
    owner.click("Continue")
    owner.sees("Choose a form")
    owner.inspect()
    download = downloaded(owner, "Download compressed")

    plain = zstandard.ZstdDecompressor().decompressobj().decompress(download.path().read_bytes())
    document = json.loads(plain)
    assert set(document["data"]) == {s.key for s in registry.in_scope(COMPLETE)}
    assert document["files"]
    assert AuditEvent.objects.filter(action="backup.download", outcome="served").count() == 1


def test_a_running_backup_is_seen_in_a_second_tab_and_by_a_second_person(visitor, held_up):
    admin, owner = visitor("admin"), visitor("owner")
    admin.open()
    with held_up(ChatMessage):
        admin.click("Safe Backup")
        admin.sees("Waiting for its turn")
        address = admin.page.url
        tab = admin.new_tab()
        owner.open()
        owner.click("Being made now: look")
        assert owner.page.url == address
        for page in (admin.page, tab, owner.page):
            page.goto(address)
            expect(page.get_by_text("▶ Waiting for its turn")).to_be_visible()
    for page in (admin.page, tab, owner.page):
        expect(page.get_by_text("read back from end to end")).to_be_visible(timeout=60_000)


def test_cancelling_takes_seconds(visitor, held_up):
    admin = visitor("admin")
    admin.open()
    with held_up(ChatMessage):
        admin.click("Safe Backup")
        admin.sees("Waiting for its turn")
        admin.click("Cancel this backup")
        admin.sees("The run was cancelled.", seconds=10)
        admin.inspect()
    assert BackupRun.objects.get().state == State.CANCELLED


def test_an_owner_verifies_pins_and_deletes_a_backup(visitor):
    owner = visitor("owner")
    owner.open()
    owner.click("Safe Backup")
    owner.sees("read back from end to end")
    owner.click("Verify again")
    expect(owner.page.get_by_role("button", name="Verify again")).to_be_visible(timeout=60_000)
    owner.click("Pin")
    owner.sees("nobody can delete it")
    expect(owner.page.get_by_role("link", name="Delete …")).to_have_count(0)
    owner.click("Release")
    owner.click("Delete …")
    owner.inspect()
    owner.click("Delete it")
    owner.sees("The audit trail remembers it")
    owner.inspect()
    assert AuditEvent.objects.filter(action="backup.verify", outcome="done").exists()


def test_a_complete_backup_goes_with_the_password_alone(visitor):
    """Narrow and wide: axe and the console have nothing to say, a wrong password is told, and whoever keeps
    it is led back."""
    run = made_backup("complete")
    owner = visitor("owner", viewport={"width": 360, "height": 800})
    page = reverse("admin:backups_delete", args=[run.pk])
    owner.open(page)
    owner.inspect()
    owner.click("Keep it")
    owner.sees("The backup was made, and read back")
    owner.page.set_viewport_size({"width": 1280, "height": 800})
    owner.open(page)
    owner.page.get_by_label("Your password, again").fill("not it")
    owner.click("Delete it")
    owner.sees("This is not your password")
    owner.inspect()
    assert BackupRun.objects.get(pk=run.pk).artifact
    owner.page.get_by_label("Your password, again").fill(PASSWORD)
    owner.click("Delete it")
    owner.sees("The backup was deleted.")
    owner.inspect()
    assert not BackupRun.objects.filter(pk=run.pk).exists()
    assert not (vault.folder() / run.artifact).exists()


def test_a_designer_is_kept_out_by_address_too(visitor):
    designer = visitor("designer")
    for path in ("", "history/", "coverage/", "audit/", "start/complete/"):
        assert designer.open(path) == 403
        designer.sees("Your role does not allow this")
    designer.inspect()


def test_an_admin_is_kept_from_what_is_the_owners(visitor):
    admin = visitor("admin")
    admin.open()
    expect(admin.page.get_by_role("link", name="Audit")).to_have_count(0)
    for path in ("audit/", "start/complete/"):
        assert admin.open(path) == 403


@pytest.mark.parametrize(
    ("theme", "width"),
    [
        ("light", 1280),
        ("dark", 360),
        pytest.param("dark", 1280, marks=pytest.mark.battery),
        pytest.param("light", 360, marks=pytest.mark.battery),
    ],
)
def test_every_page_is_accessible_and_without_errors(visitor, theme, width):
    owner = visitor("owner", color_scheme=theme, viewport={"width": width, "height": 800})
    for path in ("", "history/", "coverage/", "audit/", "start/complete/", "/admin/", *RESTORING):
        assert owner.open(path) == 200
        owner.inspect()


def test_the_search_box_of_the_coverage_page_hides_what_does_not_fit(visitor):
    owner = visitor("owner")
    owner.open("coverage/")
    owner.page.get_by_label("Search tables and columns").fill("password")

    expect(owner.page.get_by_role("rowheader", name="User", exact=True)).to_be_visible()
    expect(owner.page.get_by_role("rowheader", name="Room", exact=True)).to_be_hidden()
    owner.sees("tables shown")


def test_the_keyboard_alone_is_enough_for_a_safe_backup(visitor):
    admin = visitor("admin")
    admin.open()
    button = admin.page.get_by_role("button", name="Safe Backup")
    for _ in range(30):
        admin.page.keyboard.press("Tab")
        if button.evaluate("node => node === document.activeElement"):
            break
    admin.page.keyboard.press("Enter")
    admin.sees("read back from end to end")


def test_the_admins_own_pages_work_under_the_policy(visitor):
    owner = visitor("owner")
    for path in ("user/", "project/", "project/add/", "user/add/"):
        assert owner.open(f"/admin/studio/{path}") == 200
    owner.open("/admin/studio/project/add/")
    owner.page.locator(".select2-selection").first.click()
    owner.page.locator(".select2-results__option").first.wait_for()
    assert owner.complaints == []


def test_the_inspection_of_a_page_sees_what_is_wrong_with_it(visitor):
    someone = visitor("designer")
    someone.page.set_content("<!doctype html><img src='data:,'><pre>" + "wide" * 1000)
    found = " ".join(someone.problems())
    for what in ("image-alt: <img", "html-has-lang: <html", "px wider"):
        assert what in found, found
