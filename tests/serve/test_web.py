"""The web server by itself, with applications that do what they like."""

import http.client
import io
import socket
import threading
from contextlib import contextmanager

import pytest
import waitress
from waitress import wasyncore

from backupsvc.serve import web

LIMIT = 1000


def of_known_length(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]


def of_unknown_length(environ, start_response):
    start_response("200 OK", [])
    return iter([b"hel", b"lo"])


def of_a_file(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return environ["wsgi.file_wrapper"](io.BytesIO(b"hello"))


def failing(environ, start_response):
    raise RuntimeError


@contextmanager
def serving(application, *, plain=False):
    listener = socket.create_server(("127.0.0.1", 0))
    if plain:
        server = waitress.create_server(application, sockets=[listener], ident=None)
    else:
        server = web.server(application, listener, body_limit_bytes=LIMIT)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map, ignore_all=True))
        thread.join()
        server.task_dispatcher.shutdown()


def everything_after(port, request: bytes) -> bytes:
    """All that comes back on a connection until the server ends it."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        while block := connection.recv(65536):
            answer += block
    return answer


HEAD = b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("application", [of_known_length, of_unknown_length, of_a_file, failing])
def test_it_answers_head_with_headers_alone(application):
    with serving(application) as port:
        answer = everything_after(port, HEAD)
    assert answer.startswith(b"HTTP/1.1 ")
    assert answer.endswith(b"\r\n\r\n")
    assert answer.count(b"\r\n\r\n") == 1


@pytest.mark.parametrize("application", [of_known_length, of_unknown_length, of_a_file, failing])
def test_waitress_alone_would_send_more(application):
    """The twin: were it not so, nothing of ours would be needed."""
    with serving(application, plain=True) as port:
        answer = everything_after(port, HEAD)
    assert answer.partition(b"\r\n\r\n")[2]


def test_a_connection_goes_on_after_head():
    with serving(of_known_length) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for method, body in (("HEAD", b""), ("GET", b"hello"), ("HEAD", b""), ("GET", b"hello")):
            connection.request(method, "/")
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, body)
            assert answer.headers["Content-Length"] == "5"
        connection.close()


def test_it_closes_what_it_does_not_send():
    closed = []

    class Content(list):
        def close(self):
            closed.append(True)

    def application(environ, start_response):
        start_response("200 OK", [("Content-Length", "5")])
        return Content([b"hello"])

    with serving(application) as port:
        everything_after(port, HEAD)
    assert closed == [True]


@pytest.mark.parametrize(("announced", "status"), [(LIMIT, b"200"), (LIMIT + 1, b"413")])
def test_it_takes_bodies_up_to_the_limit(announced, status):
    head = (
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % announced
    )
    # Of a body that is too long nothing needs to be sent: its announcement is refused.
    body = b"x" * announced if status == b"200" else b""
    with serving(of_known_length) as port:
        assert everything_after(port, head + body).split()[1] == status


def test_it_refuses_a_body_without_an_announcement_once_it_is_too_long():
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serving(of_known_length) as port:
        answer = everything_after(port, head + b"%x\r\n" % (LIMIT + 1) + b"x" * (LIMIT + 1))
    assert answer.split()[1] == b"413"
