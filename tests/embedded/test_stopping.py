"""Stopping the pair: by its last user, or by hand when none could."""

from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest
import redis

from backupsvc import embedded
from backupsvc.embedded.errors import EmbeddedError
from backupsvc.embedded.pair import Pair
from tests.embedded.conftest import query, store

NewUser = Callable[[], Pair]


def test_the_last_user_stops_the_servers_and_no_earlier_one(new_user: NewUser) -> None:
    environment: dict[str, str] = {}
    first, last = new_user(), new_user()
    first.ensure({})
    last.ensure(environment)
    first.leave()
    assert query(environment, "SELECT 1") == [(1,)]
    assert store(environment).ping()
    last.leave()
    last.leave()
    with pytest.raises(psycopg2.OperationalError):
        query(environment, "SELECT 1")
    with pytest.raises(redis.ConnectionError):
        store(environment).ping()


def test_servers_in_use_are_stopped_by_hand_only_with_force(root: Path, new_user: NewUser) -> None:
    new_user().ensure({})
    with pytest.raises(EmbeddedError) as caught:
        Pair(root).stop()
    assert caught.value.code == "in-use"
    assert Pair(root).stop(force=True)


def test_stopping_by_hand_says_whether_anything_ran(root: Path) -> None:
    assert not Pair(root).stop()


def test_stopping_by_hand_reaches_the_servers_of_tests_too(
    root: Path, new_user: NewUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_user().ensure({})
    monkeypatch.setenv("BACKUPSVC_VAR", str(root.parent))
    with pytest.raises(EmbeddedError, match="using the servers"):
        embedded.stop()
    assert embedded.stop(force=True)
    assert not embedded.stop(force=True)
