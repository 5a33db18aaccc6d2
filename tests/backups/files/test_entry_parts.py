"""An entry that very many rows use is written as several, none longer than a reader takes."""

import hashlib

import msgspec
import pytest

from backups.artifact import bounds
from backups.artifact.tail import FileHead, Locator, Use
from backups.files import collect, entry_parts
from backups.files.collect import Wanted, wanted_files
from backups.files.entry_parts import in_parts
from tests.backups.artifact.documents import document, opened

CONTENT = b"PNG"


def entry(rows: int, keys: str = "k{}") -> FileHead:
    uses = [
        Use("people", "image", [keys.format(n) for n in range(rows)]),
        Use("rooms", "plan", [["1", "2"]]),
    ]
    locators = [Locator("a.png", "default", uses), Locator("b.png", "default", uses[1:])]
    digest = hashlib.sha256(CONTENT).hexdigest()
    return FileHead("embedded", "a.png", "image/png", locators, len(CONTENT), digest)


def uses_of(heads: list[FileHead]) -> list[tuple[str, str, object]]:
    return [
        (locator.value, f"{use.section}.{use.column}", key)
        for head in heads
        for locator in head.locators
        for use in locator.uses
        for key in use.keys
    ]


def test_an_ordinary_entry_stays_as_it_is():
    head = entry(3)
    assert in_parts(head) == [head]


@pytest.mark.parametrize(("limit", "most"), [("PART_BYTES", 3000), ("PART_VALUES", 300)])
def test_a_long_one_has_all_its_uses_in_parts(
    limit: str, most: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(entry_parts, limit, most)
    head = entry(1000)
    parts = in_parts(head)
    assert len(parts) > 2
    assert uses_of(parts) == uses_of([head])
    for part in parts:
        encoded = msgspec.json.encode(part)
        assert (len(encoded) if limit == "PART_BYTES" else bounds.may_hold(encoded)) <= most + 300
        assert (part.sha256, part.size_bytes, part.name) == (
            head.sha256,
            head.size_bytes,
            head.name,
        )


def test_a_reader_takes_the_parts_and_not_the_whole(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bounds, "ENTRY_BYTES", 5000)
    monkeypatch.setattr(entry_parts, "PART_BYTES", 4000)
    parts = in_parts(entry(1000))
    reader = opened(document({}, heads=[], files=[(part, CONTENT) for part in parts]))
    assert [b"".join(file.content()) for file in reader.files()] == [CONTENT] * len(parts)
    assert reader.tail().statistics.files.embedded == len(parts)
    with pytest.raises(Exception, match="longer than this server"):
        opened(document({}, heads=[], files=[(entry(1000), CONTENT)])).tail()


def test_the_statistics_count_entries(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(entry_parts, "PART_BYTES", 4000)
    head = entry(1000)
    parts = in_parts(head)
    one = collect._counted(collect.FileStatistics(), head, again=False)
    found = collect._with_parts(one, head, parts)
    assert (found.embedded, found.embedded_bytes) == (len(parts), len(parts) * len(CONTENT))


@pytest.mark.parametrize(("size", "count"), [(1000, 1), (collect.LONGEST_LOCATOR + 1, 0)])
def test_a_text_without_end_is_no_locator(size: int, count: int):
    line = msgspec.json.encode(["default", True, "a" * size, "people", "image", ["1"]])
    found: list[Wanted] = list(wanted_files(iter([line])))
    assert len(found) == count
