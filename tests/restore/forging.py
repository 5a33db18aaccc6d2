"""Files that somebody else made, written without the engine's own writer: by hand, from the format's
description alone, and sealed with another key or with ours."""

import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zstandard
from django.conf import settings

FOREIGN_KEY = bytes(range(32))

Row = dict[str, Any]


class Document:
    """An artifact taken apart: ``head`` is the manifest, ``rows`` each section's lines, ``files``
    what stands behind the brace that opens that member."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as stored:
            text = zstandard.ZstdDecompressor().stream_reader(stored).read()
        head, rest = text.split(b',\n"data": {\n', 1)
        data, tail = rest.split(b'\n},\n"files": {', 1)
        self.head = json.loads(head + b"}")
        self.rows: dict[str, list[bytes]] = {}
        for section in data.split(b"\n],\n") if data else []:
            key, *lines = section.removesuffix(b"\n]").split(b"\n")
            self.rows[json.loads(key.split(b":")[0])] = [line.rstrip(b",") for line in lines]
        members = tail.split(b"\n")
        end = next(i for i, m in enumerate(members) if m.startswith(b'"sequences": '))
        self.files = b"\n".join(members[:end])
        self._middle = b"\n".join(members[end : end + 2])
        self.statistics = json.loads(members[end + 2].removeprefix(b'"statistics": ').rstrip(b","))

    def section(self, key: str) -> Row:
        return next(s for s in self.head["sections"] if s["key"] == key)

    def read(self, key: str) -> list[Row]:
        return [json.loads(line) for line in self.rows[key]]

    def change(self, key: str, change: Callable[[Row], object]) -> None:
        """``change`` edits a row; only those that it really edits are written anew."""
        for number, line in enumerate(self.rows[key]):
            row = json.loads(line)
            change(row)
            if row != json.loads(line):
                self.rows[key][number] = encoded(row)

    def change_first(self, key: str, **cells: Any) -> Row:
        """Set cells of the section's first row. Returns the row as it was."""
        was: Row = json.loads(self.rows[key][0])
        self.rows[key][0] = encoded(was | cells)
        return was

    def remove_section(self, key: str) -> None:
        self.head["sections"] = [s for s in self.head["sections"] if s["key"] != key]
        del self.rows[key]
        del self.statistics["sections"][key]

    def drop_column(self, key: str, column: str) -> None:
        section = self.section(key)
        section["columns"] = [c for c in section["columns"] if c["name"] != column]
        self.change(key, lambda row: row.pop(column, None))

    def add_column(self, key: str, name: str, type_: str, value: Any) -> None:
        self.section(key)["columns"].append({"name": name, "type": type_, "encoding": "native"})
        self.change(key, lambda row: row.update({name: value}))

    def write(self, path: Path, key: bytes) -> Path:
        parts = []
        for name, lines in self.rows.items():
            body = b",\n".join(lines)
            parts.append(
                json.dumps(name).encode() + b": [" + (b"\n" + body if lines else b"") + b"\n]"
            )
            whole = b"".join(line + b"\n" for line in lines)
            self.statistics["sections"][name] = {
                "rows": len(lines),
                "bytes": len(whole),
                "sha256": hashlib.sha256(whole).hexdigest(),
            }
        self.statistics["rows"] = sum(map(len, self.rows.values()))
        document = (
            json.dumps(self.head, separators=(",", ":"), ensure_ascii=False).encode()[:-1]
            + b',\n"data": {\n' + b",\n".join(parts) + b'\n},\n"files": {' + self.files + b"\n"
            + self._middle + b'\n"statistics": '
            + json.dumps(self.statistics, separators=(",", ":")).encode() + b",\n"
        )  # fmt: skip
        path.write_bytes(document + b'"integrity": ' + _seal(document, key) + b"}\n")
        return path


def encoded(row: Row) -> bytes:
    return json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode()


def _seal(document: bytes, key: bytes) -> bytes:
    digest = hashlib.sha256(document).hexdigest()
    signature = hmac.new(key, f"backupsvc/1\n{digest}".encode(), hashlib.sha256).hexdigest()
    name = hashlib.sha256(b"key id\0" + key).hexdigest()[:16]
    seal = {"algorithm": "sha256", "digest": digest, "key_id": name, "hmac": signature}
    return json.dumps(seal, separators=(",", ":")).encode()


def foreign(
    source: Path, target: Path, edit: Callable[[Document], object] = lambda d: None
) -> Path:
    """The file as another installation would have made it, with the edits that somebody made."""
    return _forged(source, target, edit, FOREIGN_KEY)


def ours(source: Path, target: Path, edit: Callable[[Document], object]) -> Path:
    """A file that this installation itself would have made from other rows."""
    return _forged(source, target, edit, bytes.fromhex(Path(settings.BACKUPS_KEY_FILE).read_text()))


def _forged(source: Path, target: Path, edit: Callable[[Document], object], key: bytes) -> Path:
    document = Document(source)
    edit(document)
    return document.write(target, key)
