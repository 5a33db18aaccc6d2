"""SIGKILL to the worker in the middle of a backup or a restore, at one place after the other."""

from collections.abc import Iterator
from pathlib import Path

import django_rq
import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from backups import conf
from backups import jobs as backup_jobs
from backups.models import BackupRun, Run, State
from backups.registry import COMPLETE
from backups.services import auditing, creating
from backupsvc.studio.models import User
from restore import jobs
from restore.models import RestoreRun
from restore.plan import Choices
from restore.services.asking import requests
from tests.faults import brake
from tests.faults.workers import Worker, wait_until
from tests.roundtrip.dump import Dump, differences, dump_data
from tests.roundtrip.engine import back_up, stored, writing
from tests.zoo import rows

PICTURE = "people/me.png"

IN_A_BACKUP = ["section:zoo.Feeding", "stage:fetching"]
ANYWHERE_IN_A_BACKUP = ["stage:turn", "stage:checking", "stage:locators", "stage:reading back"]
BEFORE_THE_COMMIT = ["stage:safety backup", "section:zoo.Feeding", "stage:committing"]
ANYWHERE_BEFORE_THE_COMMIT = [
    "stage:inspecting", "stage:waiting", "stage:planning", "stage:emptying", "stage:files",
    "stage:verifying", "stage:references", "stage:comparing",
]  # fmt: skip

# Its rows are being read beside the file; it is whole, and waits for the locks.
AMID_A_SAFETY_BACKUP_AHEAD = ["stage:ahead", "after:backups.services.vault.make_durable"]


@pytest.fixture
def large(monkeypatch) -> None:
    monkeypatch.setenv(brake.LARGE, "1")


@pytest.fixture
def worker(tmp_path: Path, surroundings: None) -> Iterator[Worker]:
    django_rq.get_queue(conf.queue()).connection.flushdb()
    with Worker(tmp_path) as running:
        yield running


@pytest.fixture
def before(surroundings: None) -> Dump:
    """The zoo, and somebody with a picture in the storage."""
    default_storage.save(PICTURE, ContentFile(b"PNG"))
    User.objects.create_user("me@example.org", image=PICTURE)
    with writing() as cursor:
        rows.fill(cursor)
    return dump_data()


@pytest.mark.parametrize("place", IN_A_BACKUP)
def test_a_backup_whose_worker_is_killed_leaves_nothing(
    worker: Worker, before: Dump, place: str
) -> None:
    _kill_a_backup(worker, before, place)


@pytest.mark.battery
@pytest.mark.parametrize("place", ANYWHERE_IN_A_BACKUP)
def test_a_backup_whose_worker_is_killed_anywhere_leaves_nothing(
    worker: Worker, before: Dump, place: str
) -> None:
    _kill_a_backup(worker, before, place)


def test_a_backup_killed_as_it_got_its_name_leaves_nothing(worker: Worker, before: Dump) -> None:
    _kill_a_backup(worker, before, "after:backups.services.vault.keep")


@pytest.mark.parametrize("place", BEFORE_THE_COMMIT)
def test_a_restore_whose_worker_is_killed_changes_nothing(
    worker: Worker, before: Dump, place: str
) -> None:
    _kill_a_restore(worker, before, place)


@pytest.mark.battery
@pytest.mark.parametrize("place", ANYWHERE_BEFORE_THE_COMMIT)
def test_a_restore_whose_worker_is_killed_anywhere_changes_nothing(
    worker: Worker, before: Dump, place: str
) -> None:
    _kill_a_restore(worker, before, place)


@pytest.mark.battery
@pytest.mark.parametrize("place", AMID_A_SAFETY_BACKUP_AHEAD)
def test_a_restore_killed_amid_the_safety_backup_made_ahead_changes_nothing(
    large: None, worker: Worker, before: Dump, place: str
) -> None:
    _kill_a_restore(worker, before, place, leaves=".partial-")


def test_a_restore_whose_worker_is_killed_after_the_commit_has_succeeded(
    worker: Worker, before: Dump
) -> None:
    backup = back_up()
    _damage()
    worker.stop_at("after:restore.files.Journal.forget")
    run = _enqueue_restore(backup)
    worker.kill_horse()
    _wait_for_the_end(run)
    assert run.state == State.SUCCEEDED
    assert differences(before, dump_data()) == []
    assert default_storage.exists(PICTURE)


def test_another_worker_ends_what_a_dead_computer_left_behind(worker: Worker, before: Dump) -> None:
    worker.stop_at("section:zoo.Feeding")
    run = creating.request(COMPLETE, auditing.COMMAND_LINE)
    backup_jobs.enqueue_backup(run)
    worker.stopped()
    worker.kill()
    worker.start()
    _wait_for_the_end(run)
    assert (run.state, run.error_code) == (State.FAILED, "worker.lost")
    wait_until(lambda: _left_behind() == set())


@pytest.mark.battery
def test_a_worker_at_rest_ends_what_another_left_behind(
    worker: Worker, before: Dump, tmp_path: Path
) -> None:
    """Within the two minutes of ``wait_until``, and nobody else looks."""
    worker.stop_at("section:zoo.Feeding")
    run = creating.request(COMPLETE, auditing.COMMAND_LINE)
    backup_jobs.enqueue_backup(run)
    worker.stopped()
    with Worker(tmp_path / "resting"):
        wait_until(lambda: backup_jobs.workers_listening() == 2)
        worker.kill()
        _wait_for_the_end(run)
    assert (run.state, run.error_code) == (State.FAILED, "worker.lost")
    assert _left_behind() == set()


def _kill_a_backup(worker: Worker, before: Dump, place: str) -> None:
    worker.stop_at(place)
    run = creating.request(COMPLETE, auditing.COMMAND_LINE)
    backup_jobs.enqueue_backup(run)
    worker.kill_horse()
    _wait_for_the_end(run)
    assert (run.state, run.error_code) == (State.FAILED, "worker.lost")
    assert run.error_hint
    wait_until(lambda: _left_behind() == set())
    assert differences(before, dump_data()) == []
    again = creating.request(COMPLETE, auditing.COMMAND_LINE)
    backup_jobs.enqueue_backup(again)
    _wait_for_the_end(again)
    assert again.state == State.SUCCEEDED


def _kill_a_restore(worker: Worker, wanted: Dump, place: str, leaves: str = "") -> None:
    """``leaves``: how something begins that is cleared up after the dead."""
    backup = back_up()
    _damage()
    before = dump_data()
    worker.stop_at(place)
    run = _enqueue_restore(backup)
    worker.stopped()
    if leaves:
        wait_until(lambda: any(name.startswith(leaves) for name in _left_behind()))
    worker.kill_horse()
    _wait_for_the_end(run)
    assert (run.state, run.error_code) == (State.FAILED, "worker.lost")
    assert differences(before, dump_data()) == []
    assert not default_storage.exists(PICTURE)
    wait_until(lambda: not _left_behind() - _artifacts())
    # The dead restore's pause of all workers would end by itself within a minute.
    backup_jobs.release_others()
    again = _enqueue_restore(backup)
    _wait_for_the_end(again)
    assert again.state == State.SUCCEEDED, again.error_message
    assert differences(wanted, dump_data()) == []
    assert default_storage.exists(PICTURE)


def _damage() -> None:
    default_storage.delete(PICTURE)
    with writing() as cursor:
        cursor.execute("DELETE FROM zoo_feeding")


def _enqueue_restore(backup: BackupRun) -> RestoreRun:
    run = requests.request(stored(backup), auditing.COMMAND_LINE, Choices())
    requests.take_copy(run, stored(backup))
    jobs.enqueue_restore(run)
    return run


def _wait_for_the_end(run: Run) -> None:
    def has_ended() -> bool:
        run.refresh_from_db()
        return not run.is_active

    wait_until(has_ended)


def _left_behind() -> set[str]:
    """What lies in the folder of the backups."""
    return {path.name for path in Path(settings.BACKUPS_ROOT).iterdir()}


def _artifacts() -> set[str]:
    """What a run's row names."""
    return set(BackupRun.objects.exclude(artifact="").values_list("artifact", flat=True))
