"""What the children of a foreground command run: ``python -m backupsvc.serve.child web|…``."""

import argparse
import errno
import os
import signal
import socket
import sys
import threading
import time
from typing import NoReturn

_ORPHAN_GRACE_SECONDS = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m backupsvc.serve.child", description=__doc__)
    parser.add_argument("what", choices=["web", "worker", "files"])
    parser.add_argument("--lifeline", type=int, required=True, help="end with this pipe")
    parser.add_argument("--socket", type=int, help="web: a bound socket's descriptor")
    parser.add_argument("--port", type=int, help="files: where to listen")
    options = parser.parse_args()
    threading.Thread(target=_end_with, args=(options.lifeline,), daemon=True).start()
    if options.what == "web":
        serve_web(options.socket)
    elif options.what == "worker":
        work()
    else:
        serve_files(options.port)


def serve_web(descriptor: int) -> None:
    """Serve the application on a socket that is bound already, until SIGTERM."""
    # Sets Django up, before whose models nothing below can be imported.
    from backupsvc.wsgi import application

    signal.signal(signal.SIGTERM, _exit)  # waitress then ends its requests first

    from backups import conf
    from backups.middleware import too_large
    from backupsvc.serve import web

    listener = socket.socket(fileno=descriptor)
    web.server(
        application,
        listener,
        body_limit_bytes=conf.body_limit_bytes(),
        too_large=lambda: too_large().content,
    ).run()


def work() -> None:
    """Carry out backups and restores; the first SIGTERM lets the job at hand finish."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backupsvc.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", "backup_worker"])


def serve_files(port: int) -> None:
    """Serve the demo studio's remote files.

    Their address stands in the rows, so there is no other port: while another foreground command
    serves them, this one waits for its turn.
    """
    from backupsvc.studio.demo.fileserver import serve

    while True:
        try:
            server = serve(port=port)
            break
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            time.sleep(2)
    signal.signal(signal.SIGTERM, _exit)
    threading.Event().wait()
    server.shutdown()


def _end_with(lifeline: int) -> None:
    """End this process when the parent has gone, as if the parent had stopped it."""
    while os.read(lifeline, 1):
        pass
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_ORPHAN_GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _exit(*_: object) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    main()
