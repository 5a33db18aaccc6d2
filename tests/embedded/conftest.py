"""Real servers below temporary directories; every test starts with none."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import redis

from backupsvc.embedded.pair import Pair


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for a pair, one for all tests: making and deleting a cluster takes a second."""
    return tmp_path_factory.mktemp("pair") / "var"


@pytest.fixture
def root(home: Path) -> Iterator[Path]:
    """The shared directory, with no server running before and after."""
    yield home
    Pair(home).stop(force=True)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Path]:
    """A directory that does not exist yet, for tests on what is made there."""
    yield tmp_path / "var"
    Pair(tmp_path / "var").stop(force=True)


@pytest.fixture
def new_user(root: Path) -> Iterator[Callable[[], Pair]]:
    """Makes users of the pair; each is what a process of its own would be."""
    users: list[Pair] = []

    def make() -> Pair:
        users.append(Pair(root, durable=False))
        return users[-1]

    yield make
    for user in users:
        user.leave()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """The directory and the addresses of a pair that tests only look at."""
    root = tmp_path_factory.mktemp("running") / "var"
    environment: dict[str, str] = {}
    user = Pair(root, durable=False)
    user.ensure(environment)
    yield root, environment
    user.leave()


def query(environment: dict[str, str], statement: str) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(environment["DATABASE_URL"])) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def store(environment: dict[str, str]) -> "redis.Redis":
    return redis.Redis.from_url(environment["REDIS_URL"], decode_responses=True)
