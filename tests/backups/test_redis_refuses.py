"""Redis that is there and refuses: each cause in words, and the worker lives on."""

import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import django_rq
import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError, RedisError
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from backups import conf, jobs
from backups.errors import WorkerFailure
from backups.jobs import patience
from backups.jobs import queue as queues
from backups.jobs import worker as workers
from backups.jobs.refusals import failure_of
from backups.models import BackupRun, State
from backups.registry import SAFE
from backups.services import creating
from backups.services.auditing import Actor
from backups.views.trouble import trouble
from restore.views.presence import presence
from tests.backups.programs import burst_worker, started
from tests.backups.studio import small_studio
from tests.faults.workers import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folders")]
NOA = Actor("Noa Levi", "noa@studio.example", "203.0.113.7")


@pytest.fixture
def redis() -> Iterator[Redis]:
    """The server of this test run, which is as before afterwards."""
    found: Redis = django_rq.get_queue(conf.queue()).connection
    found.flushdb()
    before: Any = found.config_get("maxmemory*")
    yield found
    found.execute_command("REPLICAOF", "NO", "ONE")
    for name in ("maxmemory", "maxmemory-policy"):
        found.config_set(name, before[name])
    found.execute_command("ACL", "DELUSER", "weak")
    found.flushdb()


def fill(redis: Redis) -> None:
    redis.config_set("maxmemory-policy", "noeviction")
    redis.config_set("maxmemory", 1)


def empty(redis: Redis) -> None:
    redis.config_set("maxmemory", 0)


def follow_another(redis: Redis) -> None:
    redis.execute_command("REPLICAOF", "127.0.0.1", "1")


@pytest.mark.parametrize(
    ("spoil", "code"),
    [(fill, "worker.redis_full"), (follow_another, "worker.redis_read_only")],
    ids=["full", "replica"],
)
def test_a_run_says_why_nothing_new_is_taken(
    redis: Redis, spoil: Callable[[Redis], None], code: str
) -> None:
    spoil(redis)
    run = creating.request(SAFE, NOA)
    with pytest.raises(WorkerFailure) as refused:
        jobs.enqueue_backup(run)
    run.refresh_from_db()
    assert (refused.value.code, run.state, run.error_code) == (code, State.FAILED, code)
    assert refused.value.hint


def _as(redis: Redis, **given: Any) -> Redis:
    kept: dict[str, Any] = redis.connection_pool.connection_kwargs
    return Redis(host=kept["host"], port=kept["port"], db=kept["db"], **given)


@pytest.mark.parametrize(
    ("account", "code"),
    [
        ({"username": "default", "password": "s3cret-wrong"}, "worker.redis_password"),
        ({"username": "nobody", "password": "s3cret-wrong"}, "worker.redis_password"),
        ({}, "worker.redis_password"),
        ({"username": "weak", "password": "weak"}, "worker.redis_permission"),
        ({"ssl": True, "ssl_cert_reqs": "none", "socket_timeout": 1}, "worker.redis_tls"),
    ],
    ids=["password", "name", "none", "permission", "tls"],
)
def test_pages_say_what_is_wrong_with_the_address(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, account: dict[str, Any], code: str
) -> None:
    redis.execute_command("ACL", "SETUSER", "weak", "on", ">weak", "~*", "+ping", "+select")
    wrong = Queue("backups", connection=_as(redis, **account), serializer=JSONSerializer)
    monkeypatch.setattr(queues, "ours", lambda: wrong)
    _all_say(code)


def _all_say(code: str) -> None:
    seen = trouble()
    error = presence()
    assert isinstance(error, WorkerFailure)
    assert (seen["trouble"], seen["refusal"].code, error.code) == ("refused", code, code)
    assert "s3cret" not in error.message + error.hint
    run = creating.request(SAFE, NOA)
    with pytest.raises(WorkerFailure):
        jobs.enqueue_backup(run)
    run.refresh_from_db()
    assert run.error_code == code


ANSWERS = {
    "protected": (b"-DENIED Redis is running in protected mode.\r\n", "worker.redis_protected"),
    "disk": (b"-MISCONF Redis is configured to save RDB snapshots\r\n", "worker.redis_disk"),
    "loading": (b"-LOADING Redis is loading the dataset in memory\r\n", "worker.redis_loading"),
    "another": (b"-CLUSTERDOWN Hash slot not served\r\n", "worker.redis_refused"),
}


@contextmanager
def answering(what: bytes) -> Iterator[int]:
    """A server that says the same to everything. Its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    visitor, _ = server.accept()
                except OSError:
                    return
                with visitor:
                    while visitor.recv(65536):
                        visitor.sendall(what)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(("answer", "code"), ANSWERS.values(), ids=ANSWERS.keys())
def test_each_answer_of_a_server_is_a_cause_of_its_own(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, code: str
) -> None:
    with answering(answer) as port:
        wrong = Queue("backups", connection=Redis(port=port), serializer=JSONSerializer)
        monkeypatch.setattr(queues, "ours", lambda: wrong)
        _all_say(code)


@contextmanager
def speaking_tls() -> Iterator[int]:
    """A server of TLS without a certificate: it objects to every handshake, in TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    visitor, _ = server.accept()
                except OSError:
                    return
                with visitor, suppress(OSError):
                    context.wrap_socket(visitor, server_side=True)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_a_server_that_wants_tls_is_told_from_one_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with speaking_tls() as port:
        wrong = Queue("backups", connection=Redis(port=port), serializer=JSONSerializer)
        monkeypatch.setattr(queues, "ours", lambda: wrong)
        _all_say("worker.redis_tls")
    with pytest.raises(WorkerFailure) as refused:
        jobs.workers_listening()
    assert refused.value.code == "worker.redis_away"


def test_the_answer_s_own_words_are_not_repeated() -> None:
    failure = failure_of(RedisError("OOM s3cret"))
    assert failure.code == "worker.redis_full"
    assert "s3cret" not in failure.message + failure.hint


def test_a_worker_that_finds_redis_full_waits_and_then_works(redis: Redis, tmp_path: Path) -> None:
    small_studio()
    fill(redis)
    worker = started("backup_worker")
    try:
        said: list[str] = []
        assert worker.stderr
        while "worker.redis_full" not in "".join(said):
            said.append(worker.stderr.readline())
            assert said[-1], said
        empty(redis)
        run = creating.request(SAFE, NOA)
        jobs.enqueue_backup(run)
        wait_until(lambda: BackupRun.objects.get(pk=run.pk).state == State.SUCCEEDED)
        assert worker.poll() is None
    finally:
        worker.send_signal(signal.SIGTERM)
        _, rest = worker.communicate()
    assert "Traceback" not in "".join(said) + rest
    assert worker.returncode == 0


def test_a_worker_that_shall_not_wait_ends_in_words(redis: Redis) -> None:
    fill(redis)
    ended = burst_worker()
    assert ended.returncode == 1 and "worker.redis_full" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.fixture
def worker(redis: Redis) -> workers.LookingWorker:
    made = workers._made()
    made.register_birth()
    return made


def test_what_only_tells_others_of_a_worker_may_fail_while_it_works(
    redis: Redis, worker: workers.LookingWorker, caplog: pytest.LogCaptureFixture
) -> None:
    run = creating.request(SAFE, NOA)
    jobs.enqueue_backup(run)
    job = Job.fetch(run.pk, connection=redis, serializer=JSONSerializer)
    execution = worker.prepare_execution(job)
    fill(redis)
    worker.heartbeat()
    worker.set_state("busy")
    worker.maintain_heartbeats(job, execution)
    worker.run_maintenance_tasks()
    worker.teardown()
    assert caplog.text.count("worker.redis_full") == 1
    with pytest.raises(OutOfMemoryError):
        Worker.heartbeat(worker)  # the twin: RQ's own


def test_a_job_that_cannot_be_taken_is_taken_once_it_can(
    redis: Redis, worker: workers.LookingWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = creating.request(SAFE, NOA)
    jobs.enqueue_backup(run)
    fill(redis)
    waited = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        empty(redis)

    monkeypatch.setattr(patience.time, "sleep", wait)
    job, _ = worker.dequeue_job_and_maintain_ttl(None)
    assert job.id == run.pk and waited == [patience.RETRY_SECONDS]
