"""Inspecting a file: whole or not, ours or not, every row against the head; without a database."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from backups.artifact.manifest import Column, SectionHead
from backups.errors import BackupSystemError
from backups.services import installation, vault
from restore import inspection
from restore.inspection import inspect
from tests.backups.artifact import documents
from tests.backups.artifact.documents import document, embedded, head

ROWS = {"people": [b'{"id":"1","name":"Noa"}', b'{"id":"2","name":"Zo"}'], "rooms": []}
CONTENT = b"PNG" * 1000
SEAL_OF_ANOTHER = documents.seal
# A section that was left at its odd row is counted anew from there.


@pytest.fixture(autouse=True)
def our_key(settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Documents are sealed as this installation seals them; nobody asks the database."""
    settings.BACKUPS_KEY_FILE = tmp_path / "installation.key"
    monkeypatch.setattr(documents, "seal", installation.seal)
    monkeypatch.setattr(connection, "connect", None)
    yield


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "artifact.json"
    path.write_bytes(document(ROWS, files=[embedded(CONTENT, "a.png")]))
    return path


def code_of(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    with pytest.raises(BackupSystemError) as refused:
        inspect(file)
    assert refused.value.hint
    return refused.value.code


def test_a_whole_file_is_sound_and_ours(file: Path):
    found = inspect(file)
    assert found.authentic
    assert found.document_bytes == file.stat().st_size
    facts = found.as_dict()
    assert (facts["sound"], facts["type"], facts["rows"]) == (True, "complete", 2)
    assert [section["key"] for section in facts["sections"]] == ["people", "rooms"]
    assert facts["files"]["embedded_bytes"] == len(CONTENT)


def test_a_file_of_another_installation_is_sound_and_not_ours(file: Path, settings, tmp_path):
    settings.BACKUPS_KEY_FILE = tmp_path / "another.key"
    assert not inspect(file).authentic


def test_a_file_that_somebody_wrote_with_a_digest_of_his_own_is_not_ours(
    file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(documents, "seal", SEAL_OF_ANOTHER)
    file.write_bytes(document(ROWS))
    assert not inspect(file).authentic


def test_a_flipped_bit_and_a_missing_end_are_refused(file: Path):
    whole = file.read_bytes()
    assert code_of(file, whole.replace(b"Noa", b"Eve")) == "artifact.damaged"
    assert code_of(file, whole[:-100]) == "artifact.truncated"


def test_a_row_that_is_not_as_the_head_says_is_named_by_section_and_number(file: Path):
    file.write_bytes(document({"people": [*ROWS["people"], b'{"id":3,"name":"s3cret"}']}))
    with pytest.raises(BackupSystemError) as refused:
        inspect(file)
    assert refused.value.code == "artifact.row"
    assert "section people" in refused.value.message
    assert "row 3" in refused.value.message
    assert "s3cret" not in refused.value.message


def test_of_a_damaged_file_with_an_odd_row_the_damage_is_said(file: Path):
    odd = document({"people": [b'{"id":3,"name":"Noa"}']})
    assert code_of(file, odd.replace(b"Noa", b"Eve")) == "artifact.damaged"


def test_only_the_first_odd_row_is_looked_for(file: Path):
    file.write_bytes(document({"people": [b'{"id":1}', b"{}"], "rooms": [b"[]"]}))
    with pytest.raises(BackupSystemError, match="section people, row 1"):
        inspect(file)


def test_without_the_look_at_rows_an_odd_one_would_pass(
    file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(inspection, "_look_at_rows", lambda *_, **__: None)
    file.write_bytes(document({"people": [b'{"id":3,"name":"x"}']}))
    assert inspect(file).authentic


def test_who_asked_is_asked_often_and_may_stop_it(file: Path):
    class Enough(Exception):
        pass

    def enough() -> None:
        raise Enough

    with pytest.raises(Enough):
        inspect(file, enough)


def test_every_type_that_the_head_declares_is_looked_at(file: Path):
    head = SectionHead("n", "app_n", ("id",), (Column("id", "smallint", "native"),))
    assert code_of(file, document({"n": [b'{"id":40000}']}, heads=[head])) == "artifact.row"


def test_a_file_that_is_not_there_is_unreadable(tmp_path: Path):
    with pytest.raises(BackupSystemError) as refused:
        inspect(tmp_path / "nothing")
    assert refused.value.code == "storage.unreadable"


# How often a file is read, and which of its rows are looked at.

MANY = [b'{"id":"%d","name":"Noa"}' % number for number in range(20_000)]


@pytest.fixture
def read_bytes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes of files were read in all."""
    read = [0]
    opened = vault.reading.opened

    class Counting:
        def __init__(self, stored: Any) -> None:
            self._stored = stored

        def read(self, size: int = -1) -> bytes:
            block: bytes = self._stored.read(size)
            read[0] += len(block)
            return block

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stored, name)

    @contextlib.contextmanager
    def counted(*given: Any) -> Iterator[Any]:
        with opened(*given) as stored:
            yield Counting(stored)

    monkeypatch.setattr(vault.reading, "opened", counted)
    return read


def passes(file: Path, read: list[int]) -> float:
    read[0] = 0
    inspect(file)
    return round(read[0] / file.stat().st_size, 2)


@pytest.fixture
def named_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The head of each document names a key that this installation has."""
    named = documents.manifest(head("people")).installation
    monkeypatch.setattr(installation, "names", lambda: [named])


def test_a_file_is_read_once_be_it_ours_or_not(file: Path, read_bytes, monkeypatch, named_ours):
    file.write_bytes(document({"people": MANY}))
    assert passes(file, read_bytes) == 1
    monkeypatch.setattr(documents, "seal", SEAL_OF_ANOTHER)
    monkeypatch.setattr(installation, "names", lambda: ["another"])
    file.write_bytes(document({"people": MANY}))
    assert passes(file, read_bytes) == 1


def test_one_that_only_says_to_be_ours_is_read_again_for_its_rows(
    file: Path, read_bytes, monkeypatch, named_ours
):
    monkeypatch.setattr(documents, "seal", SEAL_OF_ANOTHER)
    file.write_bytes(document({"people": MANY}))
    assert passes(file, read_bytes) == 2
    for rows in ([*MANY, b'{"id":1}'], [b'{"id":1}', *MANY]):
        assert code_of(file, document({"people": rows})) == "artifact.row"


def test_every_row_is_looked_at_of_what_others_made(file: Path, monkeypatch):
    monkeypatch.setattr(documents, "seal", SEAL_OF_ANOTHER)
    for rows in ([*MANY, b'{"id":1}'], [b'{"id":1}', *MANY]):
        assert code_of(file, document({"people": rows})) == "artifact.row"


def test_of_what_was_made_here_the_first_rows_of_each_section_are(file: Path, named_ours):
    for sections in ({"people": [b'{"id":1}', *MANY]}, {"people": MANY, "rooms": [b'{"id":1}']}):
        assert code_of(file, document(sections)) == "artifact.row"


def test_of_what_was_made_here_the_digest_speaks_for_the_others(
    file: Path, monkeypatch, named_ours
):
    """Sealed with our key, so that nobody but us can have written it; a plan decodes every row."""
    file.write_bytes(document({"people": [*MANY, b'{"id":1}']}))
    assert inspect(file).authentic
    whole = document({"people": MANY, "rooms": []})
    last = MANY[-1]
    assert code_of(file, whole.replace(last, last.replace(b"Noa", b"Eve"))) == "artifact.damaged"
    assert code_of(file, whole[: whole.index(last)]) == "artifact.truncated"
