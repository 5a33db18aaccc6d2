"""The owner's worst day, by clicks: bring a backup, see what it would do, restore it, sign in again."""

import os
import re

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from backups.models import AuditEvent, BackupRun, State
from backups.registry import COMPLETE, SAFE
from backupsvc.studio.models import ClientApproval, Issue, User
from restore.models import RestoreRun, Upload
from restore.services.asking.requests import PHRASE
from tests.browser.restoring import (
    IMPORT,
    OWNER,
    choose,
    confirm,
    forget,
    open_import,
    sign_in_again,
    without_complaints_of,
)
from tests.browser.visitor import PASSWORD

pytestmark = pytest.mark.usefixtures("worker", "nothing_restored")


def test_an_owner_restores_a_complete_backup_and_signs_in_again(visitor, backup, held_up):
    path = backup(COMPLETE)
    lost, back = list(Issue.objects.all()[:3]), Issue.objects.count()
    for issue in lost:
        issue.delete()
    User.objects.filter(email=OWNER).update(phone_number="changed since")
    owner = visitor("owner")
    open_import(owner)
    owner.inspect()

    choose(owner, path)
    owner.sees("1 row was changed since and goes back to what it was.", seconds=90)
    owner.sees("this installation")
    owner.inspect()
    # The account that was edited since, and nothing else; the way on comes before the tables.
    rows = owner.page.locator("#rs-all-tables [data-words]:visible")
    assert rows.count() == 1
    on = owner.page.get_by_role("link", name="Go on to the confirmation …").bounding_box()
    assert on["y"] < rows.first.bounding_box()["y"]
    owner.page.get_by_label("Search a table").fill("issue comm")
    assert rows.count() == 1
    owner.click("Go on to the confirmation …")
    owner.sees("DESTRUCTIVE")
    owner.inspect()
    owner.page.get_by_label("The words above").fill("replace all data")
    owner.page.get_by_label("Your password, again").fill("not it")
    owner.click("Restore now")
    owner.sees("These are not the words")
    owner.sees("This is not your password")
    owner.inspect()

    # The safety backup cannot be begun while its list is held: long enough to look around.
    with held_up(BackupRun):
        confirm(owner)
        owner.sees("The restore is running")
        owner.page.locator("[aria-current=step]", has_text="safety backup").wait_for(timeout=60_000)
        owner.inspect()
        beside = owner.new_tab()
        beside.goto(owner.page.url)
        for page in (owner.page, beside):
            page.reload()
            page.locator("[aria-current=step]", has_text="safety backup").wait_for()
            page.get_by_text("Left of this step").wait_for()
        beside.close()
        second = owner.new_tab()
        assert second.goto("/admin/").status == 503
        second.get_by_text("A backup is being restored").wait_for()
    owner.sees("The restore succeeded", seconds=90)
    # The maintenance page looks by itself whether it is over.
    second.get_by_label("Email").wait_for(timeout=60_000)
    second.close()
    with without_complaints_of(owner, "503"):
        owner.sees("kept until")
    owner.inspect()

    sign_in_again(owner)
    owner.inspect()
    assert Issue.objects.count() == back
    assert User.objects.get(email=OWNER).phone_number != "changed since"
    assert RestoreRun.objects.get().state == State.SUCCEEDED
    assert not Upload.objects.exists()


def test_the_keyboard_and_a_narrow_screen_are_enough_to_restore_a_safe_backup(visitor, backup):
    path = backup(SAFE)
    approvals = ClientApproval.objects.count()
    Issue.objects.all()[0].delete()
    before = Issue.objects.count()
    owner = visitor("owner", viewport={"width": 360, "height": 740})
    open_import(owner)
    owner.inspect()
    with owner.page.expect_file_chooser() as chooser:
        owner.press(owner.page.get_by_label("Choose a backup file"))
    chooser.value.set_files(path)
    owner.sees("Table by table", seconds=90)
    owner.sees(f"{OWNER} stays an owner")
    owner.inspect()
    owner.press(owner.page.get_by_role("link", name="Go on to the confirmation …"))
    owner.sees("replaces the data of the Safe tables")
    owner.inspect()
    owner.tab_to(owner.page.get_by_label("The words above"))
    owner.page.keyboard.type(PHRASE)
    owner.tab_to(owner.page.get_by_label("Your password, again"))
    owner.page.keyboard.type(PASSWORD)
    owner.press(owner.page.get_by_role("button", name="Restore now"))
    owner.sees("The restore succeeded", seconds=90)
    owner.inspect()
    owner.press(owner.page.get_by_role("link", name="Sign in again"))
    # Django's own page puts the focus into the first field.
    owner.page.get_by_label("Email").wait_for()
    owner.page.keyboard.type(OWNER)
    owner.tab_to(owner.page.get_by_label("Password"))
    owner.page.keyboard.type(PASSWORD)
    owner.page.keyboard.press("Enter")
    owner.sees("The way back")
    owner.inspect()
    assert Issue.objects.count() == before + 1
    assert ClientApproval.objects.count() == approvals


def test_a_broken_upload_goes_on_by_itself_and_after_a_reload(visitor, backup, tmp_path):
    # Three pieces, of which the last are no part of the backup: the plan will say so.
    path = backup(COMPLETE)
    large = tmp_path / "large.json.zst"
    large.write_bytes(path.read_bytes() + os.urandom(20 * 1024 * 1024))
    owner = visitor("owner")
    open_import(owner)
    pieces, mended = [], []

    def deliver(route) -> None:
        """The first piece, and the second at its second try; nothing else comes through at first."""
        pieces.append(route.request.headers["upload-offset"])
        if mended or len(pieces) in (1, 3):
            route.continue_()
        else:
            route.abort()

    owner.page.route("**/piece/", deliver)
    with without_complaints_of(owner, "ERR_FAILED"):
        choose(owner, large)
        owner.sees("Trying again by itself")
        owner.sees("A Complete backup, made")
        expect(owner.page.locator("#rs-figures")).to_contain_text(
            re.compile(r"7\d %"), timeout=60_000
        )
    assert pieces[1] == pieces[2], "the piece that broke is sent again, and only that"
    owner.page.on("dialog", lambda dialog: dialog.accept())

    open_import(owner)
    owner.sees("Uploads that were not finished")
    forget(owner, "ERR_FAILED")
    owner.inspect()
    upload = Upload.objects.get()
    assert 0 < upload.received_bytes < upload.size_bytes
    mended.append(True)
    choose(owner, large)
    owner.sees("There is no plan of this file", seconds=90)
    assert Upload.objects.get().pk == upload.pk
    owner.inspect()
    owner.click("Throw the file away and choose another")
    owner.sees("Choose a backup file")
    assert not Upload.objects.exists()


def test_what_is_not_a_backup_is_refused_after_its_first_piece(visitor, tmp_path):
    video = tmp_path / "holiday.mp4"
    video.write_bytes(b"\x00\x00\x00\x18ftypmp42" + os.urandom(17 * 1024 * 1024))
    owner = visitor("owner")
    open_import(owner)
    sent = []
    owner.page.on("request", lambda request: sent.append(request.url))
    choose(owner, video)
    owner.sees("The file is not a backup of this system.")
    assert sum(url.endswith("/piece/") for url in sent) == 1
    owner.inspect()
    assert not Upload.objects.exists()


def test_a_file_that_was_chosen_before_the_page_could_listen_is_taken(visitor, tmp_path):
    """The line is slow, and the person is not."""
    photo = tmp_path / "kitchen.jpg"
    photo.write_bytes(b"\xff\xd8\xff\xe0" + bytes(5000))
    owner = visitor("owner")
    open_import(owner)
    held = []
    owner.page.route(re.compile(r"/upload[.\w]*\.js"), lambda route: held.append(route))
    owner.page.reload(wait_until="commit")
    choose(owner, photo)
    owner.page.wait_for_timeout(200)
    assert held
    held[0].continue_()
    owner.sees("The file is not a backup of this system.")


@pytest.mark.parametrize("role", ["admin", "designer"])
def test_others_are_refused_by_address_and_see_no_way_there(visitor, role):
    someone = visitor(role)
    assert someone.open(IMPORT) == 403
    assert someone.open("/admin/restore/restorerun/") == 403
    assert AuditEvent.objects.filter(outcome="refused", person_email__startswith=role).count() == 2
    someone.open("/admin/")
    assert someone.page.get_by_role("link", name="Import Backup").count() == 0
    assert someone.page.locator("a[href*='/restore/']").count() == 0


def test_an_upload_goes_on_after_signing_in_again(visitor, backup, tmp_path):
    path = backup(COMPLETE)
    large = tmp_path / "large.json.zst"
    large.write_bytes(path.read_bytes() + os.urandom(9 * 1024 * 1024))
    owner = visitor("owner")
    open_import(owner)
    second = owner.new_tab()

    ended = []

    def sign_out_first(route) -> None:
        if int(route.request.headers["upload-offset"]) and not ended:
            ended.append(Session.objects.all().delete())
        route.continue_()

    owner.page.route("**/piece/", sign_out_first)
    with without_complaints_of(owner, "403"):
        choose(owner, large)
        owner.sees("You are signed out.")
    second.goto("/admin/login/")
    second.get_by_label("Email").fill(OWNER)
    second.get_by_label("Password").fill(PASSWORD)
    second.get_by_role("button", name="Log in").click()
    second.wait_for_url(lambda url: "/login/" not in url)
    owner.click("Go on")
    owner.sees("There is no plan of this file", seconds=90)
    owner.inspect()
