"""What a restore added to the file storages, written down before, so that it can be taken away again if the
restore fails, even by another process after a hard kill."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from backups import printed_json
from backups.files import private, storage
from backups.files.resolve import StorageTarget
from backups.services import sweeping, vault

logger = logging.getLogger("backups")

_JOURNAL = ".restored-"
_LONGEST_LINE = 64 * 1024


class Journal:
    """The names that a restore added: one JSON array ``[alias, name]`` a line, written before.

    A third element says that the name turned out to be somebody else's.
    """

    def __init__(self, run_id: str) -> None:
        self._path = _path(run_id)
        self._out = private.create(self._path)

    def note(self, alias: str, name: str) -> None:
        self._write([alias, name])

    def take_back(self, alias: str, name: str) -> None:
        self._write([alias, name, "not ours"])

    def _write(self, line: list[str]) -> None:
        self._out.write(printed_json.compact(line).encode() + b"\n")
        private.sync(self._out)

    def close(self) -> None:
        self._out.close()

    def forget(self) -> None:
        self.close()
        self._path.unlink(missing_ok=True)


def undo_journal(run_id: str) -> int:
    """Remove what a failed restore added. Returns how many files went; may be called again.

    What cannot be removed is left, and logged: it harms nobody, as nothing points to it.
    """
    path = _path(run_id)
    if not path.is_file():
        return 0
    ours: dict[StorageTarget, None] = {}
    for target, is_ours in _lines(path, run_id):
        ours[target] = None
        if not is_ours:
            del ours[target]
    removed = 0
    for target in ours:
        left = storage.delete(target)
        removed += left is None
        if left:
            logger.warning(
                "run %s: a file that it added was left, as %s", sweeping.told(run_id), left
            )
    path.unlink(missing_ok=True)
    return removed


def _lines(path: Path, run_id: str) -> Iterator[tuple[StorageTarget, bool]]:
    for line in lines_of(path):
        # A last line cut by a kill: its file was not begun.
        with contextlib.suppress(ValueError):
            noted = printed_json.parsed(line)
            if (
                isinstance(noted, list)
                and len(noted) > 1
                and all(isinstance(n, str) for n in noted)
            ):
                yield StorageTarget(noted[0], noted[1]), len(noted) == 2
                continue
        logger.warning("run %s: a line of its journal says no name", sweeping.told(run_id))


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a list of names; one that is too long to be a name is shortened, and so no name."""
    with path.open("rb") as lines:
        while line := lines.readline(_LONGEST_LINE):
            yield line


def journals() -> list[str]:
    """The runs that have a journal: those at work, and those that ended without a last word."""
    return [path.name.removeprefix(_JOURNAL) for path in vault.folder().glob(f"{_JOURNAL}*")]


def forget_journal(run_id: str) -> None:
    """Remove the journal of a committed restore: its files are data now."""
    _path(run_id).unlink(missing_ok=True)


def _path(run_id: str) -> Path:
    return vault.folder() / f"{_JOURNAL}{run_id}"
