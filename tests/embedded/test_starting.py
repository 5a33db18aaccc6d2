"""Starting the pair: once, whoever asks and however many ask."""

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest

from backupsvc.embedded import processes
from backupsvc.embedded.errors import EmbeddedError
from backupsvc.embedded.pair import Pair
from tests.embedded.conftest import query, store

NewUser = Callable[[], Pair]
Running = tuple[Path, dict[str, str]]

ASK = """
import sys
from pathlib import Path
from backupsvc.embedded.pair import Pair
environment = {}
pair = Pair(Path(sys.argv[1]), durable=False)
pair.ensure(environment)
print(environment["DATABASE_URL"], environment["REDIS_URL"], flush=True)
sys.stdin.read()
"""


def test_both_servers_answer_and_the_role_is_no_superuser(running: Running) -> None:
    _root, environment = running
    rights = "SELECT current_user, rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user"
    assert query(environment, rights) == [("studio", False, True)]
    assert store(environment).config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_the_database_holds_any_text_and_sorts_it_by_code_point(running: Running) -> None:
    _root, environment = running
    assert query(environment, "SHOW server_encoding") == [("UTF8",)]
    assert query(environment, "SELECT datcollate FROM pg_database WHERE datname = 'studio'") == [
        ("C",)
    ]


def test_the_role_may_create_the_extensions_that_the_types_need(running: Running) -> None:
    _root, environment = running
    query(environment, "CREATE EXTENSION hstore; CREATE EXTENSION citext")


def test_a_second_user_finds_the_servers_that_run(running: Running) -> None:
    root, first = running
    second: dict[str, str] = {}
    user = Pair(root, durable=False)
    user.ensure(second)
    user.leave()
    assert first == second


def test_passwords_are_for_their_owner_alone(running: Running) -> None:
    root, _environment = running
    services = root / "services.json"
    assert stat.S_IMODE(services.stat().st_mode) == 0o600
    recorded = json.loads(services.read_text())
    assert set(recorded["postgresql"]["passwords"]) == {"postgres", "studio"}
    for log in (root / "log").iterdir():
        assert stat.S_IMODE(log.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["postgresql", "valkey"])
def test_no_process_shows_a_password(running: Running, name: str) -> None:
    root, _environment = running
    recorded = json.loads((root / "services.json").read_text())[name]
    command = processes.command_line(recorded["pid"])
    assert command
    for password in recorded["passwords"].values():
        assert password not in command


def test_a_wrong_password_is_refused(running: Running) -> None:
    _root, environment = running
    wrong = environment["DATABASE_URL"].replace("studio:", "studio:x")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        query({"DATABASE_URL": wrong}, "SELECT 1")


def test_ten_simultaneous_starts_give_one_server_each(empty: Path) -> None:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", ASK, str(empty)]
    started = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(10)]
    try:
        answers = {process.stdout.readline() for process in started if process.stdout}
        assert len(answers) == 1
        assert "postgresql://" in answers.pop()
        log = (empty / "log" / "postgresql.log").read_text()
        assert log.count("ready to accept connections") == 1
        assert (empty / "log" / "valkey.log").read_text().count("Reading config") == 1
        assert not list(empty.glob(".new-pg-*"))
    finally:
        for process in started:
            process.communicate("")


def test_what_was_written_is_there_at_the_next_start(new_user: NewUser) -> None:
    environment: dict[str, str] = {}
    user = new_user()
    user.ensure(environment)
    query(environment, "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 1 AS one")
    store(environment).set("kept", "1")
    user.leave()
    user.ensure(environment)
    assert query(environment, "SELECT one FROM kept") == [(1,)]
    assert store(environment).get("kept") == "1"


def test_with_both_addresses_given_nothing_is_started(empty: Path) -> None:
    given = {"DATABASE_URL": "postgresql://elsewhere/db", "REDIS_URL": "redis://elsewhere"}
    environment = dict(given)
    Pair(empty).ensure(environment)
    assert environment == given
    assert not empty.exists()


def test_with_one_address_given_only_the_other_server_is_started(empty: Path) -> None:
    environment = {"DATABASE_URL": "postgresql://elsewhere/db"}
    user = Pair(empty)
    user.ensure(environment)
    assert environment["DATABASE_URL"] == "postgresql://elsewhere/db"
    assert store(environment).ping()
    assert not list(empty.glob("pg-*"))
    user.leave()


def test_data_of_a_version_that_is_not_here_is_refused_by_name(empty: Path) -> None:
    (empty / "pg-99").mkdir(parents=True)
    with pytest.raises(EmbeddedError, match="PostgreSQL 99") as caught:
        Pair(empty).ensure({})
    assert caught.value.code == "other-major"
