"""Files that are sealed as ours and hold rows that no backup would have written."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from msgspec.structs import replace

from backups.artifact import digest
from backups.artifact.tail import FileHead, Integrity
from backups.artifact.writer import ArtifactWriter
from backups.models import BackupRun
from backups.services import installation, vault
from tests.roundtrip.engine import stored

Change = Callable[[list[bytes]], list[bytes]]


def forged(
    backup: BackupRun,
    target: Path,
    changes: dict[str, Change],
    *,
    locators: Mapping[str, str] = MappingProxyType({}),
    seal: Callable[[str], Integrity] = installation.seal,
) -> Path:
    """The backup written again to ``target`` with other rows, and with digests that agree.

    ``changes`` are by section: each takes the rows, one JSON object each, and gives others.
    ``locators`` are values that locate files, each with another one. ``seal``: ``foreign_seal`` is that of
    another installation.
    """
    with vault.reader(stored(backup)) as reader, target.open("wb") as out:
        writer = ArtifactWriter(out)
        writer.start(reader.manifest)
        for section in reader.sections():
            rows = list(section.rows())
            writer.begin_section(section.head.key)
            for row in changes.get(section.head.key, lambda same: same)(rows):
                writer.rows(row + b"\n")
            writer.end_section()
        writer.begin_files()
        for file in reader.files():
            writer.file(_relocated(file.head, locators), file.content())
        tail = reader.tail()
        writer.finish(
            sequences=tail.sequences,
            altered=tail.altered,
            files=tail.statistics.files,
            seal=seal,
        )
    return target


def foreign_seal(document_digest: str) -> Integrity:
    """As another installation would have signed it."""
    secret = bytes(range(32))
    return Integrity(
        algorithm="sha256",
        digest=document_digest,
        key_id=digest.key_id(secret),
        hmac=digest.sign(secret, document_digest),
    )


def _relocated(head: FileHead, values: Mapping[str, str]) -> FileHead:
    locators = [replace(item, value=values.get(item.value, item.value)) for item in head.locators]
    return replace(head, locators=locators)


def replaced(old: str, new: str, *, row: int) -> Change:
    """Put one text in another's place, in the row with this number, counted from 1."""

    def change(rows: list[bytes]) -> list[bytes]:
        assert old.encode() in rows[row - 1], rows[row - 1]
        return [
            line.replace(old.encode(), new.encode()) if number == row else line
            for number, line in enumerate(rows, start=1)
        ]

    return change
