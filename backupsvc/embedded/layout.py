"""Where the private servers keep their things, below one directory that git ignores."""

import re
from dataclasses import dataclass
from pathlib import Path

_CLUSTER = re.compile(r"pg-(\d+)")


@dataclass(frozen=True)
class Layout:
    """Names below ``root``; nothing here starts, stops or reads a server."""

    root: Path

    @property
    def lock(self) -> Path:
        """Held exclusively around all of starting and stopping."""
        return self.root / ".lock"

    @property
    def users(self) -> Path:
        """Held shared by every process that uses the servers, for as long as it does."""
        return self.root / ".users"

    @property
    def services(self) -> Path:
        return self.root / "services.json"

    @property
    def valkey(self) -> Path:
        return self.root / "valkey"

    def log(self, name: str) -> Path:
        return self.root / "log" / f"{name}.log"

    def cluster(self, major: int) -> Path:
        """A data directory belongs to one major version of PostgreSQL, so its name says which."""
        return self.root / f"pg-{major}"

    def majors(self) -> list[int]:
        """The major versions that have a data directory here, newest first."""
        found = (_CLUSTER.fullmatch(path.name) for path in self.root.glob("pg-*"))
        return sorted((int(match[1]) for match in found if match), reverse=True)

    def prepare(self) -> None:
        """Make the directories. Idempotent.

        Others may pass through but not list: the server's account, where it is not ours, must
        reach its own data directory. What is secret has a mode of its own.
        """
        self.root.mkdir(mode=0o711, parents=True, exist_ok=True)
        (self.root / "log").mkdir(mode=0o711, exist_ok=True)
