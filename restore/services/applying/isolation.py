"""Starting the process that tries a restore, and listening to it until it ends."""

import contextlib
import datetime
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from django.conf import settings
from django.db import connections

from backups import errors
from backups.errors import BackupSystemError, ConfigurationError, WorkerFailure
from backups.services import keyring
from backups.services.progress import Progress
from backups.wording import Sentence, _
from restore.services.applying import isolated

LOOK_SECONDS = 0.2
END_SECONDS = 20
_PLACE = ("NAME", "USER", "PASSWORD", "HOST", "PORT")
_TELLS_A_DATABASE = re.compile("DATABASE|POSTGRES|PG|DB|SQL", re.IGNORECASE)


@dataclass(frozen=True)
class Order:
    """All that the process is told; it goes through a pipe, where nobody else can read it.

    ``database`` replaces the place of every alias of the project's settings. ``waiting``: foreign keys
    to be validated when the rows are there, as schema, table and name.
    """

    run: str
    file: str
    folder: str
    database: dict[str, Any]
    waiting: list[tuple[str, str, str]] = field(default_factory=list)
    by_migrations: bool = False
    # The private keys that open the file: they are in no environment and no argument.
    keys: str = field(default="", repr=False)
    settings_module: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    python_path: list[str] = field(default_factory=list)


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """For what a test restore writes on its way; 0700, and gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="rehearsal-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def order_for(
    alias: str,
    *,
    run: str,
    file: Path,
    folder: Path,
    waiting: list[tuple[str, str, str]],
    by_migrations: bool,
) -> Order:
    """What the process has to know to try ``file`` in the database behind ``alias``.

    Raises ConfigurationError where the project has no settings module that another process could read.
    """
    # Settings that are overridden for a while forget where they came from.
    module = settings.SETTINGS_MODULE or os.environ.get("DJANGO_SETTINGS_MODULE", "")
    if not module:
        raise ConfigurationError(
            "rehearsal.no_settings",
            _(
                "The application has no settings module, so no process of its own can be started for it."
            ),
            hint=_("Set DJANGO_SETTINGS_MODULE instead of calling settings.configure()."),
        )
    place = connections[alias].settings_dict
    return Order(
        run=run,
        file=str(file.resolve()),
        folder=str(folder),
        database={name: place.get(name) or "" for name in _PLACE},
        waiting=waiting,
        by_migrations=by_migrations,
        keys=keyring.told(keyring.given()).decode(),
        settings_module=module,
        settings=_own_settings(),
        python_path=[str(Path(entry or ".").absolute()) for entry in sys.path],
    )


def _own_settings() -> dict[str, Any]:
    """The backup system's settings as they are in this process."""
    known = {name: getattr(settings, name) for name in dir(settings) if name.startswith("BACKUPS_")}
    plain = {
        name: str(value) if isinstance(value, Path) else value for name, value in known.items()
    }
    return {
        name: value for name, value in plain.items() if isinstance(value, str | int | float | bool)
    }


def carry_out(order: Order, progress: Progress, *, live: str = "default") -> dict[str, Any]:
    """Let the process do it. Returns its report.

    Its end comes within seconds of a wish to cancel, and with the end of this process.

    Raises:
        BackupSystemError: what the process raised.
        ConfigurationError: ``rehearsal.not_started``.
        WorkerFailure: ``rehearsal.died``.
    """
    with _started(order, live) as process, progress.interruptible(_Killable(process.kill)):
        for message in _messages(process, progress):
            if "progress" in message:
                progress.mirror(_values(message["progress"]))
            elif "report" in message:
                return dict(message["report"])
            elif "error" in message:
                raise again(message["error"])
            elif "unstarted" in message:
                raise _not_started(**message["unstarted"])
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
        raise _died(process.returncode)


@dataclass(frozen=True)
class _Killable:
    cancel: Callable[[], None]


@contextlib.contextmanager
def _started(order: Order, live: str) -> Iterator["subprocess.Popen[bytes]"]:
    environment = redirected(os.environ, live, order.database["NAME"]) | {"TMPDIR": order.folder}
    try:
        process = subprocess.Popen(
            # -P: the folder of the program is no place to import from.
            [sys.executable, "-P", isolated.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            # A key that interrupts this process must not end that one before we know.
            start_new_session=True,
        )
    except OSError as error:
        raise _not_started(type(error).__name__, "") from error
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(asdict(order)).encode() + b"\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()  # type: ignore[union-attr]
        process.stdout.close()  # type: ignore[union-attr]


def _messages(process: "subprocess.Popen[bytes]", progress: Progress) -> Iterator[dict[str, Any]]:
    pipe = process.stdout.fileno()  # type: ignore[union-attr]
    heard = b""
    while True:
        progress.check()
        if not select.select([pipe], [], [], LOOK_SECONDS)[0]:
            continue
        block = os.read(pipe, 1 << 16)
        if not block:
            return
        *lines, heard = (heard + block).split(b"\n")
        for line in lines:
            yield json.loads(line)


def redirected(environment: Any, live: str, name: str) -> dict[str, str]:
    """The environment with the live database's name replaced wherever it stands as one, for settings
    that connect by themselves while they are read."""
    known = str(connections[live].settings_dict.get("NAME") or "")
    return {key: _replaced(key, value, known, name) for key, value in environment.items()}


def _replaced(key: str, value: str, known: str, name: str) -> str:
    if not known:
        return value
    if value == known:
        return name if _TELLS_A_DATABASE.search(key) else value
    with contextlib.suppress(ValueError):
        parts = urlsplit(value)
        if parts.scheme and unquote(parts.path.lstrip("/")) == known:
            return parts._replace(path="/" + quote(name)).geturl()
    return re.sub(rf"\bdbname\s*=\s*'?{re.escape(known)}'?(?=\s|$)", f"dbname={name}", value)


def _values(told: dict[str, Any]) -> dict[str, Any]:
    began = told.get("stage_began_at")
    return told | {"stage_began_at": datetime.datetime.fromisoformat(began) if began else None}


def again(told: dict[str, Any]) -> BackupSystemError:
    """The error that another process told of in plain values."""
    kind: type[BackupSystemError] = getattr(errors, told["kind"])
    words = told["words"]
    return kind(
        told["code"],
        Sentence.of(words.get("message"), otherwise=told["message"]),
        hint=Sentence.of(words.get("hint"), otherwise=told["hint"]),
        permanent=told["permanent"],
    )


def _not_started(type: str, where: str, **_more: str) -> ConfigurationError:
    named = f"{type}, {where}" if where else type
    return ConfigurationError(
        "rehearsal.not_started",
        _("The application could not be started apart from its database ({what}).", what=named),
        hint=_(
            "Its settings and apps must load in a process that reaches an empty database alone and"
            " nothing else: find out what they ask for."
        ),
    )


def _died(status: int | None) -> WorkerFailure:
    how = signal.Signals(-status).name if status is not None and status < 0 else str(status)
    return WorkerFailure(
        "rehearsal.died",
        _("The process that tried the restore died before its end ({how}).", how=how),
        hint=_("Check the server's memory and the worker's log, then start again."),
        permanent=False,
    )
