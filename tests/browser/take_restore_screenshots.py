"""Pictures of every page of a restore for docs/screenshots, with what may go wrong on them."""

import datetime
import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.http import HttpResponse
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from backups.database import locks
from backups.database.connection import connected
from backups.errors import ArtifactError
from backups.jobs import workers_listening
from backups.models import BackupRun, Purpose, State
from backups.registry import COMPLETE, SAFE, Scope
from backups.services import creating, vault
from backups.services.auditing import Actor
from backupsvc.studio.models import Contractor, Issue
from restore import jobs
from restore.models import OutgoingHold, PlanRun, Rehearsal, RestoreRun, Upload
from restore.plan import Choices
from restore.services.applying import rehearsing
from restore.services.asking import outgoing, requests, uploads
from restore.services.planning import plan_runs
from restore.views import tickets
from tests.browser.camera import Camera
from tests.browser.restoring import give_password
from tests.browser.visitor import Visitor

OWNER = Actor("Noa Levi", "owner@studio.example")
ACTING = Choices(acting=OWNER.email)
IMPORT = "/admin/restore/restorerun/import/"


def address(name: str, *arguments: str) -> str:
    return reverse(f"admin:restore_{name}", args=arguments)


@pytest.fixture
def camera(visitor) -> Iterator[Camera]:
    made = Camera(visitor)
    clear()
    yield made
    clear()
    assert made.problems == []


def clear() -> None:
    outgoing.discard_messages()
    for model in (RestoreRun, PlanRun, Rehearsal, OutgoingHold, Upload, BackupRun):
        model._default_manager.all().delete()


def test_pictures_of_importing_are_taken(camera, request, tmp_path):
    shoot = camera.shoot
    shoot("import-no-worker", IMPORT)
    request.getfixturevalue("worker")
    until_somebody_works()
    shoot("import-empty", IMPORT)
    shoot("restores-empty", address("restorerun_changelist"))
    safe, complete, foreign = bytes_of(SAFE), bytes_of(COMPLETE), foreign_bytes(tmp_path)
    change_the_studio()

    plan = planned(bring(complete, "complete-backup-2026-11-01.json.zst"))
    shoot("plan-complete", address("plan", plan.upload))
    shoot("plan-losses", address("plan", plan.upload), before=unfolded, end=True)
    shoot("rows-changed", address("rows", plan.upload, "contractors", "changed"))
    shoot("rows-lost", address("rows", plan.upload, "issues", "lost"))
    shoot("confirm", address("confirm", plan.upload))
    shoot("confirm-wrong", address("confirm", plan.upload), before=answer_wrongly)
    plan = planned(bring(safe, "safe-backup-2026-11-20.json.zst"))
    shoot("plan-safe", address("plan", plan.upload))
    shoot("confirm-safe", address("confirm", plan.upload))
    plan = planned(bring(foreign, "from-another-server.json.zst"))
    shoot("plan-blocked", address("plan", plan.upload))
    plan = planned(Upload.objects.get(pk=plan.upload), accept_foreign=True)
    shoot("plan-foreign", address("plan", plan.upload))
    shoot("plan-foreign-choices", address("plan", plan.upload), end=True)
    damaged = bring(complete[:-400] + bytes(400), "damaged.json.zst")
    shoot("plan-impossible", address("plan", failing(damaged).upload))
    plan = plan_runs.request(damaged, OWNER, ACTING)
    with under_way(plan, "inspecting", bytes_done=700_000, bytes_total=damaged.size_bytes):
        shoot("planning", address("plan", damaged.pk))

    unfinished = uploads.begin("complete-backup-2026-10-01.json.zst", 734_003_200, OWNER)
    Upload.objects.filter(pk=unfinished.pk).update(received_bytes=503_316_480)
    earlier_restores(plan_of(complete))
    shoot("import", IMPORT)
    shoot("import-uploading", IMPORT, before=upload_for_ever(tmp_path), after=give_up)
    shoot("import-refused", IMPORT, before=choose_a_photo(tmp_path))
    shoot("restores", address("restorerun_changelist"))


def test_pictures_of_restoring_are_taken(camera, worker):
    shoot = camera.shoot
    content = bytes_of(COMPLETE)
    change_the_studio()
    plan = planned(bring(content, "complete-backup-2026-11-01.json.zst"))
    run = requests.request_uploaded(Upload.objects.get(pk=plan.upload), plan, OWNER)
    jobs.carry_out_restore(run.pk)
    shoot("report", address("report", run.pk))
    shoot("undo", address("undo", run.pk))
    shoot("undo-wrong", address("undo", run.pk), before=answer_wrongly)
    BackupRun.objects.filter(purpose=Purpose.SAFETY).update(artifact="")
    shoot("undo-impossible", address("undo", run.pk))
    shoot("report-failed", address("report", failed_restore(plan.plan).pk))

    run = RestoreRun.objects.create(source="complete-backup-2026-11-01.json.zst", plan=plan.plan)
    live = address("live", run.pk)
    shoot("live-refused", live)
    with under_way(run, "loading", **AT_WORK), maintenance():
        shoot("live", live, before=lambda someone: show_ticket(someone, run, live))
        shoot("maintenance", "/admin/")
    shoot_ways_back(shoot, content)


def shoot_ways_back(shoot: Any, content: bytes) -> None:
    backup = creating.carry_out(creating.request(COMPLETE, OWNER))
    proof = rehearsing.carry_out(rehearsing.request(backup, OWNER))
    shoot("rehearsal-proof", address("rehearsal", proof.pk))
    shoot("run-proven", reverse("admin:backups_run", args=[backup.pk]))
    shoot("dashboard-proven", "")
    run = rehearsing.request(backup, OWNER)
    with under_way(run, "verifying", **AT_WORK):
        shoot("rehearsal-live", address("rehearsal", run.pk))
    Rehearsal.objects.filter(pk=run.pk).update(
        state=State.FAILED,
        error_code="restore.differs",
        error_message="What was written differs from the file in section issues.",
        error_hint="Something in the database changes rows as they are written, such as a rule.",
    )
    shoot("rehearsal-failed", address("rehearsal", run.pk))
    shoot("release-nothing", address("release"))
    OutgoingHold.objects.create(restore_run=run.pk)
    for _ in range(3):
        outgoing.keep_message(EmailMessage("Your drawings", "…", None, ["client@studio.example"]))
    shoot("release", address("release"))
    shoot("dashboard-held", "")


AT_WORK = {
    "section": "projectUpdates",
    "sections_done": 31,
    "sections_total": 82,
    "rows_done": 412_345,
    "rows_total": 1_071_020,
    "bytes_done": 262_144_000,
    "bytes_total": 673_000_000,
    "files_total": 1204,
}


def until_somebody_works() -> None:
    deadline = time.monotonic() + 30
    while not workers_listening() and time.monotonic() < deadline:
        time.sleep(0.2)


def bytes_of(scope: Scope) -> bytes:
    run = creating.carry_out(creating.request(scope, OWNER))
    content = vault.path_of(run.artifact).read_bytes()
    run.delete()
    return content


def foreign_bytes(folder: Path) -> bytes:
    with override_settings(BACKUPS_KEY_FILE=folder / "other.key"):
        return bytes_of(COMPLETE)


def change_the_studio() -> None:
    """Rows that a restore would bring back, and rows that it would lose."""
    some = list(Issue.objects.order_by("pk")[:7])
    lost = [issue.pk for issue in some[:3]]
    for number, issue in enumerate(some):
        issue.pk = f"later-{timezone.now():%H%M%S%f}-{number}"
        issue.save(force_insert=True)
    Issue.objects.filter(pk__in=lost).delete()
    edited = Contractor.objects.order_by("pk")[:3]
    Contractor.objects.filter(pk__in=edited.values("pk")).update(
        business_name="Edited since \u202e", phone=None
    )


def bring(content: bytes, name: str) -> Upload:
    upload = uploads.begin(name, len(content), OWNER)
    body = io.BytesIO(content)
    while not upload.is_whole:
        offset = upload.received_bytes
        size = min(uploads.PIECE_BYTES, upload.size_bytes - offset)
        upload = uploads.receive(upload, offset, size, body, OWNER)
    return upload


def planned(upload: Upload, *, accept_foreign: bool = False) -> PlanRun:
    choices = Choices(acting=OWNER.email, accept_foreign=accept_foreign)
    return plan_runs.carry_out(plan_runs.request(upload, OWNER, choices))


def failing(upload: Upload) -> PlanRun:
    with pytest.raises(ArtifactError):
        planned(upload)
    return PlanRun.objects.get(upload=upload.pk)


def plan_of(content: bytes) -> Any:
    return planned(bring(content, "complete-backup-2026-11-08.json.zst")).plan


@contextmanager
def under_way(run: Any, stage: str, **counters: Any) -> Iterator[None]:
    """A run that somebody seems to be at work on: its lock is held."""
    now = timezone.now()
    type(run).objects.filter(pk=run.pk).update(
        state=State.RUNNING,
        stage=stage,
        started_at=now - datetime.timedelta(seconds=95),
        stage_began_at=now - datetime.timedelta(seconds=38),
        **counters,
    )
    with connected(purpose="test") as alive:
        assert locks.hold_run(alive, run.pk)
        yield
    type(run).objects.filter(pk=run.pk).update(state=State.CANCELLED)


@contextmanager
def maintenance() -> Iterator[None]:
    with connected(purpose="test") as held:
        locks.hold_for_restoring(held, wait_seconds=10)
        yield


def show_ticket(someone: Visitor, run: RestoreRun, path: str) -> None:
    response = HttpResponse()
    tickets.issue(response, run, secure=False)
    value = response.cookies[tickets.COOKIE].value
    cookie: Any = {"name": tickets.COOKIE, "value": value, "url": f"{someone.address}{path}"}
    someone.page.context.add_cookies([cookie])
    someone.open(path)


def unfolded(someone: Visitor) -> None:
    someone.page.locator("#rs-unharmed summary").click()


def answer_wrongly(someone: Visitor) -> None:
    someone.page.get_by_label("The words above").fill("replace all data")
    someone.page.get_by_label("Your password, again").fill("not it")
    someone.page.locator(".bk-button--danger").click()
    someone.sees("These are not the words")


def upload_for_ever(folder: Path) -> Any:
    path = folder / "complete-backup-2026-11-15.json.zst"
    path.write_bytes(b"(" * 30_000_000)
    head = {"type": "complete", "created_at": "2026-11-15T17:12:00Z", "created_by": "Noa Levi"}

    def upload(someone: Visitor) -> None:
        def answer(route: Any) -> None:
            told = {"received": 8 * 1024 * 1024 * 2, "head": head}
            if route.request.headers["upload-offset"] == "0":
                route.fulfill(content_type="application/json", body=json.dumps(told))

        someone.page.route("**/piece/", answer)
        give_password(someone)
        someone.page.get_by_label("Choose a backup file").set_input_files(path)
        someone.sees("A Complete backup, made")
        someone.page.wait_for_timeout(800)

    return upload


def give_up(someone: Visitor) -> None:
    someone.page.unroute("**/piece/")
    someone.click("Cancel the upload")
    someone.page.wait_for_timeout(300)


def choose_a_photo(folder: Path) -> Any:
    photo = folder / "kitchen.jpg"
    photo.write_bytes(b"\xff\xd8\xff\xe0" + bytes(5000))

    def choose(someone: Visitor) -> None:
        give_password(someone)
        someone.page.get_by_label("Choose a backup file").set_input_files(photo)
        someone.sees("not a backup")

    return choose


def earlier_restores(plan: Any) -> None:
    """One of each end, over some months."""
    ends = [State.SUCCEEDED, State.FAILED, State.CANCELLED, State.SUCCEEDED]
    for number, state in enumerate(ends):
        at = timezone.now() - datetime.timedelta(days=9 + 40 * number)
        RestoreRun.objects.create(
            source=("complete", "safe")[number % 2] + f"-backup-2026-0{9 - number}-01.json.zst",
            scope=("complete", "safe")[number % 2],
            state=state,
            plan=plan,
            requested_by_name=OWNER.name,
            requested_by_email=OWNER.email,
            requested_at=at,
            started_at=at,
            finished_at=at + datetime.timedelta(seconds=80 + number),
        )


def failed_restore(plan: Any) -> RestoreRun:
    now = timezone.now()
    return RestoreRun.objects.create(
        source="complete-backup-2026-11-01.json.zst",
        scope="complete",
        state=State.FAILED,
        stage="files",
        plan=plan,
        requested_by_name=OWNER.name,
        requested_by_email=OWNER.email,
        started_at=now,
        finished_at=now + datetime.timedelta(seconds=74),
        error_code="storage.full",
        error_message="The disk that holds the backups is full.",
        error_hint="Free space on it or delete old backups, then try again.",
    )
