"""``services.json``: under which port, process and passwords the private servers run.

The file is a convenience and may be wrong or lost; a ``Reply`` is the truth.
"""

import os
import secrets
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from pathlib import Path

import orjson


@dataclass(frozen=True)
class Server:
    """One running server. ``passwords`` go by account name; they are written to no log."""

    port: int = 0
    pid: int = 0
    passwords: dict[str, str] = field(default_factory=dict, repr=False)

    def at(self, port: int, pid: int = 0) -> "Server":
        return replace(self, port=port, pid=pid)

    def with_password(self, account: str) -> "Server":
        """The same with a fresh random password for ``account``."""
        return replace(self, passwords={**self.passwords, account: secrets.token_urlsafe(24)})


class Reply(Enum):
    """What logging in tells of a recorded server."""

    OURS = "it serves our directory"
    REFUSED = "it does not take our password, or serves another directory"
    SILENT = "nothing answers, or not now: it may be down, starting, recovering or very busy"


class Record:
    """The file's content, written at each change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._servers = _read(path)

    def get(self, name: str) -> Server | None:
        return self._servers.get(name)

    def put(self, name: str, server: Server | None) -> None:
        """Set or forget one server and write the file, in one step and for its owner alone."""
        self._servers.pop(name, None)
        if server is not None:
            self._servers[name] = server
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600, exist_ok=False)
        content = {name: asdict(server) for name, server in sorted(self._servers.items())}
        draft.write_text(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode() + "\n")
        if os.geteuid() == 0:
            # Root may start the servers of another user's project without taking it over.
            owner = self._path.parent.stat()
            os.chown(draft, owner.st_uid, owner.st_gid)
        draft.replace(self._path)


def _read(path: Path) -> dict[str, Server]:
    try:
        content = orjson.loads(path.read_bytes())
        return {name: Server(**fields) for name, fields in content.items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        # Lost or damaged: the servers are found by their directories and given new passwords.
        return {}
