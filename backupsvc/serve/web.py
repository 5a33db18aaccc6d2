"""The web server: waitress, which by itself answers HEAD with a body and takes bodies of any size.

RFC 9110, 9.3.2: the answer to HEAD has no content. A client that keeps the connection open takes such a
body for the beginning of the next answer.
"""

import socket
from collections.abc import Callable, Iterable
from typing import Any

import waitress
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import RequestEntityTooLarge

THREADS = 8


def server(
    application: Any,
    listener: socket.socket,
    *,
    body_limit_bytes: int,
    too_large: Callable[[], bytes] | None = None,
) -> Any:
    """A waitress server on a socket that is bound already; ``run()`` serves until the process is told to
    end. A longer body is refused with 413: by its announced length before any of it is taken, and with the
    page that ``too_large`` makes."""
    made = waitress.create_server(
        _without_content(application),
        sockets=[listener],
        threads=THREADS,
        ident=None,
        # Waitress refuses what reaches this number.
        max_request_body_size=body_limit_bytes + 1,
        # Whose word on visitors counts is judged by the application, in the same way under every server.
        clear_untrusted_proxy_headers=False,
    )
    made.channel_class = _Channel
    made.too_large = too_large
    return made


def _without_content(application: Any) -> Any:
    """The same application; what it would send after HEAD is not even read."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        content: Any = application(environ, start_response)
        if environ["REQUEST_METHOD"] != "HEAD":
            return content  # type: ignore[no-any-return]
        if hasattr(content, "close"):
            content.close()
        return []

    return answer


class _Silent:
    """Mixed into waitress's tasks: after the headers of an answer to HEAD comes nothing, neither the text
    of an error nor the mark that ends an answer of unknown length."""

    channel: Any
    chunked_response: bool

    def build_response_header(self) -> bytes:
        header: bytes = super().build_response_header()  # type: ignore[misc]
        if self._is_head():
            self.chunked_response = False
        return header

    def write(self, data: bytes) -> None:
        super().write(b"" if self._is_head() else data)  # type: ignore[misc]

    def _is_head(self) -> bool:
        # Not of the task's own request: where the application failed, that is a made-up one.
        return getattr(self.channel.requests[0], "command", "") == "HEAD"


class _Task(_Silent, WSGITask):
    pass


class _ErrorTask(_Silent, ErrorTask):
    def execute(self) -> None:
        """As a browser shows it, where the application has a page for it."""
        too_large = self.channel.server.too_large
        if self.request.error.code != RequestEntityTooLarge.code or too_large is None:
            super().execute()
            return
        body = too_large()
        self.status = f"{RequestEntityTooLarge.code} {RequestEntityTooLarge.reason}"
        self.response_headers += [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Cache-Control", "no-store"),
        ]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):
    task_class = _Task
    error_task_class = _ErrorTask
