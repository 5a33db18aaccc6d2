"""Surroundings of a test run: servers, names and directories that it shares with nobody.

Each run has a slot: a number, and the directory ``var/test/slot-N`` below which its own pair of
private servers works, without fsync, beside its files. So a test may kill, stop or fill a server,
alter roles or suspend a queue, and disturb neither ``make run`` nor another test. The workers of a
parallel run have a slot each. A slot is a lock file, so that a killed run's slot, leftovers
included, is used again.

Where the system has room for it in memory, the directory is a link to one there: a copy of the
test's database makes thousands of files, which a disk's file system takes ten times as long for. It
goes when the run ends.
"""

import atexit
import contextlib
import hashlib
import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from backupsvc import embedded
from backupsvc.embedded.locks import hold
from backupsvc.embedded.pair import Pair
from backupsvc.embedded.scratch import emptied_store
from backupsvc.environment import var_dir

# Redis has 16 databases; counting down from the last keeps away from the one people use, where the
# server's address is given.
_LAST_REDIS_DATABASE = 15
_MEMORY = Path("/dev/shm")  # noqa: S108 - what others made there is not used
_MEMORY_BYTES = 4 << 30
_SLOT = "BACKUPSVC_TEST_SLOT"
_before: dict[str, str] = {}


def isolate() -> None:
    """Point the environment at this run's own surroundings; idempotent.

    Programs started by a test inherit the environment, and so the surroundings.
    """
    if _SLOT in os.environ:
        return
    _before.update(os.environ)
    root = var_dir() / "test"
    root.mkdir(mode=0o711, parents=True, exist_ok=True)
    slot = _claim_slot(root)
    place = _place(root / f"slot-{slot}")
    os.environ["BACKUPSVC_VAR"] = str(place)
    embedded.ensure(durable=False)
    os.environ[_SLOT] = str(slot)
    _name_databases(slot)
    _make_directories(place)


def hand_over() -> None:
    """Undo ``isolate`` in a process that runs no test itself: its workers isolate themselves."""
    if _before:
        embedded.leave()
        os.environ.clear()
        os.environ.update(_before)


def _claim_slot(root: Path) -> int:
    """The first number that no other run holds; held until this process ends."""
    for slot in range(_LAST_REDIS_DATABASE):
        if hold(root / f".slot-{slot}"):
            return slot
    raise RuntimeError(f"{_LAST_REDIS_DATABASE} test runs at once are the most")


def _place(name: Path) -> Path:
    """The slot's directory, behind ``name``, which is ours alone by now."""
    _clear(name)
    if not _room_in_memory():
        name.mkdir(mode=0o711, exist_ok=True)
        return name
    owner = hashlib.sha256(str(name.parent).encode()).hexdigest()[:12]
    place = _MEMORY / f"backupsvc-{owner}" / "test" / name.name
    ours = place.parent.parent
    ours.mkdir(mode=0o711, exist_ok=True)
    if ours.is_symlink() or ours.stat().st_uid != os.getuid():
        name.mkdir(mode=0o711, exist_ok=True)
        return name
    place.mkdir(mode=0o711, parents=True, exist_ok=True)
    name.symlink_to(place)
    # Before the servers are started, and so after they have been stopped.
    atexit.register(_clear, name, os.getpid())
    return place


def _clear(name: Path, process: int | None = None) -> None:
    """Stop what a killed run left there, and take it out of memory. What lies on a disk is used again."""
    if process not in (None, os.getpid()):
        return
    if name.exists():
        Pair(name.resolve()).stop(force=True)
    if name.is_symlink():
        place = name.resolve()
        shutil.rmtree(place, ignore_errors=True)
        name.unlink()
        with contextlib.suppress(OSError):  # others of this working copy may still be there
            place.parent.rmdir()
            place.parent.parent.rmdir()
    elif name.exists() and _room_in_memory():
        shutil.rmtree(name)


def _room_in_memory() -> bool:
    if not (_MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)):
        return False
    return shutil.disk_usage(_MEMORY).free >= _MEMORY_BYTES


def _name_databases(slot: int) -> None:
    database = urlsplit(os.environ["DATABASE_URL"])
    named = database._replace(path=f"/test_{database.path.lstrip('/')}_{slot}")
    os.environ["DATABASE_URL"] = urlunsplit(named)
    os.environ["REDIS_URL"] = emptied_store(os.environ["REDIS_URL"], _LAST_REDIS_DATABASE - slot)


def _make_directories(place: Path) -> None:
    for name, path in {"MEDIA_ROOT": place / "media", "BACKUPS_ROOT": place / "backups"}.items():
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700, parents=True)
        os.environ[name] = str(path)
    key = place / "installation.key"
    key.unlink(missing_ok=True)
    os.environ["BACKUPS_KEY_FILE"] = str(key)
    (place / "static").mkdir(exist_ok=True)  # WhiteNoise complains of a missing one
