"""A restore whose process died while the server was committing: what is said of it is what is true."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest
from django.db import connection, connections
from psycopg2.extensions import connection as Connection

from backups.models import State
from restore.models import Receipt, RestoreRun
from restore.services.asking import requests

BLOCKED_SECONDS = 0.5


@pytest.fixture
def run(surroundings: None) -> RestoreRun:
    return RestoreRun.objects.create(source="file", state=State.RUNNING)


@pytest.fixture
def dying(run: RestoreRun) -> Iterator[Connection]:
    """The session of the dead process: its receipt is written, its commit has not ended."""
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    session = psycopg2.connect(**parameters)
    with session.cursor() as cursor:
        cursor.execute("INSERT INTO restore_receipt VALUES (%s, now())", [run.pk])
    yield session
    session.close()


@pytest.mark.parametrize("end, state", [("commit", State.SUCCEEDED), ("rollback", State.FAILED)])
def test_the_verdict_waits_for_the_server(
    run: RestoreRun, dying: Connection, end: str, state: State
) -> None:
    with ThreadPoolExecutor(1) as others:
        verdict = others.submit(_look_and_leave)
        with pytest.raises(TimeoutError):
            verdict.result(BLOCKED_SECONDS)
        getattr(dying, end)()
        verdict.result(10)
    run.refresh_from_db()
    assert run.state == state
    assert Receipt.objects.filter(pk=run.pk).exists() == (state == State.SUCCEEDED)


def test_a_look_at_the_receipts_alone_would_be_wrong(
    run: RestoreRun, dying: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        requests, "_has_receipt", lambda run_id: Receipt.objects.filter(pk=run_id).exists()
    )
    requests.end_abandoned()
    dying.commit()
    run.refresh_from_db()
    assert run.state == State.FAILED
    assert requests.is_committed(run.pk)


def _look_and_leave() -> None:
    try:
        requests.end_abandoned()
    finally:
        connections.close_all()
