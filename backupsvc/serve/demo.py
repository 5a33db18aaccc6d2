"""``python -m backupsvc.serve.demo``: ``manage.py demo`` in surroundings of its own.

The command finds a seeded studio in a database that is dropped afterwards, storage below a
temporary directory, a worker and the demo's file server. The data of ``make run`` is not touched.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from backupsvc import embedded
from backupsvc.embedded.locks import hold
from backupsvc.embedded.processes import free_port
from backupsvc.embedded.scratch import emptied_store, scratch_database
from backupsvc.environment import var_dir
from backupsvc.serve.foreground import point_at_demo_files, prepared, say, stop_on_signals
from backupsvc.serve.supervisor import Child, Supervisor

_MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
# The tests count down from 15 on servers that are given to them.
_REDIS_DATABASE = 1


def main() -> int:
    stop_on_signals()
    try:
        embedded.ensure()
        with _surroundings():
            return subprocess.run([sys.executable, _MANAGE, "demo", *sys.argv[1:]]).returncode
    except KeyboardInterrupt:
        say("\nStopping …")
        return 130
    except embedded.EmbeddedError as error:
        sys.stderr.write(error.for_people() + "\n")
        return 1
    finally:
        embedded.leave()


@contextmanager
def _surroundings() -> Iterator[None]:
    """Point the environment, and so every program started in here, at places of the demo's own."""
    _be_the_only_one()
    os.environ["REDIS_URL"] = emptied_store(os.environ["REDIS_URL"], _REDIS_DATABASE)
    with scratch_database(os.environ["DATABASE_URL"]) as address, TemporaryDirectory() as storage:
        os.environ["DATABASE_URL"] = address
        for name, path in {"MEDIA_ROOT": "media", "BACKUPS_ROOT": "backups"}.items():
            os.environ[name] = str(Path(storage) / path)
        os.environ["BACKUPS_KEY_FILE"] = str(Path(storage) / "installation.key")
        port = free_port()
        point_at_demo_files(port)
        prepared(demo_data=True)
        children = Supervisor(
            [
                Child("The file server", "files", ["--port", str(port)]),
                Child("The worker", "worker", grace_seconds=0.0),
            ]
        )
        try:
            children.start()
            yield
        finally:
            children.stop()


def _be_the_only_one() -> None:
    var_dir().mkdir(mode=0o711, parents=True, exist_ok=True)
    if not hold(var_dir() / ".demo"):
        raise embedded.EmbeddedError(
            "demo-running", "another demo is running", hint="wait until it has ended"
        )


if __name__ == "__main__":
    sys.exit(main())
