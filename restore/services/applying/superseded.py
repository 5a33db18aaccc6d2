"""Files that rows pointed to before a restore and point to no more.

They stay until the undo has expired, since the undo's rows will point to them; then they are removed,
if nothing points to them at that time.
"""

import contextlib
import logging
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
from django.utils import timezone

from backups import conf, printed_json
from backups.database import locators
from backups.database.connection import Connection
from backups.database.damage import by_place
from backups.database.introspection import LiveTable
from backups.database.snapshot import snapshot
from backups.database.table_reading import TableReading
from backups.files import private, storage
from backups.files.names import may_be_asked_for
from backups.files.resolve import StorageTarget, resolve
from backups.files.storage import Left
from backups.models import BackupRun
from backups.registry import COMPLETE, registry
from backups.services import auditing, vault
from backups.services.composing import tables_read
from backups.services.obstacles import LeavingOut
from backups.services.sweeping import passed_over, told
from restore.journal import lines_of
from restore.models import RestoreRun

logger = logging.getLogger("backups")

_PREFIX = "superseded-"
# A storage that fails is asked again after an hour, and so many times in all.
AGAIN_AFTER_SECONDS = 3600
TRIES = 24
_FINAL = (Left.BAD_NAME, Left.NO_FILE)


def list_files(
    connection: Connection,
    path: Path,
    without: LeavingOut,
    tables: dict[str, LiveTable],
    *,
    but: Container[str] = (),
) -> None:
    """Write what the rows point to now to ``path``, one locator a line, sorted; ``without`` what cannot
    be read. ``but`` names tables that need not be, as nothing changes there. The connection's transaction has
    a lock on the ``tables``, or rows could be missing."""
    readings = [one for one in _readings(tables, without) if one.table.name not in but]
    with path.open("wb") as out, by_place(connection, readings):
        locators.stream_locators(connection, readings, lambda block: _put(out, block))


def _readings(
    tables: dict[str, LiveTable],
    without: LeavingOut = LeavingOut(),  # noqa: B008
) -> list[TableReading]:
    return without.readings(COMPLETE, tables)


def _put(out: BinaryIO, block: bytes) -> None:
    out.write(block)


def note(run_id: str, before: Path, after: Path, left_alone: Container[str] = ()) -> int:
    """Keep the names that ``before`` lists and ``after`` does not, in which the tables that were
    ``left_alone`` are not. Returns how many."""
    changed = {s.key for s in registry.sections if s.files and s.table not in left_alone}
    if not changed:
        return 0
    gone = set(_each_name(before, changed.__contains__))
    gone -= set(_each_name(after))
    if gone:
        gone -= set(_each_name(before, lambda section: section not in changed))
    gone = {target for target in gone if may_be_asked_for(target.name)}
    if gone:
        _write(_path(run_id), dict.fromkeys(gone, 0))
    return len(gone)


def forget(run_id: str) -> None:
    """The restore did not commit: nothing was superseded."""
    _path(run_id).unlink(missing_ok=True)


def sweep() -> int:
    """Remove the files of expired undos that nothing points to. Returns how many.

    What cannot be removed is logged with its restore. Names that the storage failed to remove are tried
    again later; the others are passed over.
    """
    waiting, expired = set[StorageTarget](), dict[Path, dict[StorageTarget, int]]()
    for path in sorted(vault.folder().glob(f"{_PREFIX}*")):
        # A list that cannot be read may name anything, so that nothing of it can be taken to wait.
        with passed_over("reading the list of files left for its undo", _run_of(path)):
            names = _listed(path)
            if not _is_expired(_run_of(path)):
                waiting |= set(names)
            elif _is_due(path, names):
                expired[path] = names
    candidates = {name for names in expired.values() for name in names} - waiting
    pointed_to = _pointed_to(candidates)
    removed = 0
    for path, names in expired.items():
        with passed_over("removing files left for its undo", _run_of(path)):
            wanted = {n: tries for n, tries in names.items() if n in candidates - pointed_to}
            removed += _remove(path, wanted)
    if expired:
        auditing.audit(auditing.Actor(name="sweep"), "files.superseded", "removed", count=removed)
    return removed


def _remove(path: Path, names: dict[StorageTarget, int]) -> int:
    """Remove the files, and then the list or what is left of it. Returns how many files went."""
    later = dict[StorageTarget, int]()
    removed = 0
    for target, tries in names.items():
        left = storage.delete(target)
        removed += left is None
        if left and left not in _FINAL and tries + 1 < TRIES:
            later[target] = tries + 1
        elif left:
            logger.warning(
                "run %s: a file left for its undo stays, as %s", told(_run_of(path)), left
            )
    if later:
        _write(path, later)
    else:
        path.unlink(missing_ok=True)
    return removed


def _path(run_id: str) -> Path:
    return vault.folder() / f"{_PREFIX}{run_id}"


def _run_of(path: Path) -> str:
    return path.name.removeprefix(_PREFIX)


def _write(path: Path, names: dict[StorageTarget, int]) -> None:
    """One JSON array ``[alias, name]`` a line; a third element counts the tries to remove it."""
    lines = []
    for target, tries in sorted(names.items(), key=lambda item: (item[0].alias, item[0].name)):
        said = [target.alias, target.name, tries] if tries else [target.alias, target.name]
        lines.append(printed_json.compact(said) + "\n")
    private.write(path, "".join(lines).encode())


def _listed(path: Path) -> dict[StorageTarget, int]:
    """The names of a list, each with how often its removal was tried; what is no name is logged."""
    names = dict[StorageTarget, int]()
    for line in lines_of(path):
        with contextlib.suppress(ValueError, TypeError):
            alias, name, *tries = printed_json.parsed(line)
            if isinstance(alias, str) and isinstance(name, str):
                names[StorageTarget(alias, name)] = int(tries[0]) if tries else 0
                continue
        run = told(_run_of(path))
        logger.warning("run %s: a line of the files left for its undo says no name", run)
    return names


def _is_due(path: Path, names: dict[StorageTarget, int]) -> bool:
    """Whether it is time to try: at once, and after a failure an hour later."""
    if not any(names.values()):
        return True
    return timezone.now().timestamp() - path.stat().st_mtime > AGAIN_AFTER_SECONDS


def _is_expired(run_id: str) -> bool:
    """Whether the restore can no longer be undone."""
    run = RestoreRun.objects.filter(pk=run_id).first()
    if run is None or run.is_active:
        return False
    safety = BackupRun.objects.filter(pk=run.safety_backup).exclude(artifact="").first()
    return safety is None or not (safety.is_kept or safety.keep_until is None)


def _pointed_to(candidates: set[StorageTarget]) -> set[StorageTarget]:
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


def _each_name(
    path: Path, of: Callable[[str], bool] = lambda section: True
) -> Iterator[StorageTarget]:
    """``of``: whether names in rows of the section with this key are wanted."""
    with path.open("rb") as lines:
        for line in lines:
            alias, is_path, value, section, *_ = msgspec.json.decode(line)
            if not of(section):
                continue
            target = resolve(value, alias, is_path=is_path)
            if isinstance(target, StorageTarget):
                yield target
