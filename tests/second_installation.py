"""Another server: an installation with a database, folders, a key and workers of its own, and no account."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg2 import sql

from backupsvc.embedded.scratch import emptied_store, scratch_database
from backupsvc.serve.supervisor import Child, Supervisor
from tests.databases import leave_nobody_in, on_server
from tests.docs.pages import ROOT

# The tests count down from 15, and the demo has 1.
_REDIS_DATABASE = 2


@dataclass(frozen=True)
class Installation:
    """``environment`` is what its programs are started with; ``address`` its web server's."""

    environment: dict[str, str]
    folder: Path
    address: str = ""

    def manage(self, *arguments: str, may_end: tuple[int, ...] = (0,)) -> str:
        """What a command of it prints. Raises where it ends otherwise than with 0."""
        done = subprocess.run(
            [sys.executable, ROOT / "manage.py", *arguments],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode in may_end, done.stdout + done.stderr
        return done.stdout


@contextmanager
def migrated() -> Iterator[str]:
    """The address of a database that has its tables and nothing else, to be copied."""
    with scratch_database(os.environ["DATABASE_URL"]) as address:
        Installation(_surroundings(address, Path(os.environ["BACKUPS_ROOT"])), Path()).manage(
            "migrate", "--verbosity", "0", "--skip-checks"
        )
        yield address


@contextmanager
def installed(template: str, folder: Path) -> Iterator[Installation]:
    """A new installation below ``folder``; nothing of it runs."""
    with scratch_database(os.environ["DATABASE_URL"]) as address:
        name, of = (sql.Identifier(a.rsplit("/", 1)[-1]) for a in (address, template))
        leave_nobody_in(of.strings[0])
        on_server(
            sql.SQL("DROP DATABASE {}").format(name),
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, of),
        )
        yield Installation(_surroundings(address, folder), folder)


@contextmanager
def running(made: Installation) -> Iterator[Installation]:
    """Its web server and worker."""
    listener = socket.create_server(("127.0.0.1", 0))
    descriptor = listener.fileno()
    children = Supervisor(
        [
            Child("The web server", "web", ["--socket", str(descriptor)], sockets=[descriptor]),
            Child("The worker", "worker", grace_seconds=1.0),
        ]
    )
    try:
        with pytest.MonkeyPatch.context() as environment:
            for key, value in made.environment.items():
                environment.setenv(key, value)
            children.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield Installation(made.environment, made.folder, address)
    finally:
        children.stop()
        listener.close()


def _surroundings(address: str, folder: Path) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "tests.second_settings",
        "DATABASE_URL": address,
        "REDIS_URL": emptied_store(os.environ["REDIS_URL"], _REDIS_DATABASE),
        "BACKUPS_ROOT": str(folder / "backups"),
        "MEDIA_ROOT": str(folder / "media"),
        "BACKUPS_KEY_FILE": str(folder / "installation.key"),
    }
