"""An owner encrypts the Complete backup, tries the key, and restores the file that was downloaded."""

import os
import re
from pathlib import Path

import pytest

from backups.artifact import age_keys
from backups.models import AuditEvent, BackupRun, KeyRequest, Recipient
from restore.models import PlanRun, RestoreRun
from tests.browser.restoring import choose, confirm, open_import, sign_in_again
from tests.browser.visitor import PASSWORD

pytestmark = [pytest.mark.battery, pytest.mark.usefixtures("worker")]
LOOK_AT = os.environ.get("LOOK_AT", "")


def looked_at(owner, name: str) -> None:
    owner.inspect()
    if LOOK_AT:
        owner.page.screenshot(path=Path(LOOK_AT) / f"{name}.png", full_page=True)


@pytest.fixture
def nothing_left(transactional_db):
    yield
    for model in (Recipient, KeyRequest, PlanRun, RestoreRun):
        model.objects.all().delete()


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("width", [1280, 390])
def test_an_owner_s_key_opens_what_the_server_cannot(visitor, tmp_path, width):
    mine = age_keys.new_identity()
    key_file = tmp_path / "key.txt"
    key_file.write_text(f"# public key: {mine.recipient}\n{mine.told()}\n")
    owner = visitor("owner", viewport={"width": width, "height": 900})

    owner.open("keys/")
    looked_at(owner, f"keys-none-{width}")
    owner.page.get_by_label("Public key").fill(mine.recipient)
    owner.page.get_by_label("Where its private key is kept").fill("the safe at the office")
    owner.click("Continue")
    owner.sees("This message only the private key opens")
    looked_at(owner, f"keys-challenge-{width}")
    message = owner.page.get_by_label("The encrypted message").inner_text()
    owner.page.get_by_label("The answer").fill(age_keys.unsealed(message, mine).decode().strip())
    owner.page.get_by_label("Your password, again").fill(PASSWORD)
    owner.click("Add the key")
    owner.sees("private key shown")
    looked_at(owner, f"keys-one-{width}")

    owner.open("start/complete/")
    looked_at(owner, f"start-{width}")
    owner.page.get_by_label("Your password, again").fill(PASSWORD)
    owner.click("Make the Complete Backup")
    owner.sees("Try my key now")
    looked_at(owner, f"run-{width}")
    run = BackupRun.objects.latest("requested_at")

    owner.click("Try my key now")
    owner.page.get_by_label("The file of the private key").set_input_files(key_file)
    owner.click("Try it")
    owner.sees("Your key opens this backup.")
    looked_at(owner, f"tried-{width}")

    owner.open(f"runs/{run.pk}/")
    owner.click("Verify in full with my key")
    owner.click("Give the private key …")
    looked_at(owner, f"give-{width}")
    owner.page.get_by_label("or its text").fill(age_keys.new_identity().told())
    owner.click("Give it to the worker")
    owner.click("Give the private key …")
    owner.sees("does not open this file")
    owner.page.get_by_label("or its text").fill(mine.told())
    owner.click("Give it to the worker")
    owner.page.get_by_role("button", name="Verify in full with my key").wait_for()
    verified = AuditEvent.objects.filter(action="backup.verify", outcome="done").latest("id")
    assert verified.details["form"] == "whole"

    owner.click("Download …")
    owner.page.get_by_label("Your password, again").fill(PASSWORD)
    owner.click("Continue")
    with owner.page.expect_download() as download:
        owner.page.get_by_role("link", name=re.compile("Download encrypted")).click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name.endswith(".json.zst.age")

    open_import(owner)
    choose(owner, file)
    owner.click("Give the private key …")
    owner.page.get_by_label("The file of the private key").set_input_files(key_file)
    owner.click("Give it to the worker")
    owner.sees("What a restore overwrites here")
    looked_at(owner, f"plan-{width}")
    owner.page.get_by_role("link", name=re.compile("confirm", re.IGNORECASE)).first.click()
    confirm(owner)
    owner.click("Give the private key …")
    owner.page.get_by_label("The file of the private key").set_input_files(key_file)
    owner.click("Give it to the worker")
    sign_in_again(owner)
    assert RestoreRun.objects.latest("requested_at").state == "succeeded"
    safety = BackupRun.objects.get(pk=RestoreRun.objects.latest("requested_at").safety_backup)
    assert safety.encryption == "installation"
