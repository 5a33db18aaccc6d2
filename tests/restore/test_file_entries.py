"""What file entries of forged files may do: fill declared columns of the file's rows, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from backupsvc.studio.models import User
from restore.database import relocating, used_rows
from restore.services.planning import staging
from tests.restore.entries import locator, plant, use
from tests.restore.forging import Document, Row, foreign, ours
from tests.restore.steps import codes, plan_as, refusal, restore_as
from tests.restore.tables import changed_tables, rows_of_database

KINDS = {"restore.file_in_safe", "restore.file_storage", "restore.file_column", "restore.file_rows"}


class NothingIsWrong:
    """In place of the guard."""

    def __init__(self, *_given: object) -> None:
        pass

    def look(self, head: object) -> None:
        pass

    def findings(self) -> list[object]:
        return []


def _pictured(document: Document) -> str:
    """Give the file's first user a picture; returns the key."""
    return str(document.change_first("users", image="evil.js")["id"])


def _attack(*make: Callable[[str], Row]) -> Callable[[Document], None]:
    def edit(document: Document) -> None:
        key = _pictured(document)
        plant(document, *(one(key) for one in make))

    return edit


def _path_elsewhere(document: Document) -> None:
    """A column of paths knows no addresses."""
    key = document.read("cadPreferences")[0]["id"]
    plant(document, locator("evil.js", use("cadPreferences", "ctb_dropbox_path", key), storage=""))


RIGHT = _attack(lambda key: locator("evil.js", use("users", "image", key)))
ATTACKS = {
    "another storage": (
        "restore.file_storage",
        _attack(lambda key: locator("evil.js", use("users", "image", key), storage="staticfiles")),
    ),
    "a path elsewhere": ("restore.file_storage", _path_elsewhere),
    "a role": (
        "restore.file_column",
        _attack(lambda key: locator("OWNER", use("users", "role", key))),
    ),
    "a role beside a picture": (
        "restore.file_column",
        _attack(
            lambda key: locator("evil.js", use("users", "image", key), use("users", "role", key))
        ),
    ),
    "a section that the file does not have": (
        "restore.file_column",
        _attack(lambda key: locator("evil.js", use("nothing", "image", key))),
    ),
    "a column that the section does not have": (
        "restore.file_column",
        _attack(lambda key: locator("evil.js", use("users", "nothing", key))),
    ),
    "no use": ("restore.file_column", _attack(lambda key: locator("evil.js"))),
    "no row": ("restore.file_column", _attack(lambda key: locator("evil.js", use("users", "image")))),
    "no locator": ("restore.file_column", _attack()),
    "a row that is not in the file": (
        "restore.file_rows",
        _attack(lambda key: locator("evil.js", use("users", "image", key, "somebody else"))),
    ),
    "a key of two parts": (
        "restore.file_rows",
        _attack(lambda key: locator("evil.js", use("users", "image", [key, key]))),
    ),
    "a key of no parts": (
        "restore.file_rows",
        _attack(lambda key: locator("evil.js", use("users", "image", []))),
    ),
    "a key with a NUL": (
        "restore.file_rows",
        _attack(lambda key: locator("evil.js", use("users", "image", "a\0"))),
    ),
}  # fmt: skip


@pytest.fixture
def media(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


@pytest.mark.parametrize("maker", [foreign, ours])
def test_an_entry_that_wants_more_than_declared_is_found(
    studio, tmp_path, media, monkeypatch, maker
) -> None:
    """Whoever made the file, and whether the keys go along with the question or wait in a table."""
    if maker is ours:
        monkeypatch.setattr(used_rows, "_BATCH", 1)
    found = {}
    for name, (_, edit) in ATTACKS.items():
        plan = plan_as(maker(studio.complete, tmp_path / "f.json", edit), accept_foreign=True)
        assert all(str(f.severity) == "error" for f in plan.findings if f.code in KINDS)
        found[name] = codes(plan).keys() & KINDS
    assert found == {name: {code} for name, (code, _) in ATTACKS.items()}


@pytest.mark.parametrize("name", ["a role", "another storage"])
def test_it_blocks_the_restore(studio, tmp_path, media, name) -> None:
    code, edit = ATTACKS[name]
    file = foreign(studio.complete, tmp_path / "f.json", edit)
    before = rows_of_database()
    assert refusal(file, accept_foreign=True) == code
    assert changed_tables(before, rows_of_database()) == {}


def test_a_safe_file_with_files_is_refused(studio, tmp_path, media) -> None:
    file = foreign(studio.safe, tmp_path / "f.json", RIGHT)
    assert codes(plan_as(file, accept_foreign=True)).get("restore.file_in_safe") == "error"


def test_an_entry_as_declared_is_put_back(studio, tmp_path, media) -> None:
    file = ours(studio.complete, tmp_path / "f.json", RIGHT)
    restore_as(file)
    assert User.objects.filter(image="evil.js").count() == 1
    assert (media / "evil.js").exists()


def test_findings_do_not_grow_with_the_entries(studio, tmp_path, media) -> None:
    wrong = [
        locator(f"{n}.js", use(f"s{n}", "image", "1"), storage="staticfiles") for n in range(500)
    ]
    file = foreign(studio.complete, tmp_path / "f.json", lambda document: plant(document, *wrong))
    found = [f for f in plan_as(file, accept_foreign=True).findings if f.code in KINDS]
    assert len(found) == 2


def test_without_the_check_only_the_second_guard_keeps_roles(
    studio, tmp_path, media, monkeypatch
) -> None:
    """The twin: what came of it, first with one guard and then with none."""
    monkeypatch.setattr(staging, "EntryCheck", NothingIsWrong)
    default_storage.save("OWNER", ContentFile(b"in the way"))

    def edit(document: Document) -> None:
        owners = [row["id"] for row in document.read("users") if row["role"] == "OWNER"]
        plant(document, locator("OWNER", use("users", "role", *owners)))

    file = ours(studio.complete, tmp_path / "f.json", edit)
    restore_as(file)
    assert User.objects.filter(role="OWNER").exists()
    monkeypatch.setattr(relocating, "_locates_files", lambda *_: True)
    restore_as(file)
    assert not User.objects.filter(role="OWNER").exists()


def test_without_the_check_a_file_lands_in_another_storage(
    studio, tmp_path, media, monkeypatch
) -> None:
    monkeypatch.setattr(staging, "EntryCheck", NothingIsWrong)
    _, edit = ATTACKS["another storage"]
    plan = plan_as(foreign(studio.complete, tmp_path / "f.json", edit), accept_foreign=True)
    assert codes(plan).keys() & KINDS == set()
