"""What the studio is at one moment: every table's rows, every file, every sequence, as digests."""

import hashlib
from dataclasses import dataclass

from django.core.files.storage import Storage, default_storage

from backups.registry import COMPLETE
from backups.services import auditing, creating, vault


@dataclass(frozen=True)
class State:
    """``tables``: rows and SHA-256 by section key; ``files``: SHA-256 by name in the storage."""

    tables: dict[str, tuple[int, str]]
    files: dict[str, str]
    sequences: dict[str, tuple[int, bool]]

    @property
    def rows(self) -> int:
        return sum(rows for rows, _ in self.tables.values())


def state_now() -> State:
    """Read everything. The rows are read as a backup reads them, by a backup that is not kept."""
    run = creating.carry_out(creating.request(COMPLETE, auditing.COMMAND_LINE))
    with vault.reader(vault.path_of(run.artifact)) as reader:
        tail = reader.tail()
    vault.delete(run.artifact)
    run.delete()
    return State(
        tables={key: (s.rows, s.sha256) for key, s in tail.statistics.sections.items()},
        files=_files(),
        sequences={s.name: (s.last_value, s.is_called) for s in tail.sequences},
    )


def differences(before: State, after: State) -> list[str]:
    """In words, what of ``before`` is not so in ``after``. What was added beside it counts too."""
    found = [
        f"table {key}: {before.tables.get(key, (0,))[0]:,} rows before, "
        f"{after.tables.get(key, (0,))[0]:,} after, and they differ"
        for key in sorted(before.tables.keys() | after.tables.keys())
        if before.tables.get(key) != after.tables.get(key)
    ]
    found += [
        f"file {name} is {_fate(name, before, after)}"
        for name in sorted(before.files.keys() | after.files.keys())
        if before.files.get(name) != after.files.get(name)
    ]
    found += [
        f"sequence {n}" for n in before.sequences if before.sequences[n] != after.sequences.get(n)
    ]
    return found


def _fate(name: str, before: State, after: State) -> str:
    if name not in after.files:
        return "missing"
    return "another" if name in before.files else "new"


def _files(storage: Storage = default_storage, folder: str = "") -> dict[str, str]:
    """Every file below ``folder``."""
    found: dict[str, str] = {}
    folders, names = storage.listdir(folder)
    for name in names:
        path = f"{folder}/{name}" if folder else name
        with storage.open(path, "rb") as stored:
            found[path] = hashlib.sha256(stored.read()).hexdigest()
    for name in folders:
        found |= _files(storage, f"{folder}/{name}" if folder else name)
    return found
