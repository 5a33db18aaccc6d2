"""``python -m backupsvc.serve``: run the application in the foreground until Ctrl-C."""

import argparse
import signal
import socket
import sys
import time

from backupsvc import embedded
from backupsvc.serve.foreground import (
    SIGNALS,
    point_at_demo_files,
    prepared,
    say,
    stop_on_signals,
)
from backupsvc.serve.supervisor import Child, Supervisor

FILES_PORT = 8765
_PORTS_TRIED = 50
_TEND_SECONDS = 0.2
# A running backup may take this long to finish before it is cut off.
_WORKER_GRACE_SECONDS = 20.0


def main() -> int:
    options = _options()
    stop_on_signals()
    children = None
    try:
        listener = listen(options.host, options.port)
        point_at_demo_files(FILES_PORT)
        embedded.ensure()
        accounts = prepared(demo_data=not options.empty)
        children = Supervisor(_children(listener))
        children.start()
        _say_where(listener, options.port, accounts)
        _tend(children)
    except KeyboardInterrupt:
        say("\nStopping …")
    except embedded.EmbeddedError as error:
        sys.stderr.write(error.for_people() + "\n")
        return 1
    finally:
        if children is not None:
            _stop(children)
        embedded.leave()
    return 0


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on ``port``, or on the next one that is free.

    It is bound here and handed to the web server: nobody can take it in between, and it stays
    when the web server is started again.
    """
    for candidate in range(port, port + _PORTS_TRIED):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(128)
        except OSError:
            listener.close()
        else:
            return listener
    raise embedded.EmbeddedError(
        "no-port",
        f"none of the ports {port} to {port + _PORTS_TRIED - 1} on {host} can be listened on",
        hint="name another one: make run PORT=9000",
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m backupsvc.serve", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--empty", action="store_true", help="leave an empty studio empty")
    return parser.parse_args()


def _children(listener: socket.socket) -> list[Child]:
    """In the order they start; they stop in the opposite one."""
    descriptor = listener.fileno()
    return [
        Child("The file server", "files", ["--port", str(FILES_PORT)]),
        Child("The worker", "worker", grace_seconds=_WORKER_GRACE_SECONDS),
        Child("The web server", "web", ["--socket", str(descriptor)], sockets=[descriptor]),
    ]


def _tend(children: Supervisor) -> None:
    while True:
        time.sleep(_TEND_SECONDS)
        children.tend()


def _stop(children: Supervisor) -> None:
    """Stop in order; one more signal cuts a running backup off at once."""

    def hurry(*_: object) -> None:
        children.hurry()

    for number in SIGNALS:
        signal.signal(number, hurry)
    children.stop()


def _say_where(listener: socket.socket, wanted: int, accounts: list[str]) -> None:
    host, port = listener.getsockname()[:2]
    if port != wanted:
        say(f"Port {wanted} is taken, so it is {port} this time.")
    say(f"\nThe studio is at http://{host}:{port}/")
    if accounts:
        say("\n".join(accounts))
    else:
        say("There are no demo accounts; make your own: .venv/bin/python manage.py createsuperuser")
    say("Ctrl-C stops everything.\n")


if __name__ == "__main__":
    sys.exit(main())
