"""A second reader of artifacts, written from the format's description alone.

It imports nothing of the engine and takes the whole document into memory: slow, simple, strict.
"""

import base64
import hashlib
import json
from typing import Any


class NotAsDescribed(Exception):
    """The document differs from the description."""


def read(document: bytes) -> dict[str, Any]:
    """The document as a general JSON parser sees it, after checking all that it says of itself."""
    parsed = json.loads(
        document.decode("utf-8"), object_pairs_hook=_without_twins, parse_constant=_no_constant
    )
    _require(parsed["format"] == "backupsvc/1", "format")
    _require(parsed["type"] in {"safe", "complete"}, "type")
    _check_digest(document, parsed["integrity"])
    _check_sections(document, parsed)
    _check_files(parsed)
    return dict(parsed)


def _check_digest(document: bytes, integrity: dict[str, str]) -> None:
    """It covers every byte before the member."""
    start = document.rindex(b'"integrity":')
    _require(integrity["algorithm"] == "sha256", "algorithm")
    _require(integrity["digest"] == hashlib.sha256(document[:start]).hexdigest(), "digest")


def _check_sections(document: bytes, parsed: dict[str, Any]) -> None:
    heads = parsed["sections"]
    keys = [head["key"] for head in heads]
    _require(list(parsed["data"]) == keys, "order of the sections")
    _require(list(parsed["statistics"]["sections"]) == keys, "statistics of the sections")
    lines = iter(document.split(b"\n"))
    _skip_to(lines, b'"data": {')
    for head in heads:
        rows = parsed["data"][head["key"]]
        said = parsed["statistics"]["sections"][head["key"]]
        _require(said["rows"] == len(rows), f"count of {head['key']}")
        _skip_to(lines, json.dumps(head["key"], ensure_ascii=False).encode() + b": [")
        digest = hashlib.sha256()
        for _ in rows:
            digest.update(next(lines).removesuffix(b",") + b"\n")
        _require(digest.hexdigest() == said["sha256"], f"digest of {head['key']}")
        for row in rows:
            _check_row(head, row)
    total = sum(len(rows) for rows in parsed["data"].values())
    _require(parsed["statistics"]["rows"] == total, "count of all rows")


def _skip_to(lines: Any, wanted: bytes) -> None:
    """An empty section has no line of a row, or an empty one."""
    for line in lines:
        if line == wanted:
            return
    raise NotAsDescribed(f"line {wanted!r}")


def _check_row(head: dict[str, Any], row: dict[str, Any]) -> None:
    columns = {column["name"]: column["encoding"] for column in head["columns"]}
    _require(row.keys() <= columns.keys(), f"columns of {head['key']}")
    _require(not row.keys() & set(head["redacted"]), f"redacted columns of {head['key']}")
    for name, encoding in columns.items():
        if encoding == "json":
            continue  # an absent key is SQL NULL
        _require(name in row, f"{name} of {head['key']}")
        value = row[name]
        plain = value is None or isinstance(value, str)
        _require(plain or encoding == "native", f"{name} of {head['key']}")


def _check_files(parsed: dict[str, Any]) -> None:
    embedded = [f for f in parsed["files"].values() if f["state"] == "embedded"]
    for file in embedded:
        content = base64.b64decode(file["content"], validate=True)
        _require(len(content) == file["size_bytes"], f"size of {file['name']}")
        _require(hashlib.sha256(content).hexdigest() == file["sha256"], f"hash of {file['name']}")
    said = parsed["statistics"]["files"]
    _require(said["embedded"] == len(embedded), "count of files")
    _require(said["embedded_bytes"] == sum(f["size_bytes"] for f in embedded), "size of files")
    _require(len({f["sha256"] for f in embedded}) == len(embedded), "equal bytes stored once")
    _require(list(parsed["files"]) == [str(n + 1) for n in range(len(parsed["files"]))], "numbers")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    _require(len(members) == len(pairs), "a name stands twice in an object")
    return members


def _no_constant(name: str) -> None:
    raise NotAsDescribed(f"{name} is not JSON")


def _require(truth: bool, what: str) -> None:
    if not truth:
        raise NotAsDescribed(what)
