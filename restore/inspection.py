"""Reading an artifact end to end without touching the database: is it whole, ours, well formed?"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backups.artifact.checking import BlockCheck
from backups.artifact.manifest import Manifest, SectionHead
from backups.artifact.reader import SectionReader, Tail
from backups.artifact.rows import RowCodec
from backups.errors import ArtifactError, BackupSystemError
from backups.services import installation, vault
from backups.wording import _

Check = Callable[[], None]


@dataclass(frozen=True)
class Inspection:
    """What a sound file is. ``authentic``: made by this installation and not changed since."""

    manifest: Manifest
    tail: Tail
    authentic: bool
    document_bytes: int

    def as_dict(self) -> dict[str, Any]:
        statistics = self.tail.statistics
        return {
            "sound": True,
            "format": self.manifest.format,
            "type": self.manifest.type,
            "created_at": self.manifest.created_at,
            "created_by": self.manifest.created_by.name,
            "installation": self.manifest.installation,
            "authentic": self.authentic,
            "bytes": self.document_bytes,
            "rows": statistics.rows,
            "sections": [
                {
                    "key": head.key,
                    "table": head.table,
                    "rows": statistics.sections[head.key].rows,
                    "sha256": statistics.sections[head.key].sha256,
                    "redacted": list(head.redacted),
                }
                for head in self.manifest.sections
            ],
            "files": {
                "locators": statistics.files.locators,
                "embedded": statistics.files.embedded,
                "embedded_bytes": statistics.files.embedded_bytes,
                "skipped": statistics.files.skipped,
                "gaps": statistics.files.gaps,
                "not_included": statistics.files.not_included,
            },
            "digest": self.tail.integrity.digest,
            "findings": [],
        }


def inspect(path: Path, check: Check = lambda: None) -> Inspection:
    """Read the whole file: digest, structure, counts, every file's hash; every row against its declared
    types, but of a file that this installation signed only the first ones of each section.

    ``check`` is called for each block and may raise to stop.

    Raises:
        ArtifactError: the file is not sound; nothing was written anywhere.
        StorageFailure: it cannot be read.
    """
    found, looked_at_all = _read(path, check, every_row=False)
    if found.authentic or looked_at_all:
        return found
    return _read(path, check, every_row=True)[0]


def _read(path: Path, check: Check, *, every_row: bool) -> tuple[Inspection, bool]:
    """Also whether every row was looked at, as it is where the file itself says that it is not ours."""
    with vault.reader(path) as reader:
        every_row = every_row or reader.manifest.installation != installation.name()
        problem: ArtifactError | None = None
        for section in reader.sections():
            problem = problem or _check_rows(section, check, every_row)
        for file in reader.files():
            for _ in file.content():
                check()
        # The digest speaks first: in a damaged file a row's odd form is only a symptom.
        tail = reader.tail()
        if problem:
            raise problem
        found = Inspection(
            manifest=reader.manifest,
            tail=tail,
            authentic=installation.is_ours(tail.integrity),
            document_bytes=reader.document_bytes,
        )
        return found, every_row


def _check_rows(section: SectionReader, check: Check, every_row: bool) -> ArtifactError | None:
    """The first row that does not have its declared form, or None. Without ``every_row`` those of the
    section's first block are looked at: what our own writer did wrong, it would do from the first row on."""
    together, each = BlockCheck(section.head), RowCodec(section.head)
    before = 0
    for block in section.blocks():
        check()
        if every_row or not before:
            wrong = _first_odd_row(together, each, block)
            if wrong:
                return at_row(wrong[1], section.head, before + wrong[0])
        before += block.count(b"\n")
    return None


def _first_odd_row(
    together: BlockCheck, each: RowCodec, block: bytes
) -> tuple[int, ArtifactError] | None:
    if together.is_sound(block):
        return None
    for number, row in enumerate(block[:-1].split(b"\n"), start=1):
        try:
            each.cells(row)
        except ArtifactError as error:
            return number, error
    return None


def at_row(error: ArtifactError, head: SectionHead, number: int) -> ArtifactError:
    """The same error, saying which row of which section."""
    message = _(
        "{problem} (section {section}, row {row})",
        problem=error.message,
        section=head.key,
        row=number,
    )
    return ArtifactError(error.code, message, hint=error.hint)


def unsound(error: BackupSystemError) -> dict[str, Any]:
    """The JSON form of a refusal."""
    return {
        "sound": False,
        "findings": [
            {
                "code": error.code,
                "severity": "error",
                "message": str(error.message),
                "hint": str(error.hint),
            }
        ],
    }
