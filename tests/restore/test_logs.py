"""What runs that fail leave in the log and in Redis: numbers and codes, and neither values nor paths."""

import errno
import logging
import traceback
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory
from django.urls import path
from django.utils.log import log_response
from rq import Worker

from backups import jobs, logs
from backups.database.connection import connected
from backups.errors import BackupSystemError
from backups.files import private
from backups.jobs.worker import LookingWorker
from backups.models import BackupRun, Run
from backups.registry import COMPLETE, SAFE
from backups.services import auditing, creating
from restore import jobs as restore_jobs
from restore.database import questions
from restore.middleware import MaintenanceMiddleware
from restore.models import RestoreRun
from restore.plan import Choices
from restore.services.asking import maintenance, requests
from restore.services.planning.scanning import SectionScan
from tests.restore.conftest import OWNER
from tests.restore.forging import Document, ours
from tests.restore.saying import held_by, log, redis, work_off

MARKER = "canary-5b1e@somewhere.example"
__all__ = ["log", "redis"]


def restore_of(file: Path) -> RestoreRun:
    choices = Choices(acting=OWNER, accept_foreign=True, all_accounts=True, without_undo=True)
    run = requests.request(file, auditing.COMMAND_LINE, choices)
    requests.take_copy(run, file)
    restore_jobs.enqueue_restore(run)
    return run


def _bad_file(studio, tmp_path: Path, patch) -> Run:
    file = tmp_path / "f.json"
    file.write_text('{"format":"backupsvc/1","' + MARKER)
    return restore_of(file)


def _value_in_detail(studio, tmp_path: Path, patch) -> Run:
    """The plan overlooks it, and the database itself says which key is there twice."""
    patch.setattr(SectionScan, "_examine", lambda *a: None)
    patch.setattr(questions, "repeated", lambda *a: 0)

    def twice(document: Document) -> None:
        document.change_first("clients", id=MARKER)
        document.rows["clients"].append(document.rows["clients"][0])

    return restore_of(ours(studio.complete, tmp_path / "f.json", twice))


def _backup() -> BackupRun:
    run = creating.request(COMPLETE, auditing.COMMAND_LINE)
    jobs.enqueue_backup(run)
    return run


def _full_disk(studio, tmp_path: Path, patch) -> Run:
    def full(path: Path):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    patch.setattr(private, "create_locked", full)
    return _backup()


def _lost_database(studio, tmp_path: Path, patch) -> Run:
    def cut_off(*_arguments: object) -> None:
        with connected(purpose="test") as other, other.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'backups snapshot' AND datname = current_database()"
            )

    patch.setattr("backups.services.composing.Composition._list_locators", cut_off)
    return _backup()


def _unexpected(studio, tmp_path: Path, patch) -> Run:
    def broken(*_arguments: object) -> None:
        raise LookupError(f"{MARKER} in {settings.BACKUPS_ROOT}")

    patch.setattr("backups.services.composing.Composition._write_document", broken)
    return _backup()


FAILURES = {
    "a bad file": (_bad_file, {"artifact.truncated", "artifact.malformed"}),
    "a value in DETAIL": (_value_in_detail, {"restore.duplicate"}),
    "a full disk": (_full_disk, {"storage.full"}),
    "a lost database": (_lost_database, {"database.lost"}),
    "anything else": (_unexpected, {"internal.error"}),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_run_that_fails_leaves_its_number_and_its_code(
    studio, tmp_path, monkeypatch, log, redis, kind
):
    fail, codes = FAILURES[kind]
    with monkeypatch.context() as patch:
        run = fail(studio, tmp_path, patch)
        work_off()
    run.refresh_from_db()
    assert (run.state, run.error_code in codes) == ("failed", True), run.error_code
    said, held = log(), held_by(redis)
    assert f"run {run.pk}, {run.deed}: failed ({run.error_code})" in said
    assert run.pk in held
    for hidden in (MARKER, str(settings.BACKUPS_ROOT), str(settings.BASE_DIR), "Traceback"):
        assert hidden not in said, said
        assert hidden not in held, held


def test_with_what_rq_says_itself_both_would_tell(studio, tmp_path, monkeypatch, log, redis):
    """A twin."""
    for name in ("handle_exception", "handle_job_failure"):
        monkeypatch.setattr(LookingWorker, name, getattr(Worker, name))
    _value_in_detail(studio, tmp_path, monkeypatch)
    work_off()
    for place in (log(), held_by(redis)):
        assert MARKER in place and str(settings.BASE_DIR) in place


def test_a_run_that_succeeds_is_a_line_too(studio, log, redis):
    run = creating.request(SAFE, auditing.COMMAND_LINE)
    jobs.enqueue_backup(run)
    work_off()
    assert log().count(f"run {run.pk}, backup.safe: succeeded") == 1


# Answers to requests


def _forbidden(request):
    raise PermissionDenied(MARKER)


def _broken(request):
    with connected(purpose="test") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT %s::int", [MARKER])


urlpatterns = [path("forbidden/", _forbidden), path("broken/", _broken)]


@pytest.mark.urls(__name__)
@pytest.mark.usefixtures("studio")
def test_a_refusal_is_a_line_and_a_fault_tells_its_way_without_values(log):
    browser = Client(raise_request_exception=False)
    assert browser.get("/forbidden/").status_code == 403
    said = log()
    assert "/forbidden/" in said and "Traceback" not in said and MARKER not in said
    assert browser.get("/broken/").status_code == 500
    said = log()
    assert "tests.restore.test_logs:" in said and "SQLSTATE 22P02" in said
    assert MARKER not in said and str(settings.BASE_DIR) not in said


def test_without_the_filter_it_would(log, monkeypatch):
    """A twin."""
    monkeypatch.setattr(logs.Discreet, "filter", lambda *_: True)
    try:
        raise ValueError(MARKER)
    except ValueError as error:
        logging.getLogger("django.request").error("oh", exc_info=error)
    assert MARKER in log() and str(settings.BASE_DIR) in log()


def test_errors_among_the_words_of_a_line_say_what_they_are(log):
    ours_ = BackupSystemError("storage.full", "It is full.", hint="Free some.")  # type: ignore[arg-type]
    logging.getLogger("anything").warning("%s and %s", ValueError(MARKER), ours_)
    logging.getLogger("anything").warning(OSError(2, "gone", MARKER))
    said = log()
    assert "ValueError and storage.full" in said and "FileNotFoundError" in said
    assert MARKER not in said


def test_what_is_filled_in_begins_no_line_of_its_own(log):
    name = "a.png\nERROR all is lost\x1b[2J\u2028x é"
    logging.getLogger("anything").warning("%s stays", name)
    assert r"a.png\nERROR all is lost\x1b[2J\u2028x é stays" in log()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logs, "_discreet", lambda value: value)
        logging.getLogger("anything").warning("%s stays", name)
    assert "\nERROR all" in log(), "a twin: without it there would be two lines"


def test_the_way_of_an_error_holds_what_caused_it():
    try:
        try:
            raise KeyError(MARKER)
        except KeyError as error:
            raise RuntimeError(MARKER) from error
    except RuntimeError as error:
        way = list(logs.way_of(error))
        assert MARKER in "".join(traceback.format_exception(error))
    assert way[1] == "KeyError" and way[-1] == "RuntimeError" and MARKER not in str(way)


def test_a_request_during_maintenance_is_no_error(log, monkeypatch):
    monkeypatch.setattr(maintenance, "is_running", lambda: True)
    answer: Any = MaintenanceMiddleware(lambda request: None)(RequestFactory().get("/admin/"))
    assert answer.status_code == 503
    log_response("%s: %s", "x", "/admin/", response=answer, request=RequestFactory().get("/"))
    assert "/admin/" not in log()
    answer._has_been_logged = False
    log_response("%s: %s", "x", "/admin/", response=answer, request=RequestFactory().get("/"))
    assert "ERROR" in log(), "a twin: without the mark it would be one"
