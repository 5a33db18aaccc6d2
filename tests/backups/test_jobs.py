"""How a worker gets its work: ids in JSON, a time limit, and an end whatever happens to it."""

import json
import os
import signal
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django_rq
import pytest
from django.db import connections
from redis.exceptions import ConnectionError as RedisConnectionError
from rq import Queue, SimpleWorker, Worker
from rq.job import Job
from rq.serializers import DefaultSerializer, JSONSerializer
from rq.timeouts import JobTimeoutException

from backups import conf, jobs
from backups.database import locks
from backups.database.connection import connected
from backups.errors import WorkerFailure
from backups.jobs.worker import LookingWorker
from backups.models import AuditEvent, BackupRun, State
from backups.registry import SAFE
from backups.services import creating, runs, vault
from backups.services.auditing import Actor
from tests.backups.programs import burst_worker, started
from tests.backups.studio import small_studio

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folders")]
NOA = Actor("Noa Levi", "noa@studio.example", "203.0.113.7")


@pytest.fixture(autouse=True)
def queue() -> Iterator[Queue]:
    """An empty queue."""
    made = django_rq.get_queue(conf.queue())
    made.connection.flushdb()
    yield made
    made.connection.flushdb()


@pytest.fixture
def run() -> BackupRun:
    return creating.request(SAFE, NOA)


def everything_in(queue: Queue) -> bytes:
    """Every byte that Redis holds, jobs uncompressed."""
    found = []
    for key in queue.connection.keys("*"):
        kind = queue.connection.type(key)
        if kind == b"hash":
            values: Any = queue.connection.hgetall(key)
            found += [part for pair in values.items() for part in pair]
        found.append(key)
    return b"\n".join(_plain(part) for part in found)


def _plain(part: bytes) -> bytes:
    try:
        return zlib.decompress(part)
    except zlib.error:
        return part


def test_a_job_is_the_id_of_its_run_and_nothing_more(queue: Queue, run: BackupRun):
    jobs.enqueue_backup(run)
    (job,) = queue.jobs
    assert (job.id, list(job.args), job.kwargs) == (run.pk, [run.pk], {})
    assert job.func_name == "backups.jobs.carry_out_backup"
    run.refresh_from_db()
    assert run.job_id == run.pk


def test_a_verification_is_two_ids(queue: Queue, run: BackupRun):
    jobs.enqueue_verification(run, NOA)
    (job,) = queue.jobs
    assert list(job.args) == [run.pk, AuditEvent.objects.get(action="backup.verify").pk]
    jobs.enqueue_verification(run, NOA)
    assert len(queue.jobs) == 1


def test_redis_learns_no_name_no_address_and_no_pickle(queue: Queue, run: BackupRun):
    jobs.enqueue_backup(run)
    jobs.enqueue_verification(run, NOA)
    held = everything_in(queue)
    assert run.pk.encode() in held
    for secret in ("Noa Levi", "noa@studio.example", "203.0.113.7", "\x80\x04", "\x80\x05"):
        assert secret.encode("latin-1") not in held


def test_what_a_job_says_is_json(queue: Queue, run: BackupRun):
    jobs.enqueue_backup(run)
    packed: Any = queue.connection.hget(f"rq:job:{run.pk}", "data")
    assert json.loads(zlib.decompress(packed)) == [
        "backups.jobs.carry_out_backup",
        None,
        [run.pk],
        {},
    ]
    assert Job.fetch(run.pk, connection=queue.connection, serializer=JSONSerializer)


def test_a_job_has_a_time_limit_out_of_the_settings(queue: Queue, run: BackupRun, settings):
    settings.BACKUPS_JOB_SECONDS = 77
    jobs.enqueue_backup(run)
    (job,) = queue.jobs
    assert (job.timeout, job.result_ttl) == (77, 0)


def test_a_worker_makes_the_backup(run: BackupRun):
    small_studio()
    jobs.enqueue_backup(run)
    burst_worker()
    run.refresh_from_db()
    assert (run.state, run.requested_by_email) == (State.SUCCEEDED, NOA.email)
    assert vault.path_of(run.artifact).exists()


def test_a_worker_reads_a_backup_again_for_who_asked(run: BackupRun):
    creating.carry_out(run)
    jobs.enqueue_verification(run, NOA)
    burst_worker()
    outcomes = AuditEvent.objects.filter(action="backup.verify", person_email=NOA.email)
    assert sorted(outcomes.values_list("outcome", flat=True)) == ["done", "requested"]


def test_a_failure_in_the_worker_stands_in_the_run(run: BackupRun, folders):
    jobs.enqueue_backup(run)
    folders.backups.write_text("no folder")
    burst_worker()
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.FAILED, "storage.failed")


def test_a_run_that_takes_too_long_is_cut_off_even_in_a_silent_statement(run: BackupRun, settings):
    settings.BACKUPS_JOB_SECONDS = 1
    jobs.enqueue_backup(run)
    with connected(purpose="test") as restoring:
        locks.hold_for_restoring(restoring, wait_seconds=5)
        burst_worker()
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.FAILED, "worker.timeout")


def test_only_a_time_limit_is_called_one(run: BackupRun):
    def too_slow(given: BackupRun) -> None:
        with runs.carried_out(given):
            raise JobTimeoutException

    with pytest.raises(JobTimeoutException):
        jobs.carry_out(BackupRun, run.pk, too_slow)
    run.refresh_from_db()
    assert run.error_code == "worker.timeout"

    def broken(given: BackupRun) -> None:
        with runs.carried_out(given):
            raise RuntimeError

    other = creating.request(SAFE, NOA)
    with pytest.raises(RuntimeError):
        jobs.carry_out(BackupRun, other.pk, broken)
    other.refresh_from_db()
    assert other.error_code == "internal.error"


def test_a_killed_work_horse_is_noticed_by_its_worker(run: BackupRun):
    jobs.enqueue_backup(run)
    with connected(purpose="test") as restoring:
        locks.hold_for_restoring(restoring, wait_seconds=5)
        worker = started("backup_worker", "--burst")
        # The run's lock is held a moment before the run has begun.
        while not BackupRun.objects.filter(pk=run.pk, state=State.RUNNING).exists():
            assert worker.poll() is None
        (horse,) = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
        os.kill(int(horse), signal.SIGKILL)
        worker.communicate()
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.FAILED, "worker.lost")
    assert list(vault.folder().iterdir()) == []


def test_a_work_horse_inherits_no_connection_to_the_database(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
):
    inherited = []
    monkeypatch.setattr(
        Worker,
        "fork_work_horse",
        lambda *_: inherited.append(connections["default"].connection),
    )
    jobs.clear_up()
    assert connections["default"].connection
    worker = LookingWorker([queue], connection=queue.connection)
    worker.fork_work_horse(None, queue)  # type: ignore[arg-type]
    assert inherited == [None]


def test_without_that_it_would_talk_on_its_parent_s(queue: Queue):
    jobs.clear_up()
    assert connections["default"].connection


def test_two_workers_of_the_same_process_number_have_different_names(
    monkeypatch: pytest.MonkeyPatch,
):
    names = set()
    monkeypatch.setattr(LookingWorker, "work", lambda self, **_: names.add(self.name))
    jobs.work()
    jobs.work()
    assert len(names) == 2


def unreachable(*_: object, **__: object) -> None:
    raise RedisConnectionError("redis://:s3cret@nowhere")


def test_a_queue_that_is_away_fails_the_run_and_says_so(
    run: BackupRun, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Queue, "enqueue_call", unreachable)
    monkeypatch.setattr(Worker, "all", unreachable)
    with pytest.raises(WorkerFailure) as refused:
        jobs.enqueue_backup(run)
    assert (refused.value.code, refused.value.permanent) == ("worker.redis_away", False)
    assert "s3cret" not in refused.value.message + refused.value.hint
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.FAILED, "worker.redis_away")
    with pytest.raises(WorkerFailure):
        jobs.workers_listening()


def test_nobody_listens_where_no_worker_is():
    assert jobs.workers_listening() == 0


def test_clearing_up_ends_runs_and_removes_what_the_dead_left(run: BackupRun):
    BackupRun.objects.filter(pk=run.pk).update(state=State.RUNNING)
    (vault.folder() / ".partial-dead").write_bytes(b"x")
    jobs.clear_up()
    run.refresh_from_db()
    assert (run.state, list(vault.folder().iterdir())) == (State.FAILED, [])


def test_what_goes_wrong_in_one_part_of_it_keeps_no_other_part_from_being_done(
    monkeypatch: pytest.MonkeyPatch,
):
    done = []
    looks = [unreachable, lambda: done.append(1)]
    monkeypatch.setattr(jobs, "AFTER_A_DEATH", looks)
    jobs.clear_up()
    assert done == [1]


def test_a_run_whose_job_redis_has_lost_does_not_wait_for_ever(queue: Queue, run: BackupRun):
    jobs.enqueue_backup(run)
    assert jobs.end_lost(BackupRun) == []
    queue.connection.flushdb()
    assert jobs.end_lost(BackupRun) == [run.pk]
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.FAILED, "worker.job_lost")


SERIALIZERS = ("rq.serializers.DefaultSerializer", "rq.serializers.JSONSerializer", None)


@pytest.mark.battery
def test_what_serializer_the_settings_name_is_nothing_to_us(queue: Queue, settings):
    """Whoever asks and whoever works may have other settings, or of before."""
    asked = []
    for named in SERIALIZERS:
        found = dict(settings.RQ_QUEUES["backups"])
        found.pop("SERIALIZER", None)
        more = {"SERIALIZER": named} if named else {}
        settings.RQ_QUEUES = settings.RQ_QUEUES | {"backups": found | more}
        asked.append(creating.request(SAFE, NOA))
        jobs.enqueue_backup(asked[-1])
        assert jobs.end_lost(BackupRun) == []
    assert burst_worker().returncode == 0
    assert {BackupRun.objects.get(pk=run.pk).state for run in asked} == {State.SUCCEEDED}


def test_a_job_that_another_kind_of_worker_took_does_not_wait_for_ever(
    queue: Queue, run: BackupRun, caplog
):
    """RQ's own, with its own serializer, reads the same queue and understands nothing."""
    jobs.enqueue_backup(run)
    other = Queue(queue.name, connection=queue.connection, serializer=DefaultSerializer)
    SimpleWorker([other], connection=queue.connection, serializer=DefaultSerializer).work(
        burst=True
    )
    assert queue.connection.exists(f"rq:job:{run.pk}"), "RQ keeps it for whoever looks"
    assert jobs.end_lost(BackupRun) == [run.pk]
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.FAILED, "worker.job_refused")


def test_a_run_that_nobody_enqueued_is_not_lost(run: BackupRun):
    assert jobs.end_lost(BackupRun) == []
