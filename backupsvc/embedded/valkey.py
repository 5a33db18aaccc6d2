"""The private Valkey (or Redis): started, recognised and stopped.

Everything here that starts or stops runs under the pair's lock: a second server on the same
directory would start without a word and diverge.
"""

import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backupsvc.embedded import processes
from backupsvc.embedded.account import owner_of
from backupsvc.embedded.layout import Layout
from backupsvc.embedded.record import Reply, Server

if TYPE_CHECKING:  # slow to load; most commands find everything running and ask nothing
    import redis

NAME = "valkey"
ACCOUNT = "default"
_START_SECONDS = 15
_STOP_SECONDS = 10
_LOGIN_SECONDS = 5


@dataclass(frozen=True)
class Store:
    """A data directory and the program that may serve it."""

    layout: Layout
    program: str

    def start(self, server: Server) -> bool:
        """Start the server, detached; whether it answers now."""
        directory = self.layout.valkey
        directory.mkdir(mode=0o700, exist_ok=True)
        log = self.layout.log(NAME)
        processes.start_log(log)
        with log.open("a") as output:
            # Through stdin, as every user of the computer sees arguments, the password included.
            owner_of(directory).run(
                [self.program, "-"],
                cwd=directory,
                output=output,
                stdin=_configuration(server, directory),
            )
        return processes.wait_until(
            lambda: ask(server, self.layout) is Reply.OURS, timeout_seconds=_START_SECONDS
        )


def pid(layout: Layout) -> int | None:
    """The server's process, if one serves this directory; answered without logging in."""
    number = processes.pid_in(_pid_file(layout.valkey))
    ours = any(processes.serves(number, layout.valkey, name) for name in ("valkey", "redis"))
    return number if ours else None


def ask(server: Server, layout: Layout) -> Reply:
    """Log in, and see whether ``server`` serves this layout's directory, and does so already."""
    import redis

    try:
        with _connect(server) as client:
            directory = client.config_get("dir")["dir"]
            client.ping()  # while it reads its data from disk, it tells settings and nothing else
    except redis.AuthenticationError:
        return Reply.REFUSED
    except redis.RedisError:
        return Reply.SILENT
    ours = Path(directory).resolve() == layout.valkey.resolve()
    return Reply.OURS if ours else Reply.REFUSED


def stop(server: Server | None, layout: Layout) -> None:
    """Stop the server after it has written everything down; idempotent."""
    if (number := pid(layout)) is None:
        return
    if server is not None and ask(server, layout) is Reply.OURS:
        import redis

        with suppress(redis.RedisError), _connect(server) as client:
            client.shutdown()
        if processes.wait_until(lambda: pid(layout) is None, timeout_seconds=_STOP_SECONDS):
            return
    # SIGTERM is an orderly shutdown too; it covers a lost password.
    processes.stop(number, (signal.SIGTERM, signal.SIGKILL), timeout_seconds=_STOP_SECONDS)


def url(server: Server) -> str:
    return f"redis://:{server.passwords[ACCOUNT]}@127.0.0.1:{server.port}/0"


def _configuration(server: Server, directory: Path) -> str:
    settings = {
        "bind": "127.0.0.1",
        "port": str(server.port),
        "requirepass": server.passwords[ACCOUNT],
        "dir": str(directory),
        "pidfile": str(_pid_file(directory)),
        "daemonize": "yes",
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
    }
    return "".join(f"{name} {_quoted(value)}\n" for name, value in settings.items())


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _pid_file(directory: Path) -> Path:
    return directory / "server.pid"


def _connect(server: Server) -> "redis.Redis":
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return redis.Redis(
        host="127.0.0.1",
        port=server.port,
        password=server.passwords.get(ACCOUNT),
        socket_timeout=_LOGIN_SECONDS,
        socket_connect_timeout=_LOGIN_SECONDS,
        decode_responses=True,
        retry=Retry(NoBackoff(), 0),  # whoever asks decides; the default waits for seconds
    )
