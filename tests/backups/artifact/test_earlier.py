"""Files of the earlier system are recognised by their head, and by nothing less."""

import gzip
import io
import json

import pytest

from backups.artifact import codecs
from backups.artifact.earlier import LONGEST, head_of
from backups.artifact.reader import ArtifactReader
from backups.errors import ArtifactError

TABLES = {"organizations": [{"id": "a", "version": "9"}], "users": [], "projects": []}
COMPLETE = {
    "version": "3.0",
    "type": "complete",
    "timestamp": "2025-10-30T09:15:00.000Z",
    "created_by": {"id": "x", "email": "noa@studio.example"},
    "data": TABLES,
}


def refused(document: dict, *, indent: int | None = None, packed: bool = False) -> ArtifactError:
    plain = json.dumps(document, indent=indent).encode()
    stored = io.BytesIO(gzip.compress(plain) if packed else plain)
    with pytest.raises(ArtifactError) as error:
        ArtifactReader(codecs.open_document(stored, limit_bytes=1 << 30), line_limit_bytes=1 << 28)
    return error.value


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("packed", [False, True])
def test_it_is_told_what_it_is_when_and_by_whom(indent, packed):
    error = refused(COMPLETE, indent=indent, packed=packed)
    assert error.code == "artifact.earlier"
    for word in ("Complete", "version 3.0", "2025-10-30T09:15", "noa@studio.example"):
        assert word in error.message
    assert "cannot be imported here yet" in error.hint and "Keep the file" in error.hint


@pytest.mark.parametrize(
    ("document", "version", "by"),
    [
        (
            {"version": "1.0", "exportedAt": "2024-01-02", "exportedBy": "Noa"} | TABLES,
            "1.0",
            "Noa",
        ),
        ({"version": "2.0", "backup_type": "safe", "date": "2024", "data": TABLES}, "2.0", ""),
        (
            {"version": 2, "metadata": {"createdAt": "2024", "user": {"name": "Noa"}}} | TABLES,
            "2.0",
            "Noa",
        ),
    ],
)
def test_each_version_is_known_however_it_names_things(document, version, by):
    head = head_of(json.dumps(document).encode())
    assert (head.version, head.by, head.made[:4]) == (version, by, document.get("date", "2024")[:4])
    assert refused(document).code == "artifact.earlier"


def test_what_the_file_says_is_shown_on_one_short_line():
    head = head_of(json.dumps(COMPLETE | {"created_by": "a\nb\x1b[2J" + "x" * 500}).encode())
    assert head.by.startswith("a b [2J") and len(head.by) == LONGEST


@pytest.mark.parametrize(
    "document",
    [
        {"version": "3.0"},
        {"version": "4.0", "data": TABLES},
        {"version": "3.0", "data": {"rows": []}},
        {"other": {"version": "3.0"}, "data": TABLES},
        {"data": TABLES, "version": "3.0"},
        {"format": "backupsvc/1", "version": "3.0", "data": TABLES},
        {"version": "3.0", "text": '"organizations": [', "items": []},
    ],
)
def test_other_documents_are_not_taken_for_one(document):
    assert head_of(json.dumps(document).encode()) is None


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"{",
        b'{"version',
        b'{"version": ',
        b"[" * 99999,
        b'\xff{"a"',
        b'{"version": "3.0", "x": ' + b"[" * 99999,
    ],
)
def test_a_stump_is_not_taken_for_one(start):
    assert head_of(start) is None


def test_windows_line_ends_are_told_as_what_they_are():
    plain = b'{"format":"backupsvc/1","type":"safe",\r\n"data": {\r\n}}\r\n'
    with pytest.raises(ArtifactError) as error:
        ArtifactReader(
            codecs.open_document(io.BytesIO(plain), limit_bytes=1 << 20), line_limit_bytes=1 << 20
        )
    assert (error.value.code, "CR LF" in error.value.message) == ("artifact.layout", True)
