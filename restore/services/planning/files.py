"""What becomes of the files: found out by looking at the storages, without a write."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from backups import conf
from backups.artifact.tail import FileHead
from backups.files import storage
from backups.findings import Finding, Severity
from backups.services import vault
from backups.stages import Stage
from backups.wording import Sentence, _, ngettext
from restore.files import FileFate, Foreseen
from restore.plan import NAMED, Choices, FilesPlan
from restore.services.planning.staging import Prepared
from restore.services.planning.watching import NOBODY, Watch, begin_reading, end_reading

# What a restore needs beside the files themselves: the safety backup, and room to breathe.
_SPARE_BYTES = 64 * 1024 * 1024
_RENAMED = (FileFate.RENAMED, FileFate.UNSURE)
_NEW_NAMES = (*_RENAMED, FileFate.HOSTED)


def plan_files(
    path: Path, prepared: Prepared, watch: Watch = NOBODY, *, host: bool = False
) -> FilesPlan:
    """Look at every locator of the file's entries: the stage ``LOCATING``. The file at ``path`` is read again
    only where its entries could not be kept.

    ``host`` says that files of other servers are to be kept here. Raises ArtifactError, StorageFailure.
    """
    counted = _Counted(Foreseen(host=host))
    for head in _heads(path, prepared, watch):
        watch.check()
        counted.add(head)
    return counted.plan()


def _heads(path: Path, prepared: Prepared, watch: Watch) -> Iterator[FileHead]:
    if prepared.entries is not None:
        end_reading(Stage.LOCATING, watch)
        yield from map(msgspec.json.Decoder(FileHead).decode, prepared.entries)
        return
    begin_reading(Stage.LOCATING, path, watch)
    with vault.reader(path, watch.at) as reader:
        for file in reader.files():
            yield file.head


class _Counted:
    def __init__(self, foreseen: Foreseen) -> None:
        self._foreseen = foreseen
        self._fates = dict.fromkeys(FileFate, 0)
        self._states = dict.fromkeys(("embedded", "gap", "skipped"), 0)
        self._bytes = 0
        self._renamed: list[str] = []
        self._unsure_in: set[str] = set()

    def add(self, head: FileHead) -> None:
        self._states[head.state] += 1
        if head.state != "embedded":
            return
        # All locators that get a new name in one storage get the same.
        new_in: set[str] = set()
        for locator in head.locators:
            fate = self._foreseen.of(locator, head.sha256 or "", head.size_bytes or 0)
            self._fates[fate] += 1
            is_new = fate in _NEW_NAMES and locator.storage not in new_in
            if fate is FileFate.PUT_BACK or is_new:
                self._bytes += head.size_bytes or 0
            if fate is FileFate.UNSURE:
                self._unsure_in.add(locator.storage)
            if fate in _NEW_NAMES:
                new_in.add(locator.storage)
            if fate in _RENAMED and len(self._renamed) < NAMED:
                self._renamed.append(head.name)

    def plan(self) -> FilesPlan:
        fates = self._fates
        return FilesPlan(
            stay=fates[FileFate.STAYS],
            put_back=fates[FileFate.PUT_BACK],
            put_back_bytes=self._bytes,
            renamed=sum(fates[fate] for fate in _RENAMED),
            unsure=fates[FileFate.UNSURE],
            storage_away=any(map(storage.is_away, self._unsure_in)),
            hosted=fates[FileFate.HOSTED],
            elsewhere=fates[FileFate.ELSEWHERE],
            gaps=self._states["gap"],
            skipped=self._states["skipped"],
            renamed_names=tuple(self._renamed),
        )


def findings(prepared: Prepared, files: FilesPlan, choices: Choices) -> list[Finding]:
    """Missing files, and disks that are too full or not to be written to."""
    found = []
    if files.gaps:
        found.append(
            Finding(
                "restore.gaps",
                Severity.WARNING,
                ngettext(
                    "{n} file could not be fetched when the backup was made.",
                    "{n} files could not be fetched when the backup was made.",
                    files.gaps,
                ),
                _("Their rows come back; the files stay as they are, or are missing."),
                count=files.gaps,
            )
        )
    if files.storage_away:
        found.append(_away())
    elif files.unsure:
        found.append(_unsure(files.unsure))
    rows = sum(s.bytes for s in prepared.tail.statistics.sections.values())
    # Without an undo nothing is stored but notes.
    safety = 0 if choices.without_undo else rows
    found += _disk(
        Path(conf.root()), safety + _SPARE_BYTES, _("the backups (for the safety backup)")
    )
    found += _folder(Path(conf.root()))
    folder = storage.folder("default")
    if files.put_back_bytes and folder:
        needed = files.put_back_bytes + _SPARE_BYTES
        found += _disk(folder, needed, _("the uploaded files"))
    return found


def _away() -> Finding:
    return Finding(
        "restore.storage_away",
        Severity.ERROR,
        _("The file storage does not answer, so files could not be put back."),
        _("Check the storage's disk, address and permissions, then plan again."),
    )


def _unsure(count: int) -> Finding:
    return Finding(
        "restore.storage_unsure",
        Severity.WARNING,
        ngettext(
            "Of {n} file the storage did not say whether it is there.",
            "Of {n} files the storage did not say whether they are there.",
            count,
        ),
        _(
            "They get new names, so that nothing is overwritten. Check that the application may read and"
            " list the storage, then plan again."
        ),
        count=count,
    )


def _disk(folder: Path, needed: int, what: Sentence) -> list[Finding]:
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free >= needed:
        return []
    return [
        Finding(
            "restore.disk_space",
            Severity.ERROR,
            _(
                "The disk of {what} has {free} bytes free, and {needed} may be needed.",
                what=what,
                free=free,
                needed=needed,
            ),
            _(
                "Free space on it, then plan again. The safety backup can be done without, if you say so."
            ),
        )
    ]


def _folder(folder: Path) -> list[Finding]:
    """The folder itself is made at first need, so that of one that is not there its parent counts."""
    while not folder.exists():
        folder = folder.parent
    if os.access(folder, os.W_OK | os.X_OK):
        return []
    return [
        Finding(
            "restore.not_writable",
            Severity.ERROR,
            _("The folder of the backups cannot be written to, so no safety backup could be made."),
            _("Let the application write to BACKUPS_ROOT, then plan again."),
        )
    ]
