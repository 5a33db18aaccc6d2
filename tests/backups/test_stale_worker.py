"""A worker that was not restarted after a deploy: it refuses what other code asks of it."""

from collections.abc import Callable
from typing import Any

import django_rq
import pytest

from backups import conf, jobs
from backups.jobs import queue as queues
from backups.models import BackupRun, Run, State
from backups.registry import SAFE
from backups.services import creating, loaded_code, vault
from backups.services.auditing import Actor
from restore import jobs as restore_jobs
from restore.models import PlanRun, Rehearsal, RestoreRun
from tests.backups.programs import burst_worker
from tests.backups.studio import small_studio

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folders")]
NOA = Actor("Noa Levi", "noa@studio.example", "203.0.113.7")


@pytest.fixture(autouse=True)
def empty_queue() -> None:
    django_rq.get_queue(conf.queue()).connection.flushdb()


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks has newer code than the worker."""
    monkeypatch.setattr(loaded_code, "_VERSIONS", ("a later version", "6.0"))


ASKED: dict[str, tuple[Callable[[], Run], Callable[[Any], None]]] = {
    "backup": (lambda: creating.request(SAFE, NOA), jobs.enqueue_backup),
    "restore": (lambda: RestoreRun.objects.create(source="x"), restore_jobs.enqueue_restore),
    "rehearsal": (lambda: Rehearsal.objects.create(backup="x"), restore_jobs.enqueue_rehearsal),
    "plan": (lambda: PlanRun.objects.create(upload="x"), restore_jobs.enqueue_plan),
}


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(("ask", "enqueue"), ASKED.values(), ids=ASKED.keys())
def test_it_does_nothing_and_says_restart_the_worker(
    ask: Callable[[], Run], enqueue: Callable[[Run], None]
) -> None:
    run = ask()
    enqueue(run)
    burst_worker()
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.FAILED, "worker.stale")
    assert "Restart the worker" in run.error_hint
    assert list(vault.folder().iterdir()) == []


@pytest.mark.usefixtures("deployed")
def test_without_that_it_makes_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin, and the same as a worker of the same code does."""
    monkeypatch.undo()
    small_studio()
    run = creating.request(SAFE, NOA)
    jobs.enqueue_backup(run)
    burst_worker()
    run.refresh_from_db()
    assert run.state == State.SUCCEEDED


def test_a_job_of_a_version_that_did_not_say_is_refused_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queues, "_CODE", "something else")
    run = creating.request(SAFE, NOA)
    jobs.enqueue_backup(run)
    burst_worker()
    run.refresh_from_db()
    assert run.error_code == "worker.stale"


def test_a_command_that_does_the_work_itself_asks_nobody() -> None:
    run: BackupRun = creating.request(SAFE, NOA)
    assert not queues.is_of_other_code()
    jobs.carry_out_backup(run.pk)
    run.refresh_from_db()
    assert run.state == State.SUCCEEDED
