"""A small HTTP server for the demo files that live elsewhere. Nothing is read from a disk.

python -m backupsvc.studio.demo.fileserver --port 8765
"""

import argparse
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from backupsvc.studio.demo.files import SERVED, content_of, media_type_of

PREFIX = "/files/"


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD for the names that the seed writes into rows."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the interesting log is that of whoever fetches."""

    def _answer(self, *, with_body: bool) -> None:
        name = self.path.removeprefix(PREFIX)
        if not self.path.startswith(PREFIX) or not SERVED.fullmatch(name):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        content = content_of(name)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", media_type_of(name))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body:
            self.wfile.write(content)


class FileServer(ThreadingHTTPServer):
    """Answers in threads of its own until ``shutdown``."""

    daemon_threads = True

    @property
    def address(self) -> str:
        """What ``STUDIO_DEMO_FILES_URL`` has to be for this server."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}{PREFIX}"


def serve(host: str = "127.0.0.1", port: int = 0) -> FileServer:
    """Start a server and return it. Port 0 takes a free one."""
    server = FileServer((host, port), Handler)
    Thread(target=server.serve_forever, name="demo files", daemon=True).start()
    return server


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the demo studio's remote files.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8765)
    options = parser.parse_args()
    server = FileServer((options.host, options.port), Handler)
    sys.stdout.write(f"Serving demo files at {server.address}\n")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
