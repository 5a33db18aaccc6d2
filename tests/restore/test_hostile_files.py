"""The hostile corpus meets the inspection: each file is refused there, with a code and a hint, within bounds.

The inspection reads no database: what it refuses never gets as far as a row.
"""

import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from backups.artifact import bounds, members, structure
from backups.errors import ArtifactError
from restore.inspection import inspect
from tests.backups.artifact.bombs import BOMBS, ROW_LIMIT
from tests.backups.artifact.corpus import CORPUS, GROUPS, Made, sound

MOST_SECONDS = 2.0


@pytest.fixture(autouse=True)
def without_a_database(settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.BACKUPS_KEY_FILE = tmp_path / "installation.key"
    monkeypatch.setattr(connection, "connect", None)
    yield


def refusal(path: Path) -> str:
    """The code that the inspection refuses the file with; empty where it does not."""
    try:
        inspect(path)
    except ArtifactError as error:
        assert error.hint
        return error.code
    return ""


def code_of(folder: Path, make: Made) -> str:
    path = folder / "artifact.json"
    path.write_bytes(make())
    return refusal(path)


def test_the_file_that_all_are_made_of_is_sound(tmp_path: Path):
    assert code_of(tmp_path, sound) == ""


def test_there_are_many_of_them():
    assert len(CORPUS) >= 700


def test_none_is_in_no_group():
    assert {name for names in GROUPS.values() for name in names} == set(CORPUS)


@pytest.mark.parametrize("group", GROUPS)
def test_hostile_files_are_refused(tmp_path: Path, group: str):
    passed, slow = {}, []
    for name in GROUPS[group]:
        codes, make = CORPUS[name]
        began = time.perf_counter()
        code = code_of(tmp_path, make)
        if time.perf_counter() - began > MOST_SECONDS:
            slow.append(name)
        if code not in codes:
            passed[name] = code
    assert (passed, slow) == ({}, [])


@pytest.mark.parametrize(
    ("guard", "name"),
    [
        ((members, "in_order", True), "members of the head in another order"),
        ((members, "holds_nul", False), "head created_by.name: NUL"),
        ((structure, "has_nul", False), "gap locators.0.value: NUL"),
        ((structure, "are_cells", True), "an altered cell of no section"),
        ((structure.FileCount, "agrees", True), "more local ones than all"),
        ((structure, "row_names_twice", False), "row: a column twice"),
        ((bounds, "require_at_most", None), "too many altered cells"),
    ],
)
def test_without_its_guard_the_file_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guard, name: str
):
    owner, attribute, answer = guard
    monkeypatch.setattr(owner, attribute, lambda *given: answer)
    assert code_of(tmp_path, CORPUS[name][1]) == ""


@pytest.mark.battery
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_bounded_time_and_memory(settings, tmp_path: Path, name: str, capsys):
    settings.BACKUPS_DOCUMENT_LIMIT_BYTES = 4 * ROW_LIMIT
    codes, most, make = BOMBS[name]
    settings.BACKUPS_ROW_LIMIT_BYTES = ROW_LIMIT
    path = tmp_path / "artifact"
    make(path)
    began = time.perf_counter()
    tracemalloc.start()
    code = refusal(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    took = time.perf_counter() - began
    size = path.stat().st_size
    said = f"{name}: {size:,} bytes, {code or 'sound'}, {took:.1f} s, {peak / 2**20:.0f} MiB"
    with capsys.disabled():
        sys.stdout.write(f"\n{said}")
    assert code in codes
    assert peak <= most
    assert took < 120
