"""Artifacts as another version or another installation would have written them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from backups.artifact import digest
from backups.artifact.manifest import SectionHead
from backups.artifact.tail import FileHead, Integrity
from backups.artifact.writer import ArtifactWriter
from backups.services import installation, vault

Row = dict[str, Any]
ChangeHead = Callable[[SectionHead], SectionHead]
ChangeRow = Callable[[str, Row], Row]


def rewrite(
    source: Path,
    target: Path,
    *,
    head: ChangeHead = lambda head: head,
    row: ChangeRow = lambda key, row: row,
    signed_with: bytes | None = None,
) -> Path:
    """Write ``source`` again with changed heads and rows, whole and sealed."""
    secret = signed_with or installation.key()
    with target.open("wb") as out, vault.reader(source) as reader:
        writer = ArtifactWriter(out)
        heads = tuple(head(section) for section in reader.manifest.sections)
        writer.start(msgspec.structs.replace(reader.manifest, sections=heads))
        for section, new in zip(reader.sections(), heads, strict=True):
            writer.begin_section(new.key)
            for line in section.rows():
                writer.rows(_line(row(section.head.key, json.loads(line)), section.head))
            writer.end_section()
        writer.begin_files()
        for file in reader.files():
            kept: FileHead = file.head
            writer.file(kept, file.content())
        tail = reader.tail()
        writer.finish(
            sequences=tail.sequences,
            altered=tail.altered,
            files=tail.statistics.files,
            seal=lambda value: Integrity(
                "sha256", value, digest.key_id(secret), digest.sign(secret, value)
            ),
        )
    return target


def _line(row: Row, head: SectionHead) -> bytes:
    """As PostgreSQL prints a row: embedded JSON with blanks, all else without."""
    embedded = {column.name for column in head.columns if column.encoding == "json"}
    cells = [
        json.dumps(name)
        + ":"
        + json.dumps(
            cell, ensure_ascii=False, separators=(", ", ": ") if name in embedded else (",", ":")
        )
        for name, cell in row.items()
    ]
    return ("{" + ",".join(cells) + "}\n").encode()
