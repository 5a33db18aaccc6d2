"""Writer and reader against each other: what was written is read, whatever the blocks were."""

import json
from hashlib import sha256

import pytest

from backups.artifact.lines import Lines
from backups.artifact.tail import AlteredCell, FileHead, Reason, Sequence
from backups.errors import ArtifactError
from tests.backups.artifact.documents import document, embedded, opened, read, resealed

PEOPLE = [b'{"id":"1","name":"Noa"}', b'{"id":"2","name":"a,\\n]b"}', b'{"id":"3","name":"}]"}']
ROWS = {"people": PEOPLE, "nobody": [], "rooms": [b'{"id":"r","name":"\xd7\xa1"}']}
SMALL = document(
    ROWS, files=[embedded(b"\x89PNG\r\n\x00\xff", "a.png", "b.png"), embedded(b"", "c")]
)


def test_rows_files_and_tail_come_back_as_they_were_written():
    rows, files, tail = read(SMALL)
    assert rows == ROWS
    assert files == [b"\x89PNG\r\n\x00\xff", b""]
    assert tail.statistics.rows == 4


def test_how_much_a_read_brings_makes_no_difference():
    whole = read(SMALL)
    assert all(read(SMALL, n) == whole for n in range(1, len(SMALL)))


def test_where_one_read_ends_and_the_next_begins_makes_no_difference():
    whole = read(SMALL)
    assert all(read(SMALL, n, len(SMALL)) == whole for n in range(1, len(SMALL)))


def test_a_reader_that_drops_what_a_read_brought_would_be_noticed(monkeypatch: pytest.MonkeyPatch):
    def forgetful(source: Lines, size: int = 3) -> None:
        source._buffer += (source._read() or b"\n\n")[1:]

    monkeypatch.setattr(Lines, "_fill", forgetful)
    with pytest.raises(ArtifactError):
        read(SMALL, 3)


def _fills_of_a_long_row(monkeypatch: pytest.MonkeyPatch) -> int:
    """How often what is there is copied for what a stream gives in small pieces."""
    calls: list[int] = []
    fill = Lines._fill

    def counted(source: Lines, *size: int) -> None:
        calls.append(1)
        fill(source, *size)

    monkeypatch.setattr(Lines, "_fill", counted)
    row = b'{"id":"1","name":"%s"}' % (b"x" * 1_000_000)
    rows, _files, _tail = read(document({"people": [row]}), *[4096] * 400, line_limit=2_000_000)
    assert rows == {"people": [row]}
    return len(calls)


def test_a_long_row_is_not_copied_for_each_piece_of_it(monkeypatch: pytest.MonkeyPatch):
    assert _fills_of_a_long_row(monkeypatch) < 20


def test_a_reader_that_adds_piece_by_piece_would_be_noticed(monkeypatch: pytest.MonkeyPatch):
    def by_pieces(source: Lines, _size: int = 0) -> None:
        source._buffer += source._read()

    monkeypatch.setattr(Lines, "_fill", by_pieces)
    assert _fills_of_a_long_row(monkeypatch) > 200


def test_any_json_tool_reads_the_document():
    whole = json.loads(SMALL)
    assert list(whole) == [
        *("format", "type", "created_at", "created_by", "installation", "application", "schema"),
        *("sections", "data", "files", "sequences", "altered", "statistics", "integrity"),
    ]
    assert [row["name"] for row in whole["data"]["people"]] == ["Noa", "a,\n]b", "}]"]
    assert whole["data"]["nobody"] == []
    assert list(whole["files"]) == ["1", "2"]


def test_every_row_stands_on_a_line_of_its_own():
    assert all(line in SMALL.split(b"\n") for line in (PEOPLE[0] + b",", PEOPLE[2]))


@pytest.mark.parametrize("lines_a_block", [1, 2, 999, 100_000])
def test_the_size_of_the_writers_blocks_makes_no_difference(lines_a_block: int):
    lines = [b'{"id":"%d","name":"%s"}' % (n, b"x" * (n % 50)) for n in range(20_000)]

    def in_blocks(given: list[bytes]) -> list[bytes]:
        starts = range(0, len(given), lines_a_block)
        return [b"".join(given[start : start + lines_a_block]) for start in starts]

    whole = document({"people": lines}, block=in_blocks)
    assert whole == document({"people": lines})
    assert read(whole)[0] == {"people": lines}


def test_a_row_longer_than_any_buffer_comes_back():
    row = b'{"id":"1","name":"%s"}' % (b"x" * 3_000_000)
    data = document({"people": [row, row]})
    assert read(data, 1_000_000, line_limit=4_000_000)[0] == {"people": [row, row]}


def test_an_empty_block_writes_nothing():
    assert document(ROWS, block=lambda lines: [b"", *lines, b""]) == document(ROWS)


def test_a_document_without_sections_and_files_can_be_read():
    rows, files, tail = read(document({}, heads=[]))
    assert (rows, files, tail.statistics.rows) == ({}, [], 0)


def test_what_is_not_taken_is_read_over_and_still_proven():
    assert opened(SMALL).tail() == read(SMALL)[2]


def test_a_section_that_was_left_in_the_middle_is_finished_by_the_reader():
    reader = opened(SMALL, 5)
    sections = reader.sections()
    next(next(sections).blocks())
    assert [section.head.key for section in sections] == ["nobody", "rooms"]


def test_blocks_are_the_bytes_that_the_section_s_digest_covers():
    section = next(opened(SMALL).sections())
    rows = b"".join(section.blocks())
    assert rows == b"".join(line + b"\n" for line in PEOPLE)
    assert section.statistics
    assert section.statistics.sha256 == sha256(rows).hexdigest()
    assert section.statistics.bytes == len(rows)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 6, 7, 8, 1000, 700_000])
def test_content_of_every_remainder_comes_back(size: int):
    content = bytes(n % 251 for n in range(size))
    assert read(document({}, heads=[], files=[embedded(content, "a")]), 999)[1] == [content]


def test_a_file_that_was_not_read_has_its_reason_and_no_content():
    gap = FileHead("gap", "a.png", "image/png", [], reason=Reason("file.missing", "It is gone."))
    data = document({}, heads=[], files=[(gap, b"")])
    assert next(opened(data).files()).head == gap
    assert "content" not in json.loads(data)["files"]["1"]


def test_sequences_and_altered_cells_come_back():
    sequences = [Sequence("people_id_seq", "people", 778, True), Sequence("loose", "", 1, False)]
    altered = [AlteredCell("people", "1", "name")]
    tail = read(document(ROWS, sequences=sequences, altered=altered))[2]
    assert (tail.sequences, tail.altered) == (sequences, altered)


def test_the_same_content_gives_the_same_bytes():
    assert document(ROWS) == document(ROWS)


def test_resealing_by_hand_is_what_the_writer_does():
    assert resealed(SMALL) == SMALL
