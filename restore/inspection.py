"""Reading an artifact end to end without touching the database: is it whole, ours, well formed?"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backups.artifact.checking import BlockCheck
from backups.artifact.manifest import Manifest, SectionHead
from backups.artifact.reader import ArtifactReader, SectionReader, Tail
from backups.artifact.rows import RowCodec
from backups.errors import ArtifactError, BackupSystemError
from backups.registry import Counted, counted
from backups.services import installation, recovery_kit, vault
from backups.services.recovery_kit import RecoveryKit
from backups.wording import _

Check = Callable[[], None]


@dataclass(frozen=True)
class Inspection:
    """What a sound file is. ``authentic``: made by this installation, or (``by_kit``) by the one whose
    recovery kit was given, and not changed since."""

    manifest: Manifest
    tail: Tail
    authentic: bool
    document_bytes: int
    by_kit: bool = False

    @property
    def counted(self) -> Counted:
        """What it holds, as people count."""
        return counted({key: one.rows for key, one in self.tail.statistics.sections.items()})

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
            "by_kit": self.by_kit,
            "bytes": self.document_bytes,
            **vars(self.counted),
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


def inspect(
    path: Path, check: Check = lambda: None, *, kit: RecoveryKit | None = None
) -> Inspection:
    """Read the whole file: digests, structure, every file's hash; and every row against its declared types,
    but where the file is authentic. Then the digest says of all rows that they are what was printed for it,
    and the first ones of each section are looked at.

    ``check`` is called for each block and may raise to stop.

    Raises:
        ArtifactError: the file is not sound, or the kit is another installation's; nothing was written
            anywhere.
        StorageFailure: it cannot be read.
    """
    found, problem, all_rows = _read(path, check, kit, all_rows=False)
    if not (found.authentic or all_rows):
        found, problem, _all = _read(path, check, kit, all_rows=True)
    if problem:
        raise problem
    return found


def _read(
    path: Path, check: Check, kit: RecoveryKit | None, *, all_rows: bool
) -> tuple[Inspection, ArtifactError | None, bool]:
    """What the file is, what is wrong with the first odd row, and whether all rows were looked at: those of a
    file that names no key that we know are in any case. Raises ArtifactError."""
    with vault.reader(path) as reader:
        recovery_kit.require_of(kit, reader.manifest.installation)
        all_rows = all_rows or not _names_a_known_key(reader.manifest, kit)
        problem: ArtifactError | None = None
        for section in reader.sections():
            problem = problem or _look_at_rows(section, check, first_ones=not all_rows)
        # The digest speaks first: in a damaged file a row's odd form is only a symptom.
        return _read_on(reader, check, kit), problem, all_rows


def _names_a_known_key(manifest: Manifest, kit: RecoveryKit | None) -> bool:
    """Only the end of the file shows whether it was made with that."""
    return manifest.installation in (*installation.names(), *(kit.names if kit else ()))


def _read_on(reader: ArtifactReader, check: Check, kit: RecoveryKit | None) -> Inspection:
    """Behind the rows. Raises ArtifactError."""
    for file in reader.files():
        for _block in file.content():
            check()
    tail = reader.tail()
    recovery_kit.require_of(kit, tail.integrity.key_id or reader.manifest.installation)
    ours = installation.is_ours(tail.integrity)
    by_kit = not ours and kit is not None and kit.signed(tail.integrity)
    return Inspection(
        manifest=reader.manifest,
        tail=tail,
        authentic=ours or by_kit,
        by_kit=by_kit,
        document_bytes=reader.document_bytes,
    )


def _look_at_rows(
    section: SectionReader, check: Check, *, first_ones: bool
) -> ArtifactError | None:
    """What is wrong with the first row that does not have its declared form, or None. ``first_ones``: only
    those of the first block are looked at."""
    together, each = BlockCheck(section.head), RowCodec(section.head)
    before = 0
    for block in section.blocks():
        check()
        if wrong := _first_odd_row(together, each, block):
            return at_row(wrong[1], section.head, before + wrong[0])
        before += block.count(b"\n")
        if first_ones:
            break
    for _passed in section.passed():
        check()
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
