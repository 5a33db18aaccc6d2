"""Each test here has a storage as the default one, whichever it is, and pauses that take no time."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from backups.files import storage
from tests.roundtrip.conftest import surroundings
from tests.storages import kinds, misbehaving
from tests.storages.kinds import Kind

__all__ = ["surroundings"]

EVERY: dict[str, Kind | None] = {
    **{kind.name: kind for kind in (*kinds.LOCAL, kinds.MEMORY)},
    **dict.fromkeys(kinds.S3),
    **{kind.name: kind for kind in kinds.ON_A_SHELF},
}
# The rest is for the battery.
EVERYDAY = {
    "local",
    "in memory",
    "S3",
    "MayNotList",
    "NeverThere",
    "SizeNotImplemented",
    "Suffixing",
}


@pytest.fixture(scope="package")
def s3_server() -> Iterator[str]:
    """A server of S3's protocol, on loopback at a free port."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    kinds.S3_SERVER[:] = [f"http://{host}:{port}"]
    yield kinds.S3_SERVER[0]
    kinds.S3_SERVER.clear()
    server.stop()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each pause between two attempts would have been."""
    paused: list[float] = []
    monkeypatch.setattr(storage, "sleep", paused.append)
    misbehaving.emptied()
    return paused


@pytest.fixture(
    params=[
        pytest.param(name, marks=() if name in EVERYDAY else pytest.mark.battery) for name in EVERY
    ]
)
def kind(request: pytest.FixtureRequest, settings: Any, monkeypatch: Any) -> Iterator[Kind]:
    """The storage of the test: every one in turn."""
    chosen = EVERY[request.param]
    with ExitStack() as stack:
        if chosen is None:
            request.getfixturevalue("s3_server")
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
            made = stack.enter_context(kinds.bucket(f"files-{secrets.token_hex(6)}"))
            chosen = kinds.in_bucket(made, request.param, **kinds.S3[request.param])
        become(settings, chosen)
        yield chosen


def become(settings: Any, kind: Kind) -> None:
    """Make it the application's default storage."""
    settings.STORAGES = settings.STORAGES | {"default": kind.configured}
