"""What goes over one connection to the real web server."""

import http.client
import socket
from urllib.parse import urlsplit

import pytest

from backups import conf
from backupsvc.settings import STATIC_URL

PAGES = ["/admin/login/", "/admin/", "/nowhere", f"/{STATIC_URL}backups/backups.css"]


@pytest.fixture
def place(address, transactional_db) -> tuple[str, int]:
    parts = urlsplit(address)
    return parts.hostname, parts.port


@pytest.mark.parametrize("page", PAGES)
def test_after_head_the_next_answer_is_an_answer(place, page):
    """A body after HEAD would be taken for the beginning of the next answer."""
    connection = http.client.HTTPConnection(place[0], place[1], timeout=30)
    connection.request("HEAD", page)
    head = connection.getresponse()
    assert head.read() == b""
    its_socket = connection.sock
    connection.request("GET", "/admin/login/")
    answer = connection.getresponse()
    assert connection.sock is its_socket
    assert answer.status == 200
    assert len(answer.read()) == int(answer.headers["Content-Length"])
    connection.close()


def test_a_body_of_60_gib_is_refused_by_its_announcement(place):
    head = b"POST /admin/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n"
    with socket.create_connection(place, timeout=30) as connection:
        connection.sendall(head % (60 * conf.GIBIBYTE))
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
