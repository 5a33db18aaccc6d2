"""What PostgreSQL itself says is in the database: pg_dump, taken apart row by row.

It shares no code with the engine, so that a mistake of the engine's reading cannot hide itself.
"""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit, urlunsplit

from backupsvc.embedded.programs import find_postgresql

# Written by backups and restores themselves; web sessions end at a restore.
OWN_TABLES = ("backups_*", "restore_*", "django_session")
# A random one would make each dump in SQL another.
_FIXED_KEY = "--restrict-key=fixed"


@dataclass(frozen=True)
class Dump:
    """``tables``: by the head of its COPY, a table's rows in COPY's text form, sorted.
    ``sequences``: the calls of setval."""

    tables: dict[str, list[bytes]]
    sequences: list[bytes]

    def rows(self) -> int:
        return sum(map(len, self.tables.values()))


def dump_data() -> Dump:
    """All data but the backup system's own."""
    text = pg_dump(
        _FIXED_KEY, "--data-only", *(f"--exclude-table-data={name}" for name in OWN_TABLES)
    )
    tables: dict[str, list[bytes]] = {}
    sequences: list[bytes] = []
    lines = iter(text.split(b"\n"))
    for line in lines:
        if line.startswith(b"COPY "):
            # The name of a column may hold a line feed.
            while not line.endswith(b" FROM stdin;"):
                line += b"\n" + next(lines)
            tables[line.decode()] = sorted(_rows(lines))
        elif line.startswith(b"SELECT pg_catalog.setval("):
            sequences.append(line)
    return Dump(tables, sorted(s for s in sequences if not _is_own(s)))


def dump_schema() -> bytes:
    """Tables, constraints, triggers and comments; never the values."""
    return pg_dump(_FIXED_KEY, "--schema-only")


def _rows(lines: Iterator[bytes]) -> Iterator[bytes]:
    for line in lines:
        if line == rb"\.":
            return
        yield line


def _is_own(setval: bytes) -> bool:
    return b"'public.backups_" in setval or b"'public.restore_" in setval


def pg_dump(*options: str) -> bytes:
    """What the program prints with these options."""
    address = urlsplit(os.environ["DATABASE_URL"])
    bare = address._replace(netloc=f"{address.username}@{address.hostname}:{address.port}")
    return subprocess.run(
        [
            _program(),
            "--no-owner",
            *options,
            f"--dbname={urlunsplit(bare)}",
        ],
        env=os.environ | {"PGPASSWORD": address.password or ""},
        check=True,
        capture_output=True,
    ).stdout


@cache
def _program() -> str:
    """Looked for once: each look asks a program for its version."""
    return find_postgresql([]).path("pg_dump")


def differences(before: Dump, after: Dump, *, most: int = 5) -> list[str]:
    """The first few things that are not equal, in words; empty where all is."""
    found = []
    for head in sorted(before.tables.keys() | after.tables.keys()):
        was, now = before.tables.get(head), after.tables.get(head)
        if was != now:
            found.append(_difference(head, was or [], now or []))
    if before.sequences != after.sequences:
        changed = set(before.sequences) ^ set(after.sequences)
        found.append(f"sequences: {sorted(changed)}")
    return found[:most]


def _difference(head: str, was: list[bytes], now: list[bytes]) -> str:
    lost = [row[:300] for row in was if row not in set(now)][:2]
    new = [row[:300] for row in now if row not in set(was)][:2]
    return f"{head[:200]}: {len(was)} rows, then {len(now)}; lost {lost}; new {new}"
