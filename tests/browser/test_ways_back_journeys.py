"""Trying a restore out, taking one back, and letting mail leave again, by clicks."""

import pytest
from django.test import override_settings

from backups.models import AuditEvent, State
from backups.registry import COMPLETE
from backups.services import auditing, creating
from backupsvc.studio.models import Issue
from restore.models import OutgoingHold, Rehearsal, RestoreRun
from tests.browser.restoring import (
    answer_the_last_question,
    choose,
    confirm,
    open_import,
    sign_in_again,
    without_complaints_of,
)
from tests.browser.visitor import PASSWORD

pytestmark = pytest.mark.usefixtures("worker", "nothing_restored")


def test_an_owner_tries_a_backup_out_and_finds_the_proof_on_the_dashboard(visitor):
    owner = visitor("owner")
    backup = creating.carry_out(creating.request(COMPLETE, auditing.COMMAND_LINE))
    owner.open()
    owner.sees("Its restore was never tried out.")
    owner.click("Test it")
    owner.sees("Not tried out yet.")
    owner.inspect()
    owner.click("Test restore")
    owner.sees("Left of this step")
    owner.inspect()
    beside = owner.new_tab()
    beside.goto(owner.page.url)
    beside.get_by_text("A backup is restored into a throwaway database").wait_for()
    owner.sees("Proven: this backup can be restored.", seconds=90)
    owner.inspect()
    beside.get_by_text("Proven: this backup can be restored.").wait_for()
    owner.click("Back to the backup")
    owner.sees("are equal to their hashes")
    owner.open()
    owner.sees("Its restore was tried out")
    owner.inspect()
    assert Rehearsal.objects.get().backup == backup.pk


def test_an_owner_restores_a_foreign_file_takes_it_back_and_lets_mail_leave_again(
    visitor, backup, held_up, tmp_path
):
    with override_settings(BACKUPS_KEY_FILE=tmp_path / "other.key"):
        path = backup(COMPLETE)
    Issue.objects.all()[0].delete()
    before = Issue.objects.count()
    owner = visitor("owner")
    open_import(owner)
    with held_up(Issue):
        choose(owner, path)
        owner.sees("The plan is being made", seconds=30)
        owner.inspect()
        owner.page.reload()
        owner.sees("Reading and checking the file")
    owner.sees("one thing stands in the way", seconds=90)
    owner.inspect()
    owner.page.get_by_label("Accept a file that another installation made").check()
    owner.click("Plan again with these choices")
    owner.sees("You accepted it.", seconds=90)
    owner.inspect()
    owner.click("Go on to the confirmation …")
    confirm(owner)
    owner.sees("The restore succeeded", seconds=90)
    assert Issue.objects.count() == before + 1
    sign_in_again(owner)
    owner.sees("Mail and jobs are held.")
    owner.inspect()

    owner.click("Undo this restore …")
    owner.inspect()
    owner.page.get_by_label("The words above").fill("undo")
    owner.page.get_by_label("Your password, again").fill("not it")
    owner.click("Undo the restore now")
    owner.sees("These are not the words")
    owner.inspect()
    answer_the_last_question(owner, "Undo the restore now")
    with without_complaints_of(owner, "503"):
        owner.sees("The restore succeeded", seconds=90)
    owner.inspect()
    assert Issue.objects.count() == before
    sign_in_again(owner)

    owner.click("Release …")
    owner.inspect()
    owner.page.get_by_label("Your password, again").fill("not it")
    owner.click("Let mail and jobs leave")
    owner.sees("This is not your password")
    owner.inspect()
    owner.page.get_by_label("Your password, again").fill(PASSWORD)
    owner.click("Let mail and jobs leave")
    owner.sees("0 messages were thrown away.")
    owner.inspect()
    assert not OutgoingHold.objects.filter(released_at=None).exists()
    assert {run.state for run in RestoreRun.objects.all()} == {State.SUCCEEDED}
    assert AuditEvent.objects.filter(action="restore.undo", outcome="refused").count() == 1
