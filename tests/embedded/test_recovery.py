"""Whatever died, and however: the next start finds all data again."""

import json
import os
import signal
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from backupsvc.embedded import processes, valkey
from backupsvc.embedded.errors import EmbeddedError
from backupsvc.embedded.namespace import NOBODY
from backupsvc.embedded.pair import Pair
from tests.embedded.conftest import query, store

NewUser = Callable[[], Pair]


@pytest.fixture
def filled(root: Path, new_user: NewUser) -> tuple[Pair, dict[str, str]]:
    """A user of running servers that hold one row and one key."""
    environment: dict[str, str] = {}
    user = new_user()
    user.ensure(environment)
    query(environment, "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 1 AS one")
    store(environment).set("kept", "1")
    # AOF is written every second; what counts here is that it is read back.
    store(environment).waitaof(1, 0, 5000)
    return user, environment


def recorded_pid(root: Path, name: str) -> int:
    return int(json.loads((root / "services.json").read_text())[name]["pid"])


def kill(root: Path, *names: str) -> None:
    for name in names:
        processes.stop(recorded_pid(root, name), (signal.SIGKILL,), timeout_seconds=5)


def assert_all_is_there(environment: dict[str, str]) -> None:
    assert query(environment, "SELECT one FROM kept") == [(1,)]
    assert store(environment).get("kept") == "1"


def test_both_servers_killed(root: Path, filled: tuple[Pair, dict[str, str]]) -> None:
    user, environment = filled
    kill(root, "postgresql", "valkey")
    user.ensure(environment)
    assert_all_is_there(environment)


@pytest.mark.parametrize("patience", [15, 0.2], ids=["in time", "after it"])
def test_a_store_that_reads_its_data_is_waited_for(
    filled: tuple[Pair, dict[str, str]], monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    """While it reads, it answers questions about its settings and refuses all others."""
    user, environment = filled
    pipeline = store(environment).pipeline(transaction=False)
    for number in range(20_000):  # it looks up from reading after each 1,024th command
        pipeline.set(f"many-{number}", "x")
    pipeline.execute()
    user.leave()
    configuration = valkey._configuration
    slow = "key-load-delay 50\n"
    monkeypatch.setattr(valkey, "_configuration", lambda *a: configuration(*a) + slow)
    monkeypatch.setattr(valkey, "_START_SECONDS", patience)
    user.ensure(environment)
    impatient = redis.Redis.from_url(environment["REDIS_URL"], retry=Retry(NoBackoff(), 0))
    assert impatient.dbsize() == 20_001
    assert_all_is_there(environment)


def test_killed_while_a_client_was_connected(
    root: Path, filled: tuple[Pair, dict[str, str]]
) -> None:
    user, environment = filled
    with closing(psycopg2.connect(environment["DATABASE_URL"])) as connection:
        connection.cursor().execute("SELECT 1")
        kill(root, "postgresql")
        user.ensure(environment)
    assert_all_is_there(environment)


@pytest.mark.parametrize("content", [None, '{"postgresql": 1}'])
def test_lost_or_damaged_record(
    root: Path, filled: tuple[Pair, dict[str, str]], new_user: NewUser, content: str | None
) -> None:
    _user, environment = filled
    pids = recorded_pid(root, "postgresql"), recorded_pid(root, "valkey")
    (root / "services.json").unlink()
    if content is not None:
        (root / "services.json").write_text(content)
    later: dict[str, str] = {}
    new_user().ensure(later)
    assert later != environment
    assert_all_is_there(later)
    assert recorded_pid(root, "postgresql") != pids[0]
    # The servers whose passwords were lost are gone: two on one directory would diverge.
    assert not processes.serves(pids[1], root / "valkey", "valkey")


def test_a_server_that_is_silent_is_left_alone(
    root: Path, filled: tuple[Pair, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    user, environment = filled
    monkeypatch.setattr("backupsvc.embedded.pair._RECOVERY_SECONDS", 0.1)
    monkeypatch.setattr("backupsvc.embedded.valkey._LOGIN_SECONDS", 0.1)
    os.kill(recorded_pid(root, "valkey"), signal.SIGSTOP)
    try:
        with pytest.raises(EmbeddedError) as caught:
            user.ensure(environment)
    finally:
        os.kill(recorded_pid(root, "valkey"), signal.SIGCONT)
    assert caught.value.code == "no-answer"
    assert_all_is_there(environment)


def test_recorded_process_is_another_program_by_now(
    root: Path, filled: tuple[Pair, dict[str, str]]
) -> None:
    user, environment = filled
    kill(root, "postgresql", "valkey")
    for name in ("postmaster.pid", "server.pid"):
        (path,) = root.glob(f"*/{name}")
        rest = path.read_text().split("\n")[1:]
        path.write_text("\n".join([str(os.getppid()), *rest]))
    user.ensure(environment)
    assert_all_is_there(environment)
    os.kill(os.getppid(), 0)


def test_starter_killed_while_it_made_the_cluster(empty: Path) -> None:
    (empty / ".new-pg-half").mkdir(parents=True)
    (empty / ".new-pg-half" / "PG_VERSION").write_text("18")
    environment: dict[str, str] = {}
    user = Pair(empty, durable=False)
    user.ensure(environment)
    assert query(environment, "SELECT 1") == [(1,)]
    assert not list(empty.glob(".new-pg-*"))
    user.leave()


@pytest.fixture
def reachable() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o711)
        yield Path(parent) / "var"
        Pair(Path(parent) / "var").stop(force=True)


def test_root_steps_down_to_nobody_where_nobody_may_pass(reachable: Path) -> None:
    """And whoever else starts it stays who he is: PostgreSQL refuses root alone."""
    user = Pair(reachable, durable=False)
    environment: dict[str, str] = {}
    user.ensure(environment)
    (data,) = reachable.glob("pg-*")
    assert data.stat().st_uid == (os.geteuid() or NOBODY)
    assert (reachable / "valkey").stat().st_uid == os.geteuid()
    query(environment, "CREATE TABLE kept AS SELECT 1 AS one")
    user.leave()
    # The data's owner is followed even when the way to it has become narrower for newcomers.
    reachable.parent.chmod(0o711)
    user.ensure(environment)
    assert query(environment, "SELECT one FROM kept") == [(1,)]
    user.leave()


def test_root_enters_a_namespace_where_nobody_may_not_pass(root: Path, new_user: NewUser) -> None:
    assert not root.parent.parent.stat().st_mode & stat.S_IXOTH, "pytest keeps others out"
    new_user().ensure({})
    (data,) = root.glob("pg-*")
    assert data.stat().st_uid == os.geteuid()
