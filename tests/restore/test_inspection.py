"""Inspecting a file: whole or not, ours or not, every row against the head; without a database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from backups.artifact.manifest import Column, SectionHead
from backups.errors import BackupSystemError
from backups.services import installation
from restore import inspection
from restore.inspection import inspect
from tests.backups.artifact import documents
from tests.backups.artifact.documents import document, embedded

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
    monkeypatch.setattr(inspection, "_check_rows", lambda *_: None)
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
