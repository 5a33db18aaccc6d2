"""What the figures were taken on: machine, versions, commit. No name of a host or a person."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.contenders import zstd
from benchmarks.data import ROOT, Surroundings, quietly

_PACKAGES = ("django", "psycopg2-binary", "orjson", "msgspec", "zstandard", "django-dbbackup")

# What an earlier run has written is no change of what is measured.
_OF_THE_CODE = (".", ":!benchmarks/results")


def commit() -> str:
    """The commit, marked where the tree was not clean; ``unknown`` outside a repository."""
    revision = _git("rev-parse", "HEAD")
    if not revision:
        return "unknown"
    return revision + (
        " with changes" if _git("status", "--porcelain", "--", *_OF_THE_CODE) else ""
    )


def machine() -> dict[str, Any]:
    """Processor, cores, memory, and how busy the machine is before the first round."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _first_of("/proc/cpuinfo", "model name") or platform.processor() or "unknown",
        "cores": os.cpu_count(),
        "memory": _first_of("/proc/meminfo", "MemTotal") or "unknown",
        "load_before": round(os.getloadavg()[0], 1),
    }


def versions(where: Surroundings) -> dict[str, str]:
    found = {"python": platform.python_version()}
    found["postgresql"] = quietly(where.program("postgres"), "--version").strip().rsplit(" ", 1)[-1]
    found["zstd of the pipe"] = "Python's zstandard" if zstd()[1] == "-c" else _zstd_program()
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _zstd_program() -> str:
    return "program, " + quietly(zstd()[0], "--version").split(" v", 1)[-1].split(",")[0]


def _git(*arguments: str) -> str:
    try:
        outcome = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return ""
    return outcome.stdout.strip() if outcome.returncode == 0 else ""


def _first_of(place: str, name: str) -> str:
    try:
        lines = Path(place).read_text().splitlines()
    except OSError:
        return ""
    found = (line.partition(":")[2].strip() for line in lines if line.startswith(name))
    return next(found, "")
