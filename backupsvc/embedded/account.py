"""As whom a server runs: as ourselves, unless PostgreSQL refuses that.

It refuses root, and initdb refuses a user id that has no name, as containers are often given.
"""

import os
import pwd
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from backupsvc.embedded import namespace
from backupsvc.embedded.errors import EmbeddedError

# Nothing of the caller's environment steers a server; messages stay in English for our own tests.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Account:
    """How to start programs: with the caller's identity, as another user, or in a namespace."""

    uid: int | None = None
    gid: int | None = None
    in_namespace: bool = False

    def run(
        self,
        command: list[str],
        *,
        cwd: Path,
        output: IO[Any] | int = subprocess.PIPE,
        stdin: str = "",
        timeout_seconds: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run ``command`` to its end; what it printed, on either stream, is in ``stdout``."""
        prefix = [sys.executable, "-I", namespace.__file__] if self.in_namespace else []
        identity: dict[str, Any] = {}
        if self.uid is not None:
            identity = {"user": self.uid, "group": self.gid, "extra_groups": []}
        return subprocess.run(
            [*prefix, *command],
            cwd=cwd,
            env=_ENVIRONMENT,
            input=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_seconds,
            check=False,
            start_new_session=True,
            **identity,
        )

    def give(self, directory: Path) -> None:
        """Make ``directory`` the server's own, and nothing above it."""
        if self.uid is not None and self.gid is not None:
            os.chown(directory, self.uid, self.gid)


def owner_of(directory: Path) -> Account:
    """The account that an existing data directory belongs to.

    Raises:
        EmbeddedError: ``not-owner``, when it is another user's and we are not root.
    """
    owner = directory.stat()
    if os.geteuid() == owner.st_uid:
        return Account()
    if os.geteuid() == 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    raise EmbeddedError(
        "not-owner",
        f"{directory.name} belongs to another user (uid {owner.st_uid})",
        hint="run as that user, or let BACKUPSVC_VAR name a directory of your own",
    )


def for_postgresql(program: str, parent: Path, existing: Path | None) -> Account:
    """The account for a cluster: its owner's if it exists, else one that PostgreSQL accepts.

    Args:
        program: the server, to see whether another user could run it.
        parent: the directory that will hold the data.

    Raises:
        EmbeddedError: ``not-owner``, or ``account`` when no possible one is acceptable.
    """
    account = owner_of(existing) if existing else Account()
    if account.uid is not None or (os.geteuid() != 0 and _has_name(os.geteuid())):
        return account
    nobody = Account(uid=namespace.NOBODY, gid=namespace.NOBODY)
    root = os.geteuid() == 0
    if root and existing is None and _all_may_pass(parent) and _can_run(nobody, program):
        return nobody
    inside = Account(in_namespace=True)
    if sys.platform == "linux" and _can_run(inside, program):
        return inside
    raise EmbeddedError(
        "account",
        "PostgreSQL does not run as root nor as a user without a name, user namespaces are "
        "forbidden here, and the user nobody cannot reach the project's files",
        hint="run as an ordinary user, set DATABASE_URL, or move the project to a directory that "
        "others may pass through",
    )


def _all_may_pass(directory: Path) -> bool:
    directory = directory.resolve()
    return all(path.stat().st_mode & stat.S_IXOTH for path in (directory, *directory.parents))


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _can_run(account: Account, program: str) -> bool:
    try:
        return account.run([program, "--version"], cwd=Path("/")).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False
