"""Surroundings of a test run: servers, names and directories that it shares with nobody.

Test runs use a pair of private servers of their own below ``var/test``, without fsync, so that
neither can a test reach the data of ``make run`` nor a killed server disturb it. Runs at the same
time share that pair, each in a slot: a number that names its database, its Redis database and its
directory. A slot is a lock file, so that a killed run's slot, leftovers included, is used again.
"""

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from backupsvc import embedded
from backupsvc.embedded.locks import hold
from backupsvc.embedded.scratch import emptied_store
from backupsvc.environment import var_dir

# Redis has 16 databases; counting down from the last keeps away from the one people use.
_LAST_REDIS_DATABASE = 15
_SLOT = "BACKUPSVC_TEST_SLOT"


def isolate() -> None:
    """Point the environment at this run's own surroundings; idempotent.

    Programs started by a test inherit the environment, and so the surroundings.
    """
    if _SLOT in os.environ:
        return
    root = var_dir() / "test"
    os.environ["BACKUPSVC_VAR"] = str(root)
    embedded.ensure(durable=False)
    root.mkdir(mode=0o711, parents=True, exist_ok=True)
    slot = _claim_slot(root)
    os.environ[_SLOT] = str(slot)
    _name_databases(slot)
    (root / "static").mkdir(exist_ok=True)  # WhiteNoise complains of a missing one
    _make_directories(root / f"slot-{slot}")


def _claim_slot(root: Path) -> int:
    """The first number that no other run holds; held until this process ends."""
    for slot in range(_LAST_REDIS_DATABASE):
        if hold(root / f".slot-{slot}"):
            return slot
    raise RuntimeError(f"{_LAST_REDIS_DATABASE} test runs at once are the most")


def _name_databases(slot: int) -> None:
    database = urlsplit(os.environ["DATABASE_URL"])
    named = database._replace(path=f"/test_{database.path.lstrip('/')}_{slot}")
    os.environ["DATABASE_URL"] = urlunsplit(named)
    os.environ["REDIS_URL"] = emptied_store(os.environ["REDIS_URL"], _LAST_REDIS_DATABASE - slot)


def _make_directories(root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    for name, path in {"MEDIA_ROOT": root / "media", "BACKUPS_ROOT": root / "backups"}.items():
        path.mkdir(mode=0o700, parents=True)
        os.environ[name] = str(path)
    os.environ["BACKUPS_KEY_FILE"] = str(root / "installation.key")
