"""docs/artifact-format.md is enough to write a reader from: the one on the page reads our own files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backups.artifact.manifest import Application, Column, Manifest, Schema, SectionHead
from backups.artifact.tail import (
    AlteredCell,
    FileHead,
    FileStatistics,
    Integrity,
    Locator,
    Reason,
    SectionStatistics,
    Sequence,
    Statistics,
    Use,
)
from restore.inspection import inspect
from tests.backups.artifact.corpus import CORPUS, GROUPS, SOUND
from tests.backups.artifact.documents import KEY, document, embedded
from tests.backups.artifact.forms import FORMS, ROW_FORMS, sound
from tests.docs.pages import code_blocks, first_cells, page

PAGE = page("artifact-format.md")
ROWS = {
    "organizations": [
        b'{"id":"a","name":"\xd7\xa1","extra":{"a":  [1,  -0]}}',
        b'{"id":"b","name":""}',
    ],
    "users": [],
}


@pytest.fixture
def prove() -> Callable[..., Any]:
    (program,) = code_blocks(PAGE, "python")
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102 - the page's own program
    return names["prove"]


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    heads = [
        SectionHead(
            "organizations",
            "studio_organization",
            ("id",),
            (
                Column("id", "text", "native"),
                Column("name", "text", "native"),
                Column("extra", "jsonb", "json"),
            ),
        ),
        SectionHead("users", "studio_user", ("id",), (Column("id", "text", "native"),)),
    ]
    gap = FileHead("gap", "b.png", "image/png", [], reason=Reason("file.missing", "Gone."))
    files = [embedded(b"\x89PNG", "a.png", "c.png"), (gap, b"")]
    path = tmp_path / "artifact.json"
    path.write_bytes(document(ROWS, heads=heads, files=files))
    return path


def test_the_page_s_reader_reads_our_own_files(prove, artifact: Path):
    manifest, authentic, rows, files = prove(artifact, KEY)
    assert (manifest["type"], authentic) == ("complete", True)
    assert rows == {key: [json.loads(row) for row in lines] for key, lines in ROWS.items()}
    assert [file["state"] for file in files] == ["embedded", "gap"]


def test_the_page_s_reader_tells_our_own_files_from_others(prove, artifact: Path):
    assert prove(artifact, bytes(32))[1] is False


def test_the_page_s_reader_refuses_a_flipped_byte_and_a_cut_file(prove, artifact: Path):
    whole = artifact.read_bytes()
    for broken in (whole.replace(b'"b"', b'"c"', 1), whole[:-200], whole + b" "):
        artifact.write_bytes(broken)
        with pytest.raises(AssertionError):
            prove(artifact, KEY)


@pytest.mark.parametrize("name", [*FORMS, *ROW_FORMS])
def test_the_page_s_reader_refuses_what_ours_refuses(prove, tmp_path: Path, name: str):
    path = tmp_path / "artifact.json"
    path.write_bytes((FORMS | ROW_FORMS)[name]())
    with pytest.raises((AssertionError, ValueError)):
        prove(path, KEY)


def test_the_page_s_reader_reads_the_document_that_these_are_made_of(prove, tmp_path: Path):
    path = tmp_path / "artifact.json"
    path.write_bytes(sound())
    assert prove(path, KEY)[1]


@pytest.mark.parametrize("group", GROUPS)
def test_the_page_s_reader_agrees_with_ours_on_every_hostile_document(
    prove, tmp_path: Path, group: str
):
    """Ours refuses each of them: tests/restore/test_hostile_files.py."""
    path, taken = tmp_path / "artifact.json", []
    for name in GROUPS[group]:
        path.write_bytes(CORPUS[name][1]())
        try:
            prove(path, KEY)
            taken.append(name)
        except (AssertionError, ValueError):
            continue
    assert taken == []


@pytest.mark.parametrize("name", SOUND)
def test_the_page_s_reader_takes_what_is_only_odd(prove, tmp_path: Path, name: str, settings):
    settings.BACKUPS_KEY_FILE = tmp_path / "key"
    path = tmp_path / "artifact.json"
    path.write_bytes(SOUND[name]())
    assert prove(path, KEY)[0]["format"] == inspect(path).manifest.format


def test_without_its_forms_it_takes_what_ours_refuses(tmp_path: Path):
    """The twin."""
    (program,) = code_blocks(PAGE, "python")
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102
    names["check_row"] = lambda *given: None
    path = tmp_path / "artifact.json"
    path.write_bytes(CORPUS["cell whole 0: '2147483648'"][1]())
    assert names["prove"](path, KEY)


@pytest.mark.django_db(transaction=True)
def test_the_page_s_reader_reads_a_backup_of_the_application(prove, tmp_path: Path, settings):
    from backups.services import vault
    from tests.backups.studio import small_studio
    from tests.roundtrip.engine import back_up

    settings.BACKUPS_ROOT, settings.MEDIA_ROOT = tmp_path / "backups", tmp_path / "media"
    settings.BACKUPS_KEY_FILE = tmp_path / "key"
    small_studio()
    run = back_up()
    vault.copy_out(run.artifact, tmp_path / "artifact.json")
    key = bytes.fromhex(settings.BACKUPS_KEY_FILE.read_text())
    manifest, authentic, rows, files = prove(tmp_path / "artifact.json", key)
    assert authentic
    assert manifest["installation"]
    assert rows["users"][0]["email"] == "noa@studio.example"
    assert len(files) == 1


@pytest.mark.parametrize(
    "kind",
    [
        *(Manifest, Application, Schema, SectionHead, Column, FileHead, Locator, Use, Reason),
        *(Sequence, AlteredCell, Statistics, SectionStatistics, FileStatistics, Integrity),
    ],
)
def test_every_member_of_the_format_is_on_the_page(kind: Any):
    for name in kind.__struct_fields__:
        assert f"`{name}`" in PAGE or f'"{name}"' in PAGE, name


def test_every_member_at_the_top_is_described_in_its_order(artifact: Path):
    described = first_cells(PAGE.split("## The layout")[0])
    assert described == list(json.loads(artifact.read_bytes()))
