"""The process that tries a restore, and in which the live database cannot be reached.

Run as a program by ``restore.services.applying.isolation``, which writes one line to its standard input and
reads lines from its standard output. It ends when its input does: with whoever started it.

Order matters. The database driver is confined before the project's settings are read, as these may ask a
database; every alias is the throwaway database before the first app is loaded, as apps may too.
"""

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

Say = Callable[[dict[str, Any]], None]
GONE = 3  # exit status of a process whose starter has gone


def main() -> None:
    say = _mouth()
    with os.fdopen(os.dup(0), "rb", buffering=0) as given:
        order = json.loads(given.readline())
    threading.Thread(target=_end_with_starter, name="starter", daemon=True).start()
    sys.path[:] = order["python_path"]
    sys.dont_write_bytecode = True
    try:
        fence = _start_project(order)
    except BaseException as error:
        say({"unstarted": _of(error)})
        return
    from restore.services.applying import trying

    fence.shut_files_and_programs()
    say(trying.outcome(order, say))


def _mouth() -> Say:
    """Standard output for the starter alone: what the project prints goes nowhere."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    one_at_a_time = threading.Lock()

    def say(message: dict[str, Any]) -> None:
        with one_at_a_time:
            out.write(json.dumps(message, default=str) + "\n")
            out.flush()

    return say


def _end_with_starter() -> None:
    while os.read(0, 4096):
        pass
    os._exit(GONE)


def _start_project(order: dict[str, Any]) -> Any:
    from restore.database.confined import confine_to
    from restore.services.applying.fence import Fence

    confine_to(order["database"]["NAME"])
    fence = Fence(Path(order["folder"]))
    fence.put_up()
    os.environ["DJANGO_SETTINGS_MODULE"] = order["settings_module"]
    from django.conf import settings

    _override(settings, order)
    _forget_what_follows_a_commit()
    fence.shut_network()
    import django

    django.setup()
    return fence


def _forget_what_follows_a_commit() -> None:
    """Jobs and mail that wait for a commit would find no queue and no server."""
    from django.db.backends.base.base import BaseDatabaseWrapper

    BaseDatabaseWrapper.on_commit = lambda *_arguments, **_options: None  # type: ignore[method-assign]


def _override(settings: Any, order: dict[str, Any]) -> None:
    databases = settings.DATABASES
    throwaway = databases.get("default", {}) | order["database"]
    replaced = {alias: dict(throwaway) for alias in {"default", *databases}}
    # In place, for those who took hold of the dictionary while the settings were read.
    databases.clear()
    databases.update(replaced)
    for name, value in {**order["settings"], **_harmless(settings)}.items():
        setattr(settings, name, value)
    _forget_connections()


def _forget_connections() -> None:
    """Settings that asked for a connection would have made Django remember where to."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.close()
        del connections[connection.alias]
    vars(connections).pop("settings", None)


def _harmless(settings: Any) -> dict[str, Any]:
    """What acts outside the database, turned into what does not."""
    cache = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    storage = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        "BACKUPS_EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        "CACHES": {name: cache | {"LOCATION": name} for name in {"default", *settings.CACHES}},
        "STORAGES": settings.STORAGES
        | {name: storage for name in settings.STORAGES if name != "staticfiles"},
        "TASKS": {"default": {"BACKEND": "django.tasks.backends.dummy.DummyBackend"}},
        "CELERY_BROKER_URL": "memory://",
    }


def _of(error: BaseException) -> dict[str, str]:
    """The error's kind and where it arose: what it says may hold an address or a value."""
    frames = traceback.extract_tb(error.__traceback__)
    modules = [
        frame.f_globals.get("__name__", "")
        for frame, _line in traceback.walk_tb(error.__traceback__)
    ]
    ours = [
        name
        for name in modules
        if name.split(".")[0] not in ("django", "importlib", "psycopg2", "restore")
    ]
    where = ours[-1] if ours else ""
    return {"type": type(error).__name__, "where": where, "depth": str(len(frames))}


if __name__ == "__main__":
    main()
    sys.stderr.flush()
    os._exit(0)  # what the project left running in threads has nothing to finish
