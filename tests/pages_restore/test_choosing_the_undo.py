"""The way back where it cannot hold everything: boxes where they are needed, and a report that says what is
missing and who chose it."""

from typing import Any

import pytest
from django.urls import reverse

from backups.findings import Finding, Severity
from backups.models import BackupRun, Purpose, State
from backups.services import vault
from backups.wording import _
from restore.models import PlanRun, RestoreRun
from restore.plan import Choices
from tests.pages_restore.conftest import bring
from tests.pages_restore.plans import plan

BOXES = ('name="partial_undo"', 'name="without_undo"')


def unreadable(severity: Severity) -> Finding:
    message = _("1 row of {table} cannot be read. The undo will lack it.", table="clients")
    return Finding("undo.unreadable", severity, message, _("Repair it."), table="clients")


@pytest.fixture
def upload(live_studio, files):
    return bring(live_studio, files.complete)


def made(upload, *findings: Finding, **choices: Any) -> None:
    PlanRun.objects.all().delete()
    chosen = Choices(acting="owner@studio.example", **choices)
    found = plan("complete", *findings, choices=chosen).as_dict()
    PlanRun.objects.create(
        upload=upload.pk, state=State.SUCCEEDED, plan=found, choices=chosen.as_dict()
    )


def text_of(browser, name: str, pk: str) -> str:
    return browser.get(reverse(f"admin:restore_{name}", args=[pk])).content.decode()


def test_the_boxes_are_there_where_something_stands_in_the_way_of_the_undo(live_studio, upload):
    made(upload, unreadable(Severity.ERROR))
    page = text_of(live_studio, "plan", upload.pk)
    assert all(box in page for box in BOXES) and "say under “Choices”" in page


def test_they_are_not_there_where_nothing_does(live_studio, upload):
    made(upload)
    page = text_of(live_studio, "plan", upload.pk)
    assert not any(box in page for box in BOXES)


def test_what_was_chosen_stays_ticked(live_studio, upload):
    made(upload, unreadable(Severity.WARNING), without_undo=True)
    page = text_of(live_studio, "plan", upload.pk)
    assert 'name="without_undo" aria-describedby="rs-without-help" checked' in page


def test_the_choice_becomes_one_of_the_plan(live_studio, upload):
    live_studio.post(reverse("admin:restore_plan_again", args=[upload.pk]), {"partial_undo": "on"})
    run = PlanRun.objects.first()
    assert run.choices["partial_undo"] and not run.choices["without_undo"]


def test_the_confirmation_says_that_there_will_be_no_undo(live_studio, upload):
    made(upload, without_undo=True)
    page = text_of(live_studio, "confirm", upload.pk)
    assert "NO safety backup is made" in page and "is made first, always" not in page


def test_the_confirmation_says_what_the_undo_will_lack(live_studio, upload):
    made(upload, unreadable(Severity.WARNING), partial_undo=True)
    assert "The undo will lack it." in text_of(live_studio, "confirm", upload.pk)


def restored(undo: dict, **more) -> RestoreRun:
    return RestoreRun.objects.create(
        state=State.SUCCEEDED, source="x.json", report={"undo": undo}, **more
    )


def test_a_report_names_who_chose_to_go_without_an_undo(live_studio):
    run = restored({"backup": "", "chosen_by": "Noa", "lacks": []})
    page = text_of(live_studio, "report", run.pk)
    assert "This restore cannot be undone, as chosen by Noa" in page
    assert reverse("admin:restore_undo", args=[run.pk]) not in page


def test_a_report_lists_what_the_undo_lacks(live_studio):
    safety = BackupRun.objects.create(
        scope="complete", purpose=Purpose.SAFETY, state=State.INCOMPLETE
    )
    row = {"section": "", "pages": 0, "keys": [], "rows": None, "matters": True}
    lacks = [
        row | {"table": "studio_task", "rows": 2, "keys": [["a"], ["b"]]},
        row | {"table": "task_rescue", "matters": False},
    ]
    run = restored({"backup": safety.pk, "lacks": lacks}, safety_backup=safety.pk)
    page = text_of(live_studio, "report", run.pk)
    assert "The undo lacks 2 rows of Tasks." in page and "<code>a</code>, <code>b</code>" in page
    assert "this restore has left it alone" in page


def test_a_report_says_what_of_the_file_was_not_taken_as_it_lets_people_in(live_studio):
    rows = {"section": "accounts", "table": "studio_account", "rows": 10, "cells": []}
    cells = {"section": "approvals", "table": "studio_approval", "rows": 36, "cells": ["token"]}
    run = restored({"backup": "", "chosen_by": "Noa", "lacks": []})
    run.report |= {"access": [rows | {"taken": False}, cells | {"taken": False}], "rows": 5}
    run.save()
    page = text_of(live_studio, "report", run.pk)
    assert "Not as in the file:" in page and "Accounts: 10 rows" in page
    assert "Approvals: 36 rows, of each only" in page and page.count("was not taken from") == 2
    run.report |= {"access": [rows | {"taken": True}]}
    run.save()
    assert "Not as in the file:" not in text_of(live_studio, "report", run.pk)


@pytest.mark.parametrize("stopped_by", ["undo.unreadable", "restore.tables_busy"])
def test_an_undo_that_stopped_at_its_own_undo_offers_the_boxes(live_studio, stopped_by):
    (vault.folder() / "safety.json.zst").write_bytes(b"x")
    safety = BackupRun.objects.create(
        scope="complete",
        purpose=Purpose.SAFETY,
        state=State.SUCCEEDED,
        artifact="safety.json.zst",
        statistics={"rows": 1},
    )
    run = restored({"backup": safety.pk, "lacks": []}, safety_backup=safety.pk)
    RestoreRun.objects.create(undo_of=run.pk, state=State.FAILED, error_code=stopped_by)
    page = text_of(live_studio, "undo", run.pk)
    assert all((box in page) == stopped_by.startswith("undo.") for box in BOXES)
