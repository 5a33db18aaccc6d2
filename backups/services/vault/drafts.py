"""An artifact from its first byte to its final name."""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from backups.files import private
from backups.services.sweeping import passed_over
from backups.services.vault.place import LONGEST_NAME, disk_errors, folder

PARTIAL = ".partial-"
_NAMED = ".named-"
SUFFIX = ".json.zst"


class Draft:
    """An artifact being written: private, locked while its writer lives, without a final name."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self.path = path
        self.stream = stream

    def open_again(self) -> BinaryIO:
        """For reading what was written, with a place of its own; nothing is read before it is asked for.
        Raises OSError."""
        return cast(BinaryIO, self.path.open("rb", buffering=0))


@contextlib.contextmanager
def draft(run_id: str) -> Iterator[Draft]:
    """A new draft; removed at the end of the block unless ``keep`` gave it its final name."""
    path = folder() / f"{PARTIAL}{run_id}"
    try:
        with disk_errors():
            stream = private.create_locked(path)
        with stream:
            yield Draft(path, stream)
    finally:
        path.unlink(missing_ok=True)


def make_durable(written: Draft) -> None:
    """Let what was written reach the disk; the stream then stands at its start."""
    with disk_errors():
        private.sync(written.stream)
    written.stream.seek(0)


def keep(
    finished: Draft,
    verify: Callable[[BinaryIO], object],
    *,
    run_id: str = "",
    suffix: str = SUFFIX,
) -> str:
    """Make the draft durable, let ``verify`` read it back, and give it its final random name.

    With ``run_id`` a note of the name stays until ``settle``: who dies before the run's row has the name
    would leave a file that nobody could find, download or delete.
    """
    make_durable(finished)
    verify(finished.stream)
    name = secrets.token_hex(16) + suffix
    with disk_errors():
        if run_id:
            private.write(_note_of(run_id), name.encode())
        finished.path.rename(folder() / name)
        try:
            private.sync_folder(folder())
        except BaseException:
            (folder() / name).unlink(missing_ok=True)
            raise
    return name


def unsettled() -> dict[str, str]:
    """The names that runs gave and that nobody has settled yet, by run; of the living and the dead."""
    found = {}
    for note in sorted(folder().glob(f"{_NAMED}*")):
        run_id = note.name.removeprefix(_NAMED)
        with passed_over("reading the note of its file's name", run_id), note.open("rb") as named:
            found[run_id] = named.read(LONGEST_NAME + 1).decode("ascii")
    return found


def settle(run_id: str) -> None:
    """The run's row has the name, or the file is gone."""
    with disk_errors():
        _note_of(run_id).unlink(missing_ok=True)


def _note_of(run_id: str) -> Path:
    return folder() / f"{_NAMED}{run_id}"
