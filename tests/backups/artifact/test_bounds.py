"""Every list of a document has a cap, and the limit of a row is exact."""

import tracemalloc

import pytest

from backups.artifact import bounds
from backups.artifact.lines import READ_BYTES
from backups.artifact.manifest import SectionHead
from backups.artifact.tail import AlteredCell, Sequence
from backups.errors import ArtifactError
from tests.backups.artifact.documents import MEBIBYTE, document, embedded, head, opened, text


def code_of(data: bytes, *sizes: int, limit: int = MEBIBYTE) -> str:
    try:
        reader = opened(data, *sizes, line_limit=limit)
        for section in reader.sections():
            section.drain()
        reader.tail()
    except ArtifactError as error:
        return error.code
    return ""


def _columns(count: int) -> SectionHead:
    return head("n", text("id"), *(text(f"c{number}") for number in range(count - 1)))


def _key(count: int) -> SectionHead:
    names = tuple(f"c{number}" for number in range(count))
    return head("n", *map(text, names), primary_key=names)


LISTS = {
    "columns": (bounds.COLUMNS, lambda n: document({"n": []}, heads=[_columns(n)])),
    "key columns": (bounds.KEY_COLUMNS, lambda n: document({"n": []}, heads=[_key(n)])),
    "sections": (bounds.SECTIONS, lambda n: document({f"s{i}": [] for i in range(n)})),
    "sequences": (
        bounds.SEQUENCES,
        lambda n: document({}, heads=[], sequences=[Sequence(f"{i}", "", 1, True) for i in range(n)]),
    ),
    "altered": (
        bounds.ALTERED,
        lambda n: document({"a": []}, altered=[AlteredCell("a", f"{i}", "name") for i in range(n)]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_a_list_may_be_as_long_as_its_cap_and_no_longer(name: str):
    most, make = LISTS[name]
    assert code_of(make(most), limit=256 * MEBIBYTE) == ""
    assert code_of(make(most + 1), limit=256 * MEBIBYTE) == "artifact.too_many"


def test_a_low_limit_of_a_row_lowers_the_caps_too():
    """What is read of a line takes four times the limit at most."""
    most = bounds.values_within(8 * MEBIBYTE)
    assert most < bounds.values_within(256 * MEBIBYTE) == bounds.VALUES
    made = LISTS["altered"][1](most // 3)
    assert code_of(made, limit=8 * MEBIBYTE) == "artifact.too_many"
    assert code_of(made, limit=256 * MEBIBYTE) == ""


def test_without_the_caps_they_pass(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bounds, "require_at_most", lambda most, *lists: None)
    assert code_of(LISTS["key columns"][1](1000)) == ""


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("ENTRY_BYTES", lambda: document({}, heads=[], files=[embedded(b"x", "v" * 5000)])),
        ("LIST_BYTES", lambda: document({"a": []}, altered=[AlteredCell("a", "k" * 5000, "name")])),
    ],
)
def test_a_line_of_lists_has_a_limit_of_its_own(name: str, make, monkeypatch: pytest.MonkeyPatch):
    assert code_of(make()) == ""
    monkeypatch.setattr(bounds, name, 4000)
    assert code_of(make()) == "artifact.line_too_long"


def _row(size: int) -> bytes:
    empty = b'{"id":"1","name":""}'
    return empty[:-2] + b"x" * (size - len(empty)) + empty[-2:]


@pytest.mark.parametrize("sizes", [(MEBIBYTE,), (100,), (7, 64 * MEBIBYTE)])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_limit_of_a_row_is_exact(sizes: tuple[int, ...], place: int):
    limit = 3000

    def with_row(size: int) -> bytes:
        rows = [_row(50), _row(60), _row(70)]
        rows[place] = _row(size)
        return document({"people": rows})

    # All but the last row are followed by a comma, which is part of the line.
    most = limit - (place < 2)
    assert code_of(with_row(most), *sizes, limit=limit) == ""
    assert code_of(with_row(most + 1), *sizes, limit=limit) == "artifact.line_too_long"


def test_a_row_that_is_too_long_takes_at_most_four_times_the_limit():
    limit = 8 * MEBIBYTE
    data = document({"people": [_row(10 * limit)]})
    tracemalloc.start()
    assert code_of(data, 64 * MEBIBYTE, limit=limit) == "artifact.line_too_long"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * limit + 4 * READ_BYTES
