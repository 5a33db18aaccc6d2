"""What becomes of the files: found out by looking at the storages, without a write."""

import os
import shutil
from pathlib import Path

from django.core.files.storage import FileSystemStorage

from backups import conf
from backups.findings import Finding, Severity
from backups.registry.named_storages import storages
from backups.services import vault
from backups.stages import Stage
from backups.wording import Sentence, _, ngettext
from restore.files import Foreseen, What
from restore.plan import NAMED, Choices, FilesPlan
from restore.services.planning.staging import Prepared
from restore.services.planning.watching import NOBODY, Watch, begin_reading

# What a restore needs beside the files themselves: the safety backup, and room to breathe.
_SPARE_BYTES = 64 * 1024 * 1024


def plan_files(path: Path, watch: Watch = NOBODY) -> FilesPlan:
    """Look at every locator of the file's entries: the stage ``LOCATING``.

    Raises ArtifactError, StorageFailure.
    """
    begin_reading(Stage.LOCATING, path, watch)
    foreseen, counts = Foreseen(), dict.fromkeys(What, 0)
    size, gaps, skipped = 0, 0, 0
    renamed: list[str] = []
    with vault.reader(path, watch.at) as reader:
        for file in reader.files():
            watch.check()
            gaps += file.head.state == "gap"
            skipped += file.head.state == "skipped"
            if file.head.state != "embedded":
                continue
            renamed_in: set[str] = set()
            for locator in file.head.locators:
                what = foreseen.of(locator, file.head.sha256 or "", file.head.size_bytes or 0)
                counts[what] += 1
                # All locators that get a new name in one storage get the same.
                if what is What.PUT_BACK or (
                    what is What.RENAMED and locator.storage not in renamed_in
                ):
                    size += file.head.size_bytes or 0
                if what is What.RENAMED:
                    renamed_in.add(locator.storage)
                if what is What.RENAMED and len(renamed) < NAMED:
                    renamed.append(file.head.name)
    return FilesPlan(
        stay=counts[What.STAYS],
        put_back=counts[What.PUT_BACK],
        put_back_bytes=size,
        renamed=counts[What.RENAMED],
        elsewhere=counts[What.ELSEWHERE],
        gaps=gaps,
        skipped=skipped,
        renamed_names=tuple(renamed),
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
    rows = sum(s.bytes for s in prepared.tail.statistics.sections.values())
    # Without an undo nothing is stored but notes.
    safety = 0 if choices.without_undo else rows
    found += _disk(
        Path(conf.root()), safety + _SPARE_BYTES, _("the backups (for the safety backup)")
    )
    found += _folder(Path(conf.root()))
    storage = storages["default"]
    if files.put_back_bytes and isinstance(storage, FileSystemStorage):
        needed = files.put_back_bytes + _SPARE_BYTES
        found += _disk(Path(storage.location), needed, _("the uploaded files"))
    return found


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
