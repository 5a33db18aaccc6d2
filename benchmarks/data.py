"""What is measured on: servers of the benchmark's own, a studio of many rows, and a small one.

Everything lies below ``var/bench`` and goes at the end, but the cluster. No Django in here: it runs in
the programs that are started.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from backupsvc import embedded
from backupsvc.embedded import postgresql
from backupsvc.embedded.layout import Layout
from backupsvc.embedded.processes import free_port
from backupsvc.embedded.programs import Postgresql, find_postgresql
from backupsvc.embedded.scratch import emptied_store, scratch_database
from backupsvc.environment import var_dir
from backupsvc.serve.foreground import point_at_demo_files
from backupsvc.serve.supervisor import Child, Supervisor
from benchmarks.measuring import CommandFailed, ServerClock

ROOT = Path(__file__).resolve().parent.parent
ROWS_PER_SCALE = 5000
# dumpdata and loaddata work on a part: on all of a million rows they would take the better part of an hour.
MOST_PART_SCALE = 4
# Addresses and places of whoever calls: nobody's data is measured, and nobody's folder filled.
_NOT_INHERITED = (
    "DATABASE_URL",
    "REDIS_URL",
    "MEDIA_ROOT",
    "BACKUPS_ROOT",
    "BACKUPS_KEY_FILE",
    "BACKUPS_FETCH_INTERNAL_HOSTS",
)


@dataclass(frozen=True)
class Studio:
    """A database, counted."""

    url: str
    rows: int


@dataclass(frozen=True)
class Surroundings:
    """``whole`` is measured on, ``part`` is the smaller studio, ``empty`` has tables and no rows."""

    whole: Studio
    part: Studio
    empty: Studio
    folder: Path
    programs: Postgresql
    clock: ServerClock

    def program(self, name: str) -> str:
        """One of PostgreSQL's programs, of the server's own version."""
        return self.programs.path(name)

    def settle(self) -> None:
        """What autovacuum would do later, in the middle of somebody's measurement."""
        quietly(self.program("psql"), self.whole.url, "--command", "VACUUM (ANALYZE)")

    def restored(self, *, like: Studio | None = None) -> str:
        """The address of the database that contenders restore into: fresh, empty or a copy."""
        self.drop_restored()
        return _create(self.programs, f"{self.empty.url}_restored", like.url if like else "")

    def drop_restored(self) -> None:
        _drop(self.programs, f"{self.empty.url}_restored")


def manage(*arguments: str) -> list[str]:
    """The command line of one of the project's commands."""
    return [sys.executable, str(ROOT / "manage.py"), *arguments]


def quietly(*command: str, url: str | None = None) -> str:
    """Run what is not measured; what it prints. ``url``: the database that Django finds.

    Raises CommandFailed.
    """
    environment = os.environ | ({"DATABASE_URL": url} if url else {})
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True)
    if outcome.returncode != 0:
        raise CommandFailed(f"{Path(command[0]).name} failed:\n{outcome.stderr[-2000:]}")
    return outcome.stdout


@contextmanager
def surroundings(rows: int) -> Iterator[Surroundings]:
    """Servers, files and studios; the environment leads the programs that are started to ``whole``.

    ``rows`` is rounded to what the demo studio can be: multiples of 5,000.
    """
    _be_apart()
    with ExitStack() as stack:
        embedded.ensure()
        stack.callback(embedded.leave)
        servers = os.environ["DATABASE_URL"]
        os.environ["REDIS_URL"] = emptied_store(os.environ["REDIS_URL"], 1)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=var_dir())))
        _keep_below(folder)
        stack.enter_context(_file_server())
        made = _studios(stack, servers, folder, max(1, round(rows / ROWS_PER_SCALE)))
        os.environ["DATABASE_URL"] = made.whole.url
        stack.callback(made.drop_restored)
        made.settle()
        yield made


def _studios(stack: ExitStack, servers: str, folder: Path, scale: int) -> Surroundings:
    """Migrated once, copied, and filled."""
    programs = find_postgresql(_layout().majors())
    empty = stack.enter_context(scratch_database(servers))
    quietly(*manage("migrate", "--verbosity", "0"), url=empty)

    def seeded(name: str, scale: int) -> Studio:
        url = _create(programs, f"{empty}_{name}", empty)
        stack.callback(_drop, programs, url)
        quietly(*manage("seed_studio", "--scale", str(scale)), url=url)
        return Studio(url, scale * ROWS_PER_SCALE)

    return Surroundings(
        whole=seeded("whole", scale),
        part=seeded("part", min(scale, MOST_PART_SCALE)),
        empty=Studio(empty, 0),
        folder=folder,
        programs=programs,
        clock=_clock(),
    )


def _create(programs: Postgresql, url: str, like: str) -> str:
    """A database at ``url``, a copy of that at ``like`` where given. Returns ``url``."""
    template = _name(like) if like else "template0"
    quietly(programs.path("createdb"), _beside(url), f"--template={template}", _name(url))
    return url


def _drop(programs: Postgresql, url: str) -> None:
    """Not by force: that may not end autovacuum's worker, which a plain DROP asks to leave."""
    quietly(programs.path("dropdb"), "--if-exists", _beside(url), _name(url))


def _beside(url: str) -> str:
    return f"--maintenance-db={urlunsplit(urlsplit(url)._replace(path='/postgres'))}"


def _name(url: str) -> str:
    return urlsplit(url).path.lstrip("/")


def _be_apart() -> None:
    place = var_dir() / "bench"
    place.mkdir(mode=0o711, parents=True, exist_ok=True)
    for name in _NOT_INHERITED:
        os.environ.pop(name, None)
    os.environ["BACKUPSVC_VAR"] = str(place)
    os.environ["DJANGO_SETTINGS_MODULE"] = "backupsvc.settings"


def _keep_below(folder: Path) -> None:
    os.environ["MEDIA_ROOT"] = str(folder / "media")
    os.environ["BACKUPS_ROOT"] = str(folder / "backups")
    os.environ["BACKUPS_KEY_FILE"] = str(folder / "installation.key")


@contextmanager
def _file_server() -> Iterator[None]:
    """The demo's rows name files of another server. Its address stands in the rows: start it first."""
    port = free_port()
    point_at_demo_files(port)
    children = Supervisor([Child("The file server", "files", ["--port", str(port)])])
    try:
        children.start()
        yield
    finally:
        children.stop()


def _layout() -> Layout:
    return Layout(var_dir())


def _clock() -> ServerClock:
    directory = _layout().cluster(_layout().majors()[0])
    return ServerClock(postgresql.pid(directory))
