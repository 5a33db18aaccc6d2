"""A secret of every secret column, in every form, in texts, documents and arrays: where it comes out.

The Safe artifact, the log, Redis and the pages of errors are searched for all forms of all of them, after
runs that succeed and runs that fail. The slice of every day has one failing restore; the battery has all.
"""

import json
from collections.abc import Iterable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest
from django.test import Client, override_settings
from django.urls import include, path, reverse
from rq import Worker

from backups import jobs, logs
from backups.database.connection import connected
from backups.jobs.worker import LookingWorker
from backups.models import AuditEvent, BackupRun, Run
from backups.registry import SAFE
from backups.services import auditing, creating, withholding
from backupsvc.studio.models import (
    ActivityLog,
    ClientApprovalEmailLog,
    EmailLog,
    FFEChangeLog,
    User,
)
from restore.database import questions
from restore.models import RestoreRun
from restore.services.planning.scanning import SectionScan
from tests.hunting_forms import FORMS
from tests.restore.forging import Document, ours
from tests.restore.saying import held_by, log, redis, work_off
from tests.restore.test_hunt import canaries, found_in
from tests.restore.test_logs import restore_of
from tests.roundtrip.engine import back_up, document

__all__ = ["canaries", "log", "redis"]


def written(values: Iterable[str]) -> set[str]:
    """All that is looked for: each value in each form."""
    return {write(value) for value in values for write in FORMS.values()}


def hits(text: str, values: list[str]) -> int:
    return sum(form in text for form in written(values))


# What fails with a canary in its hands


def _refused(request: HttpRequest, status: int) -> None:
    """Each way to answer badly, with a mail's whole body in its words."""
    body = EmailLog.objects.order_by("pk").first().html  # type: ignore[union-attr]
    if status == 500:
        with connected(purpose="test") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT %s::int", [body])
    raise {403: PermissionDenied, 400: SuspiciousOperation}[status](body)


urlpatterns = [path("refused/<int:status>/", _refused), path("", include("backupsvc.urls"))]


def pages_of_errors() -> str:
    browser = Client(raise_request_exception=False, enforce_csrf_checks=True)
    answers = [browser.get(f"/refused/{status}/") for status in (400, 403, 500)]
    answers += [browser.get("/nowhere/"), browser.post(reverse("admin:login"))]
    assert [answer.status_code for answer in answers] == [400, 403, 500, 404, 403]
    return "\n".join(answer.content.decode() for answer in answers)


def failing_restore(file: Path, tmp_path: Path, patch: Any, values: list[str]) -> Run:
    """The database itself refuses rows, and quotes canaries: the plan has overlooked them."""
    patch.setattr(SectionScan, "_examine", lambda *a: None)
    patch.setattr(questions, "repeated", lambda *a: 0)

    def spoil(spoiled: Document) -> None:
        text = "\n".join(written(values))[:2000]
        spoiled.change_first("clients", id=values[0] + text)
        spoiled.rows["clients"].append(spoiled.rows["clients"][0])

    return restore_of(ours(file, tmp_path / "f.json", spoil))


def failing_backup(patch: Any, values: list[str]) -> Run:
    def broken(*_arguments: object) -> None:
        raise LookupError("\n".join(written(values)))

    patch.setattr("backups.services.composing.Composition._list_locators", broken)
    run = creating.request(SAFE, auditing.COMMAND_LINE)
    jobs.enqueue_backup(run)
    return run


def leaking_backup(patch: Any) -> Run:
    """What the hunt overlooks, the proof finds."""
    patch.setattr(withholding.Hunt, "marker", lambda *_: lambda block: block)
    run = creating.request(SAFE, auditing.COMMAND_LINE)
    jobs.enqueue_backup(run)
    return run


def rows_of_runs() -> str:
    found = [
        *BackupRun.objects.values(),
        *RestoreRun.objects.values(),
        *AuditEvent.objects.values(),
    ]
    return json.dumps(found, default=str, ensure_ascii=False)


def records_shown(browser: Client) -> list[str]:
    """The studio's own pages of records that have canaries in their texts, as a person reads them."""
    found = []
    for model in (EmailLog, ClientApprovalEmailLog, ActivityLog, FFEChangeLog):
        name = f"admin:studio_{model._meta.model_name}_change"
        first = model._default_manager.order_by("pk").first()
        found.append(unescape(browser.get(reverse(name, args=[first.pk])).content.decode()))
    return found


@pytest.mark.urls(__name__)
def test_a_restore_that_fails_and_pages_of_errors_hold_no_canary(
    studio, canaries, tmp_path, monkeypatch, log, redis
):
    with monkeypatch.context() as patch:
        run = failing_restore(studio.complete, tmp_path, patch, canaries)
        work_off()
    run.refresh_from_db()
    assert run.state == "failed"
    for place in (log(), held_by(redis), pages_of_errors(), log(), rows_of_runs()):
        assert place and hits(place, canaries) == 0


@pytest.mark.battery
@pytest.mark.urls(__name__)
def test_none_of_all_forms_of_all_columns_is_found_anywhere(
    studio, canaries, tmp_path, monkeypatch, log, redis
):
    safe = creating.request(SAFE, auditing.COMMAND_LINE)
    jobs.enqueue_backup(safe)
    work_off()
    safe.refresh_from_db()
    assert safe.state == "succeeded" and found_in(safe, canaries) == []
    for fail in (
        lambda patch: failing_restore(studio.complete, tmp_path, patch, canaries),
        lambda patch: failing_backup(patch, canaries),
        leaking_backup,
    ):
        with monkeypatch.context() as patch:
            run = fail(patch)
            work_off()
        run.refresh_from_db()
        assert run.state == "failed"
    owner = Client(raise_request_exception=False)
    owner.force_login(User.objects.get(email="owner@studio.example"))
    for name in ("backups_audit", "backups_backuprun_changelist", "restore_import"):
        assert hits(owner.get(reverse(f"admin:{name}")).content.decode(), canaries) == 0
    assert sum(hits(page, canaries) for page in records_shown(owner)) == 0
    for place in (log(), held_by(redis), pages_of_errors(), log(), rows_of_runs()):
        assert place and hits(place, canaries) == 0


@pytest.mark.battery
@pytest.mark.urls(__name__)
def test_with_all_of_it_switched_off_they_are_everywhere(
    studio, canaries, tmp_path, monkeypatch, log, redis
):
    """The twin: the hunt, the log's filter, what stands in for RQ's own words, and pages without DEBUG."""
    monkeypatch.setattr(withholding.Hunt, "marker", lambda *_: lambda block: block)
    monkeypatch.setattr(withholding.Hunt, "require_none", lambda *_: None)
    monkeypatch.setattr(logs.Discreet, "filter", lambda *_: True)
    for name in ("handle_exception", "handle_job_failure"):
        monkeypatch.setattr(LookingWorker, name, getattr(Worker, name))
    many = len(canaries) * len(FORMS) * 0.8
    assert len(found_in(back_up(SAFE), canaries)) > many
    with monkeypatch.context() as patch:
        failing_backup(patch, canaries)
        work_off()
    assert hits(log(), canaries) > many
    assert hits(held_by(redis), canaries) > many
    with override_settings(DEBUG=True, DEBUG_PROPAGATE_EXCEPTIONS=False):
        page = Client(raise_request_exception=False).get("/refused/500/").content.decode()
    assert hits(page, canaries)
    assert str(settings.BASE_DIR) in page
    monkeypatch.setattr("backupsvc.studio.admin.base.veil", lambda record: None)
    owner = Client()
    owner.force_login(User.objects.get(email="owner@studio.example"))
    assert all(hits(shown, canaries) for shown in records_shown(owner))
    assert document(back_up(SAFE))
