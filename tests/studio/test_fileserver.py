"""The server for files that live elsewhere: what the seed names, and nothing else."""

import subprocess
import sys

import pytest
import requests

from backupsvc.studio.demo.files import content_of
from backupsvc.studio.demo.fileserver import PREFIX, serve


@pytest.fixture(scope="module")
def address():
    server = serve()
    yield server.address
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("photo-003.png", "image/png"), ("sheet-001.pdf", "application/pdf")],
)
def test_a_file_is_served(address, name, media_type):
    answer = requests.get(address + name, timeout=10)
    assert answer.status_code == 200
    assert answer.content == content_of(name)
    assert answer.headers["Content-Type"] == media_type
    assert int(answer.headers["Content-Length"]) == len(answer.content)


def test_a_head_request_gets_no_body(address):
    answer = requests.head(address + "photo-001.png", timeout=10)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "path", ["/", "/photo-001.png", f"{PREFIX}other-001.png", f"{PREFIX}..%2fphoto-001.png", PREFIX]
)
def test_anything_else_is_not_there(address, path):
    root = address.removesuffix(PREFIX)
    assert requests.get(root + path, timeout=10).status_code == 404


def test_it_listens_on_the_loopback_only(address):
    assert address.startswith("http://127.0.0.1:")


def test_it_runs_as_a_program_without_settings():
    run = subprocess.run(
        [sys.executable, "-m", "backupsvc.studio.demo.fileserver", "--help"],
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "--port" in run.stdout
