"""A pooler that shares sessions is refused by name; one that does not, and a server itself, are not."""

from types import SimpleNamespace
from typing import Any

import pytest

from backups.database import pooling
from backups.database.connection import connect, connected
from backups.errors import DatabaseFailure

pytestmark = pytest.mark.django_db(transaction=True)


class Pool:
    """Servers by number. ``shared``: a client's next statement goes to the server that is free first,
    as in transaction mode; else a client keeps its own."""

    def __init__(self, servers: int, *, shared: bool) -> None:
        self.free = list(range(1, servers + 1))
        self.shared = shared
        self.closed = 0

    def client(self) -> Any:
        own = self.free.pop(0) if not self.shared else None
        return SimpleNamespace(
            info=SimpleNamespace(backend_pid=987_654),
            autocommit=False,
            close=self._close,
            pid=lambda: own or self._next(),
        )

    def _next(self) -> int:
        self.free.append(self.free.pop(0))
        return self.free[-1]

    def _close(self) -> None:
        self.closed += 1


@pytest.fixture
def pid_of_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "serving", lambda client: client.pid())


@pytest.mark.parametrize("servers", [1, 2, 3, 5])
def test_sessions_that_share_servers_are_refused(pid_of_clients, servers: int) -> None:
    pool = Pool(servers, shared=True)
    with pytest.raises(DatabaseFailure) as refused:
        pooling.refuse_shared_sessions(pool.client(), pool.client)
    assert refused.value.code == "database.pooled"
    assert "PgBouncer" in refused.value.message
    assert pool.closed == 1


def test_a_pool_in_session_mode_is_taken(pid_of_clients) -> None:
    pool = Pool(3, shared=False)
    pooling.refuse_shared_sessions(pool.client(), pool.client)
    assert pool.closed == 1


def test_without_a_pooler_no_other_connection_is_opened() -> None:
    def another() -> Any:
        raise AssertionError

    with connected(purpose="test") as link:
        link.autocommit = True
        pooling.refuse_shared_sessions(link, another)


def test_it_is_asked_before_anything_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def look(link, another) -> None:
        with link.cursor() as cursor:
            cursor.execute("SHOW intervalstyle")
            before = cursor.fetchone()
            cursor.execute("SELECT setting, boot_val FROM pg_settings WHERE name = 'row_security'")
            seen.append((before, cursor.fetchone()))
        raise pooling._pooled()

    monkeypatch.setattr(pooling, "refuse_shared_sessions", look)
    with pytest.raises(DatabaseFailure):
        connect(purpose="test")
    assert seen[0][1] == ("on", "on")
