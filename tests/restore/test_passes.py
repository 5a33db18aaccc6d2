"""How often a file is read: beside the database, passes cost most of what a plan or a restore costs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from backups.errors import ArtifactError
from backups.services import vault
from backups.services.vault import reading
from restore.services.planning import staging
from tests.restore.steps import plan_as, refusal, restore_as
from tests.restore.tables import changed_tables, rows_of_database


@pytest.fixture
def passes(monkeypatch) -> Callable[[Path], int]:
    """How often the file was opened to be read."""
    opened: list[Path] = []
    open_file = reading.opened

    @contextmanager
    def counted(path: Path, at: Callable[[int], None] | None = None) -> Iterator[BinaryIO]:
        opened.append(path)
        with open_file(path, at) as stored:
            yield stored

    monkeypatch.setattr(reading, "opened", counted)
    return opened.count


def test_a_plan_reads_the_file_once(studio, passes) -> None:
    plan_as(studio.complete)
    assert passes(studio.complete) == 1


def test_a_restore_reads_it_once_more_for_the_files(studio, passes) -> None:
    restore_as(studio.complete)
    assert passes(studio.complete) == 2


def test_where_the_entries_are_too_many_they_are_read_again(studio, passes, monkeypatch) -> None:
    known = plan_as(studio.complete)
    monkeypatch.setattr(staging, "MOST_BYTES_OF_ENTRIES", 10)
    assert plan_as(studio.complete).files == known.files
    assert passes(studio.complete) == 3


def test_going_to_the_files_gives_what_reading_all_gives(studio) -> None:
    with vault.reader(studio.complete) as reader:
        heads = [file.head for file in reader.files()]
        tail, place = reader.tail(), reader.files_at
    with vault.reader(studio.complete) as reader:
        reader.skip_sections(place, tail.statistics.sections)
        assert [file.head for file in reader.files()] == heads and heads
        assert reader.tail() == tail


def test_a_row_that_changed_meanwhile_is_noticed_behind_the_files(studio, tmp_path) -> None:
    with vault.reader(studio.complete) as reader:
        tail, place = reader.tail(), reader.files_at
    changed = tmp_path / "changed.json"
    with vault.opened(studio.complete) as stored:
        plain = vault.open_plain(stored)
        document = b"".join(iter(lambda: plain.read(1 << 20), b""))
    row = document.index(b'"id":"', document.index(b'"data": {')) + 6
    changed.write_bytes(document[:row] + b"?" + document[row + 1 :])
    with vault.reader(changed) as reader, pytest.raises(ArtifactError) as refused:
        reader.skip_sections(place, tail.statistics.sections)
        reader.tail()
    assert refused.value.code == "artifact.damaged"


def test_a_file_that_is_exchanged_after_it_was_read_is_refused(studio, monkeypatch) -> None:
    """A Safe file in its place: its head is another already."""
    before, path = rows_of_database(), studio.complete
    content, other = path.read_bytes(), studio.safe.read_bytes()
    prepare = staging.prepare

    def and_exchange(*args, **kwargs):
        prepared = prepare(*args, **kwargs)
        path.write_bytes(other)
        return prepared

    monkeypatch.setattr("restore.services.applying.applying.prepare", and_exchange)
    try:
        assert refusal(path) == "artifact.changed"
    finally:
        path.write_bytes(content)
    assert changed_tables(before, rows_of_database()) == {}
