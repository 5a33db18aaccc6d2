"""Files that rows pointed to before a restore and point to no more.

They stay until the undo has expired, since the undo's rows will point to them; then they are removed,
if nothing points to them at that time.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
from django.core.files.storage import storages
from django.utils import timezone

from backups import conf
from backups.database import introspection, locators
from backups.database.connection import Connection
from backups.database.introspection import LiveTable
from backups.database.reading import TableReading, reading
from backups.database.snapshot import snapshot
from backups.files.resolve import StorageTarget, resolve
from backups.models import BackupRun
from backups.registry import COMPLETE, registry
from backups.services import auditing, vault
from backups.services.creating import tables_read
from restore.models import RestoreRun

_PREFIX = "superseded-"
Name = tuple[str, str]


def list_files(connection: Connection, path: Path) -> None:
    """Write what the rows point to now to ``path``, one locator a line, sorted. The connection's
    transaction has a lock on the tables, or rows could be missing."""
    readings = _readings(introspection.live_tables(connection))
    with path.open("wb") as out:
        locators.stream_locators(connection, readings, lambda block: _put(out, block))


def _readings(tables: dict[str, LiveTable]) -> list[TableReading]:
    return [reading(section, COMPLETE, tables) for section in registry.in_scope(COMPLETE)]


def _put(out: BinaryIO, block: bytes) -> None:
    out.write(block)


def note(run_id: str, before: Path, after: Path) -> int:
    """Keep the names that ``before`` lists and ``after`` does not. Returns how many."""
    gone = _names(before) - _names(after)
    if gone:
        descriptor = os.open(_path(run_id), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.writelines(json.dumps(name) + "\n" for name in sorted(gone))
    return len(gone)


def forget(run_id: str) -> None:
    """The restore did not commit: nothing was superseded."""
    _path(run_id).unlink(missing_ok=True)


def sweep() -> int:
    """Remove the files of expired undos that nothing points to. Returns how many."""
    waiting, expired = set[Name](), dict[Path, set[Name]]()
    for path in vault.folder().glob(f"{_PREFIX}*"):
        names = {(alias, name) for alias, name in map(json.loads, path.read_text().splitlines())}
        if _is_expired(path.name.removeprefix(_PREFIX)):
            expired[path] = names
        else:
            waiting |= names
    if not expired:
        return 0
    candidates = set[Name]().union(*expired.values()) - waiting
    removed = 0
    for alias, name in candidates - _pointed_to(candidates):
        storages[alias].delete(name)
        removed += 1
    for path in expired:
        path.unlink(missing_ok=True)
    auditing.audit(auditing.Actor(name="sweep"), "files.superseded", "removed", count=removed)
    return removed


def _path(run_id: str) -> Path:
    return vault.folder() / f"{_PREFIX}{run_id}"


def _is_expired(run_id: str) -> bool:
    """Whether the restore can no longer be undone."""
    run = RestoreRun.objects.filter(pk=run_id).first()
    if run is None or run.is_active:
        return False
    safety = BackupRun.objects.filter(pk=run.safety_backup).exclude(artifact="").first()
    return safety is None or not (safety.is_kept or safety.keep_until is None)


def _pointed_to(candidates: set[Name]) -> set[Name]:
    """Those of the candidates that some row points to now."""
    if not candidates:
        return set()
    with vault.spool(f"sweep-{timezone.now():%Y%m%d%H%M%S%f}") as spool:
        path = spool.path("locators")
        # COPY has its instant before it opens the tables: one that somebody rewrites just then would
        # seem empty, and all its files unused.
        with snapshot() as view, path.open("wb") as out:
            tables = view.hold(tables_read(), wait_seconds=conf.lock_wait_seconds())
            view.stream_locators(_readings(tables), lambda block: _put(out, block))
        return {name for name in _each_name(path) if name in candidates}


def _names(path: Path) -> set[Name]:
    return set(_each_name(path))


def _each_name(path: Path) -> Iterator[Name]:
    with path.open("rb") as lines:
        for line in lines:
            alias, is_path, value, *_ = msgspec.json.decode(line)
            target = resolve(value, alias, is_path=is_path)
            if isinstance(target, StorageTarget):
                yield target.alias, target.name
