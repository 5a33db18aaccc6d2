"""Every page of imports and restores in a made-up language, and a plan of a worker that speaks another
one than its reader."""

import datetime

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import trans_real

from backups import jobs as backup_jobs
from backups.errors import RestoreError, WorkerFailure
from backups.models import BackupRun, Purpose, State, error_values
from backups.services import installation, vault
from backups.services.recovery_kit import RecoveryKit
from backups.stages import PARTS
from backups.wording import _
from restore.middleware import _turned_away
from restore.models import UNDO_OF, OutgoingHold, PlanRun, Rehearsal, RestoreRun, Upload
from restore.plan import Fate, Kind, Plan
from restore.services.asking import kept_rows, outgoing, uploads
from restore.services.asking.requests import PHRASE
from restore.views.going import order_of
from tests.languages import (
    changed_template,
    marked_language,
    names_of_tables,
    untranslated,
    write_catalogue,
)
from tests.pages_restore.conftest import PASSWORD, as_json, bring, give_password, planned
from tests.pages_restore.plans import EVERY_PLAN, ONE, plan, table
from tests.pages_restore.test_live import holder, ticket_of

FILE = "backup.json.zst"
PEOPLE = {f"{who}@studio.example" for who in ("owner", "admin", "designer")}
ROLES = {"OWNER", "ADMIN", "DESIGNER"}
NOW = timezone.now()
TABLE_NAMES = {*names_of_tables(), "django_content_type"}


@pytest.fixture
def spoken():
    with marked_language():
        yield


@pytest.fixture
def marked(spoken, owner) -> Client:
    """The owner's browser, in the language of brackets."""
    return owner


def left_over(answer, *names: str) -> list[str]:
    page = answer.content.decode()
    assert "⟦" in page
    return untranslated(page, {*PEOPLE, FILE, connection.settings_dict["NAME"]}, names)


def address(name: str, *arguments: str) -> str:
    return reverse(f"admin:restore_{name}", args=arguments)


def gone_away(*_arguments: object) -> bool:
    raise WorkerFailure("worker.redis_away", _("Redis is away."), hint=_("Start Redis."))


def upload_of(**fields) -> Upload:
    size = 1000
    values = {"received_bytes": size, "stored": "upload-1", "owner_email": "owner@studio.example"}
    return Upload.objects.create(name=FILE, size_bytes=size, **(values | fields))


def plan_run(upload: Upload, plan: Plan | None = None, **fields) -> PlanRun:
    made = {"state": State.SUCCEEDED, "plan": plan.as_dict()} if plan else {}
    return PlanRun.objects.create(upload=upload.pk, **(made | fields))


# Choosing a file


def test_the_page_import(marked, monkeypatch):
    assert left_over(marked.get(address("import"))) == []
    upload_of(head={"type": "safe"})
    upload_of(received_bytes=5)
    RestoreRun.objects.create(source=FILE, requested_by_name="command line", scope="safe")
    monkeypatch.setattr(backup_jobs, "workers_listening", lambda: False)
    assert left_over(marked.get(address("import"))) == []
    monkeypatch.setattr(backup_jobs, "workers_listening", gone_away)
    assert left_over(marked.get(address("import"))) == []


def test_the_first_start(spoken, db):
    for answer in (
        Client().get(address("first_start")),
        Client().post(address("first_start"), {"way": "empty", "password": "1", "code": "x"}),
    ):
        assert left_over(answer, "manage.py first_start") == []


def test_what_is_said_of_a_kit(marked):
    upload = upload_of(head={"installation": "0" * 16})
    for given in ({}, {"kit_text": "hello"}, {"kit_text": RecoveryKit(bytes(32)).text}):
        answer = marked.post(address("give_kit", upload.pk), given, follow=True)
        assert left_over(answer, "recovery-kit.json", installation.name()) == []


def test_what_the_pages_script_is_told(marked):
    locked = marked.post(address("begin"), {"name": FILE, "size": 5}).json()["error"]
    give_password(marked)
    refused = marked.post(address("begin"), {"name": FILE, "size": 0}).json()["error"]
    nonsense = marked.post(address("begin"), {}).json()["error"]
    large = marked.post(address("begin"), {"name": FILE, "size": uploads.limit_bytes() + 1})
    for said in (locked, refused, nonsense, large.json()["error"]):
        assert untranslated(said["message"] + said["hint"], set()) == []


# The plan


@pytest.mark.parametrize("stage", [*order_of(PlanRun()), *PARTS])
def test_a_plan_that_is_being_made(marked, stage):
    upload = upload_of(head={"altered": True})
    began = NOW - datetime.timedelta(seconds=30)
    plan_run(
        upload,
        state=State.RUNNING if stage else State.QUEUED,
        stage=stage,
        started_at=began,
        stage_began_at=began,
        bytes_done=250,
        bytes_total=1000,
    )
    assert left_over(marked.get(address("plan", upload.pk))) == []


@pytest.mark.parametrize("code", ["artifact.layout", "artifact.damaged", "storage.full"])
def test_a_plan_that_could_not_be_made(marked, code):
    upload = upload_of(head={"type": "complete", "created_by": "", "created_at": NOW.isoformat()})
    error = RestoreError(code, _("The file is odd."), hint=_("Use another."))
    plan_run(upload, state=State.FAILED, choices={"accept_altered": True}, **error_values(error))
    assert left_over(marked.get(address("plan", upload.pk))) == []


def test_a_plan_that_was_never_asked_for_and_one_that_was_stopped(marked):
    upload = upload_of()
    assert left_over(marked.get(address("plan", upload.pk))) == []
    plan_run(upload, state=State.CANCELLED)
    assert left_over(marked.get(address("plan", upload.pk))) == []


@pytest.mark.parametrize("kind", EVERY_PLAN)
def test_a_plan(marked, kind):
    upload = upload_of()
    plan_run(upload, EVERY_PLAN[kind])
    names = [*TABLE_NAMES, *ROLES, "photo.jpg"]
    assert left_over(marked.get(address("plan", upload.pk)), *names) == []


ROWS = [
    {
        "key": {"id": "1", "token": None},
        "cells": [
            {"column": "id", "now": "1", "file": "1", "now_characters": 900},
            {"column": "id", "now": None, "file": ""},
            {"column": "token", "hidden": True, "differs": True, "is_filled": filled},
        ],
    }
    for filled in (True, False)
]


@pytest.mark.parametrize("kind", Kind)
def test_the_rows_behind_a_plan(marked, kind, monkeypatch):
    monkeypatch.setattr(kept_rows, "MOST_ROWS", 60)
    upload = upload_of()
    run = plan_run(upload, plan(tables=(table("users", Fate.REPLACED, **dict.fromkeys(ONE, 121)),)))
    page = address("rows", upload.pk, "users", kind)
    assert left_over(marked.get(page)) == []
    kept_rows.write(upload.stored, run.pk, [("users", kind, (row for row in ROWS * 50))])
    names = [*TABLE_NAMES, "id", "token", "NULL", kind]
    for number in (1, 2):
        assert left_over(marked.get(page, {"page": number}), *names) == []
    assert (
        left_over(marked.get(address("plan", upload.pk)), *TABLE_NAMES, *ROLES, "photo.jpg") == []
    )


@pytest.mark.parametrize("kind", ["foreign", "safe, losing one row", "losing nothing"])
def test_the_confirmation(marked, kind):
    upload = upload_of()
    run = plan_run(upload, EVERY_PLAN[kind])
    assert left_over(marked.get(address("confirm", upload.pk)), *TABLE_NAMES) == []
    wrong = {"plan": run.pk, "phrase": "replace", "password": "wrong"}
    assert (
        left_over(marked.post(address("confirm", upload.pk), wrong, follow=True), *TABLE_NAMES)
        == []
    )


def test_a_confirmation_that_nobody_can_take(marked, monkeypatch):
    upload = upload_of()
    run = plan_run(upload, EVERY_PLAN["losing nothing"])
    (vault.folder() / upload.stored).write_bytes(b"x")
    monkeypatch.setattr("restore.views.confirming.jobs.enqueue_restore", gone_away)
    right = {"plan": run.pk, "phrase": PHRASE, "password": PASSWORD}
    answer = marked.post(address("confirm", upload.pk), right, follow=True)
    assert left_over(answer) == []


# A restore as it goes, and its report


def safety(**fields) -> BackupRun:
    values = {"stored_bytes": 5, "verified_at": NOW, "keep_until": NOW, "rows_total": 9}
    return BackupRun.objects.create(
        scope="complete",
        purpose=Purpose.SAFETY,
        artifact="safety.json.zst",
        statistics={"rows": 5},
        **(values | fields),
    )


def restore(**fields) -> RestoreRun:
    values = {"source": FILE, "scope": "complete", "digest": "0" * 64, "started_at": NOW}
    return RestoreRun.objects.create(**(values | fields))


def seen(run: RestoreRun) -> list[str]:
    """What is left over of its live page."""
    browser = holder(ticket_of(run))
    return left_over(browser.get(address("live", run.pk)), *TABLE_NAMES)


REPORT = {
    "rows": 5,
    "sections": {"users": 5},
    "tables": plan().as_dict()["tables"],
    "files": {"added": 1, "kept": 2, "renamed": 3, "hosted": 5, "elsewhere": 4},
    "sessions_ended": 2,
}


@pytest.mark.parametrize("stage", order_of(RestoreRun()))
def test_a_running_restore(spoken, db, monkeypatch, stage):
    monkeypatch.setattr("restore.views.live._is_alive", lambda run: True)
    run = restore(
        state=State.RUNNING if stage else State.QUEUED,
        stage=stage,
        section="users",
        stage_began_at=NOW - datetime.timedelta(seconds=30),
        rows_done=50,
        rows_total=100,
        bytes_done=50,
        bytes_total=100,
        files_total=5,
        sections_total=5,
        cancel_requested=stage == "loading",
        safety_backup=safety(state=State.RUNNING).pk if stage == "safety backup" else "",
    )
    assert seen(run) == []


@pytest.mark.parametrize("scope", ["safe", "complete"])
def test_the_report_of_a_restore(marked, scope):
    undone = safety(state=State.SUCCEEDED)
    (vault.folder() / undone.artifact).write_bytes(b"x")
    run = restore(
        scope=scope,
        state=State.SUCCEEDED,
        stage="done",
        report=REPORT,
        plan=plan().as_dict(),
        finished_at=NOW,
        safety_backup=undone.pk,
        requested_by_name="command line",
    )
    assert seen(run) == []
    assert left_over(marked.get(address("report", run.pk)), *TABLE_NAMES) == []
    assert left_over(marked.get(address("undo", run.pk))) == []
    wrong = {"phrase": "undo", "password": "wrong"}
    assert left_over(marked.post(address("undo", run.pk), wrong, follow=True)) == []


def test_the_report_of_a_restore_whose_worker_died_late(marked):
    run = restore(state=State.SUCCEEDED, stage="done", finished_at=NOW)
    assert left_over(marked.get(address("report", run.pk))) == []
    assert left_over(marked.get(address("undo", run.pk))) == []


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_the_report_of_a_restore_that_changed_nothing(marked, state):
    for code in ("restore.plan_changed", "restore.differs"):
        error = RestoreError(code, _("Section {key} differs.", key="users"), hint=_("Plan again."))
        ended = {"stage": "loading", "finished_at": NOW, "upload": upload_of().pk}
        run = restore(state=state, safety_backup=safety().pk, **ended, **error_values(error))
        assert seen(run) == []
        assert left_over(marked.get(address("report", run.pk)), "users") == []


def test_the_report_of_a_restore_that_is_not_over(marked):
    run = restore(state=State.QUEUED)
    assert left_over(marked.get(address("report", run.pk))) == []


def test_a_live_page_without_its_ticket(spoken, db):
    assert left_over(Client().get(address("live", restore().pk))) == []


def test_the_list_of_restores(marked):
    assert left_over(marked.get(address("restorerun_changelist"))) == []
    for state in State.values:
        restore(state=state, requested_by_name="command line")
    restore(source=f"{UNDO_OF}{UNDO_OF}{FILE}", undo_of="x")
    for _number in range(30):
        restore(scope="")
    assert left_over(marked.get(address("restorerun_changelist") + "?page=1")) == []
    assert left_over(marked.get(address("restorerun_changelist") + "?page=2")) == []


# Test restores


@pytest.fixture
def backup(db) -> BackupRun:
    (vault.folder() / "stored.json.zst").write_bytes(b"x")
    return BackupRun.objects.create(
        scope="complete",
        state=State.SUCCEEDED,
        artifact="stored.json.zst",
        statistics={"rows": 5, "sections": {}, "files": {}, "not_embedded": []},
        verified_at=NOW,
        finished_at=NOW,
    )


PROVEN = {"rows": 5, "sections": {"users": 5}, "files": {"kept": 2}, "seconds": 3.5}


@pytest.mark.parametrize("stage", order_of(Rehearsal()))
def test_a_test_restore_as_it_goes(marked, backup, monkeypatch, stage):
    monkeypatch.setattr("restore.views.ways_back.runs.end_abandoned", lambda model: [])
    state = State.RUNNING if stage else State.QUEUED
    run = Rehearsal.objects.create(backup=backup.pk, state=state, stage=stage, started_at=NOW)
    assert left_over(marked.get(address("rehearsal", run.pk))) == []
    assert left_over(marked.get(address("rehearsal_status", run.pk))) == []
    assert left_over(marked.get(reverse("admin:backups_run", args=[backup.pk]))) == []


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.CANCELLED])
def test_what_came_of_a_test_restore(marked, backup, state):
    error = RestoreError("restore.null", _("A value is missing."), hint=_("Use another."))
    wrong = {} if state == State.SUCCEEDED else error_values(error)
    report = PROVEN if state == State.SUCCEEDED else {}
    run = Rehearsal.objects.create(
        backup=backup.pk, state=state, report=report, finished_at=NOW, **wrong
    )
    assert left_over(marked.get(address("rehearsal", run.pk)), *TABLE_NAMES) == []
    assert left_over(marked.get(reverse("admin:backups_run", args=[backup.pk]))) == []
    assert left_over(marked.get(reverse("admin:backups_backuprun_changelist"))) == []


def test_a_test_restore_that_nobody_can_take(marked, backup, monkeypatch):
    monkeypatch.setattr("restore.views.ways_back.jobs.enqueue_rehearsal", gone_away)
    assert (
        left_over(marked.post(address("rehearse", backup.pk), follow=True), "worker.redis_away")
        == []
    )


# The hold, maintenance and refusals


def test_releasing_mail_and_jobs(marked, monkeypatch):
    assert left_over(marked.get(address("release"))) == []
    OutgoingHold.objects.create(restore_run="x")
    for waiting in (1, 2):
        monkeypatch.setattr(outgoing, "held_messages", lambda n=waiting: n)
        assert left_over(marked.get(address("release"))) == []
        assert left_over(marked.post(address("release"), {"password": "wrong"}, follow=True)) == []
        assert left_over(marked.get(address("import"))) == []


def test_maintenance(spoken):
    page = _turned_away(RequestFactory().get("/", headers={"Accept": "text/html"}))
    assert left_over(page) == []
    answer = _turned_away(RequestFactory().get("/", headers={"Accept": "application/json"}))
    said = as_json(answer.content)["error"]
    assert untranslated(said["message"] + said["hint"], set()) == []


def test_a_refusal_and_a_file_that_is_not_here(marked):
    assert left_over(marked.get(address("plan", "gone"))) == []


# The test itself


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{% translate 'What to know first' %}", "What to know first"),
        ("aria-label=\"{% translate 'Accounts' %}\"", 'aria-label="Accounts"'),
    ],
)
def test_a_template_with_a_bare_word_is_noticed(marked, tmp_path, before, after):
    upload = upload_of()
    plan_run(upload, EVERY_PLAN["many findings"])
    with changed_template("restore/plan.html", before, after, tmp_path):
        found = left_over(marked.get(address("plan", upload.pk)), *TABLE_NAMES, *ROLES)
    assert {"What to know first", "Accounts"} & set(found)


# A worker that speaks another language than the reader


def test_a_finding_that_a_worker_said_in_english_is_read_in_german(
    live_studio, files, tmp_path, settings
):
    original = "The file was not made by this installation, or was not signed with its key."
    german = "Die Datei wurde nicht von dieser Installation gemacht oder nicht mit ihrem Schlüssel signiert."
    write_catalogue(tmp_path, "de", {original: german})
    settings.LOCALE_PATHS = [str(tmp_path)]
    trans_real._translations.pop("de", None)
    with translation.override("en"):
        upload = bring(live_studio, files.foreign)
        run = planned(upload)
        assert original in [f["message"] for f in run.plan["findings"]]
    with translation.override(None):
        answer = live_studio.get(address("plan", upload.pk), headers={"Accept-Language": "de"})
        page = answer.content.decode()
        english = live_studio.get(address("plan", upload.pk)).content.decode()
    trans_real._translations.pop("de", None)
    assert german in page and original not in page
    assert original in english and german not in english


def test_a_real_plan_in_the_language_of_brackets(live_studio, files, spoken):
    # Sequences that are used up are named too.
    names = [*names_of_tables(), *ROLES, *PEOPLE, "backupsvc studio", "zoo_alone_unused"]
    for content in (files.foreign, files.safe):
        upload = bring(live_studio, content)
        run = planned(upload)
        shown = live_studio.get(address("plan", upload.pk))
        tables = [t["table"] for t in run.plan["tables"]]
        assert left_over(shown, *names, *tables) == []
