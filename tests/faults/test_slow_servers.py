"""File servers that drip or say nothing: a deadline is kept, and cancelling takes seconds."""

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connections

from backups.errors import CancelledError, FetchError
from backups.files import deadline
from backups.files.http import HttpSource
from backups.files.resolve import HttpTarget
from backups.models import BackupRun, State
from backups.registry import COMPLETE
from backups.services import auditing, creating, runs
from backupsvc.studio.models import User
from tests.backups.files.web import Web, body, serving
from tests.faults.workers import wait_until

TOTAL_SECONDS = 0.5
# What a person is willing to call "at once" on a busy machine.
SOON_SECONDS = 5


@pytest.fixture
def web(settings: Any) -> Iterator[Web]:
    with serving() as running:
        settings.BACKUPS_FETCH_INTERNAL_HOSTS = [running.host]
        yield running


def test_headers_that_drip_end_at_the_deadline(web: Web, settings: Any) -> None:
    settings.BACKUPS_FETCH_TOTAL_SECONDS = TOTAL_SECONDS
    started = time.monotonic()
    with pytest.raises(FetchError) as refusal:
        list(HttpSource().read(HttpTarget(web.on("/a", _drip))))
    assert refusal.value.code == "file.too_slow"
    assert time.monotonic() - started < SOON_SECONDS


def test_without_the_deadline_dripping_headers_would_be_waited_for(
    web: Web, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BACKUPS_FETCH_TOTAL_SECONDS = TOTAL_SECONDS
    monkeypatch.setattr(deadline, "_shut_down", lambda _: None)

    def wait() -> None:
        with contextlib.suppress(FetchError):
            list(HttpSource().read(HttpTarget(web.on("/a", _drip))))

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    waiting.join(TOTAL_SECONDS * 3)
    assert waiting.is_alive()


def test_an_answer_that_breaks_off_among_its_headers_is_no_empty_file(web: Web) -> None:
    def break_off(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/p")
        request.close_connection = True

    with pytest.raises(FetchError) as refusal:
        list(HttpSource().read(HttpTarget(web.on("/a", break_off))))
    assert (refusal.value.code, refusal.value.permanent) == ("file.unreachable", False)


def test_waiting_for_others_at_the_same_host_does_not_count(
    web: Web,
) -> None:
    now = [0.0]

    @contextmanager
    def long_wait() -> Iterator[None]:
        now[0] += 1000
        yield

    source = HttpSource(clock=lambda: now[0])
    source._host(urlsplit(web.url("/a"))).turn = long_wait()  # type: ignore[assignment]
    target = HttpTarget(web.on("/a", body(b"content")))
    assert b"".join(source.read(target)) == b"content"


def test_a_backup_that_waits_for_a_silent_server_is_cancelled_at_once(
    surroundings: None, web: Web, settings: Any
) -> None:
    settings.BACKUPS_PROGRESS_SECONDS = 0.05
    asked = threading.Event()
    User.objects.create_user("a@example.org", image=web.on("/a", lambda _: _say_nothing(asked)))
    run = creating.request(COMPLETE, auditing.COMMAND_LINE)
    cancelled: list[float] = []

    def cancel() -> None:
        asked.wait()
        cancelled.append(time.monotonic())
        runs.cancel(run)
        connections.close_all()

    other = threading.Thread(target=cancel)
    other.start()
    with pytest.raises(CancelledError):
        creating.carry_out(run)
    assert time.monotonic() - cancelled[0] < SOON_SECONDS
    other.join()
    assert BackupRun.objects.get(pk=run.pk).state == State.CANCELLED
    wait_until(
        lambda: not any(t.name.startswith("fetch") for t in threading.enumerate()), seconds=5
    )


def _drip(request: BaseHTTPRequestHandler) -> None:
    """A header that goes on and on, a byte at a time."""
    try:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(600):
            request.wfile.write(b"x")
            time.sleep(0.05)
    except OSError:
        pass


def _say_nothing(asked: threading.Event) -> None:
    asked.set()
    time.sleep(30)
