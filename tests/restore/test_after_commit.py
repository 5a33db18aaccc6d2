"""What fails after the commit undoes nothing, fails neither command nor job, and is on the report."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.cache import caches
from django.db import DatabaseError, connection
from django.template.loader import render_to_string

from backups.errors import WorkerFailure
from backups.jobs import queue as queues
from backups.models import AuditEvent, State
from backups.services import auditing
from backups.wording import _
from restore import jobs as restore_jobs
from restore.database import aftermath
from restore.files import Journal
from restore.models import RestoreRun
from restore.plan import Choices
from restore.services.applying import applying, problems
from restore.services.applying.writing import Writer
from restore.services.asking import outgoing, requests
from restore.views.live import context_of
from tests.restore.conftest import OWNER
from tests.restore.forging import Document, foreign, ours
from tests.restore.steps import restore_as
from tests.restore.tables import rows_of_database
from tests.restore.test_commands import PHRASE, ended

SECRET = "canary-7f3a"
Patch = pytest.MonkeyPatch


def _raising(error: BaseException) -> Callable[..., object]:
    def fails(*args: object, **kwargs: object) -> None:
        raise error

    return fails


def _views(monkeypatch: Patch) -> None:
    fails = _raising(DatabaseError(SECRET))
    monkeypatch.setattr(aftermath, "refresh_materialized_views", fails)


def _one_view(monkeypatch: Patch) -> None:
    monkeypatch.setattr(aftermath, "refresh_materialized_views", lambda _: ([], ["a_view"]))


def _statistics(monkeypatch: Patch) -> None:
    monkeypatch.setattr(aftermath, "analyze", _raising(DatabaseError(SECRET)))


def _caches(monkeypatch: Patch) -> None:
    monkeypatch.setattr(caches["default"], "clear", _raising(ConnectionError(SECRET)))


def _audit(monkeypatch: Patch) -> None:
    def audit(*args: object, _real=auditing.audit, **kwargs: object) -> object:
        if args[1:3] == ("restore", "succeeded"):
            raise DatabaseError(SECRET)
        return _real(*args, **kwargs)

    monkeypatch.setattr(auditing, "audit", audit)


def _journal(monkeypatch: Patch) -> None:
    monkeypatch.setattr(Journal, "forget", _raising(OSError(SECRET)))


def _told_to_stop(monkeypatch: Patch) -> None:
    monkeypatch.setattr(applying, "follow_up", _raising(KeyboardInterrupt()))


def _lock(monkeypatch: Patch) -> None:
    monkeypatch.setattr(applying.locks, "let_go", _raising(DatabaseError(SECRET)))


FAILING = {
    "views": (_views, "materialised views"),
    "one view": (_one_view, "a_view"),
    "statistics": (_statistics, "statistics"),
    "caches": (_caches, "cache default"),
    "audit": (_audit, "audit trail"),
    "journal": (_journal, "list of the files"),
    "told to stop": (_told_to_stop, "cut short"),
    "lock": (_lock, "cut short"),
}


@pytest.mark.parametrize(("fail", "words"), FAILING.values(), ids=FAILING.keys())
def test_the_command_says_what_failed_and_ends_with_0(
    damaged_studio, monkeypatch, fail: Callable[[Patch], None], words: str
) -> None:
    fail(monkeypatch)
    status, said, warned = ended("restore_apply", damaged_studio.complete, f"--as={OWNER}", PHRASE)
    run = RestoreRun.objects.get()
    assert (status, run.state, run.error_code) == (0, State.SUCCEEDED, "")
    assert "Restored:" in said and words in warned and SECRET not in warned
    (problem,) = problems.of_report(run.report)
    assert words in problem and problem.template, "it can be said in another language"
    page = render_to_string("restore/_report.html", context_of(run))
    assert "What failed afterwards" in page and words in page and "rows in" in page


def test_a_restore_of_which_nothing_failed_says_nothing_of_it(damaged_studio) -> None:
    run = restore_as(damaged_studio.complete)
    assert problems.of_report(run.report) == []
    assert "What failed afterwards" not in render_to_string("restore/_report.html", context_of(run))
    assert AuditEvent.objects.filter(action="restore", outcome="succeeded").count() == 1


def test_before_the_commit_it_is_a_failure_as_ever(damaged_studio, monkeypatch) -> None:
    """The twin: the same error a moment earlier."""
    before = rows_of_database()
    monkeypatch.setattr(Writer, "_end_sessions", _raising(KeyboardInterrupt()))
    status, said, _warned = ended("restore_apply", damaged_studio.complete, f"--as={OWNER}", PHRASE)
    assert (status, "Restored" in said) == (1, False)
    assert RestoreRun.objects.get().state == State.CANCELLED
    assert rows_of_database() == before


def test_the_report_of_a_former_version_is_said_as_it_was() -> None:
    assert problems.of_report({"aftermath": {"problems": ["An old one."]}}) == ["An old one."]


@pytest.fixture
def queued(damaged_studio) -> RestoreRun:
    run = requests.request(damaged_studio.complete, auditing.COMMAND_LINE, Choices(acting=OWNER))
    requests.take_copy(run, damaged_studio.complete)
    return run


def test_a_worker_s_job_does_not_fail_for_a_copy_that_stays(queued, monkeypatch) -> None:
    monkeypatch.setattr(requests, "drop_copy", _raising(OSError(SECRET)))
    restore_jobs.carry_out_restore(queued.pk)
    queued.refresh_from_db()
    assert queued.state == State.SUCCEEDED
    assert ["copy" in problem for problem in problems.of_report(queued.report)] == [True]


def test_jobs_that_could_not_be_held_are_said(studio, tmp_path, monkeypatch) -> None:
    file = foreign(studio.complete, tmp_path / "f.json")
    refused = WorkerFailure("worker.redis_full", _("Full."), hint=_("Free it."), permanent=False)

    def suspend(*, seconds: int | None = None) -> None:
        if seconds is None:
            raise refused

    monkeypatch.setattr(queues, "suspend", suspend)
    choices = Choices(acting=OWNER, accept_foreign=True)
    run = requests.request(file, auditing.COMMAND_LINE, choices)
    restore_jobs.carry_out_here(run, file)
    run.refresh_from_db()
    (problem,) = problems.of_report(run.report)
    assert "could not be held" in problem and "Full." in problem
    assert outgoing.is_held() and run.state == State.SUCCEEDED


def _state_low_numbers(document: Document) -> None:
    """The file says of the audit trail's sequence that it stands at its beginning."""
    first, *rest = document._middle.split(b"\n")
    stated = json.loads(first.removeprefix(b'"sequences": ').rstrip(b","))
    stated.append(dict(stated[0], name="backups_auditevent_id_seq", last_value=1, is_called=False))
    packed = json.dumps(stated, separators=(",", ":")).encode()
    document._middle = b"\n".join([b'"sequences": ' + packed + b",", *rest])


def test_a_file_s_number_for_the_audit_trail_is_not_taken(studio, tmp_path: Path) -> None:
    for _number in range(3):
        auditing.audit(auditing.COMMAND_LINE, "test", "done")
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM backups_auditevent_id_seq")
        (last,) = cursor.fetchone()
    run = restore_as(ours(studio.complete, tmp_path / "f.json", _state_low_numbers))
    assert problems.of_report(run.report) == []
    made = auditing.audit(auditing.COMMAND_LINE, "test", "done")
    assert made.pk > last
