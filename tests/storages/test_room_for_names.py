"""A new name of a file that is longer than its column: shorter ones are made, and none is cut off."""

import re
from pathlib import Path
from typing import Any

import pytest

from backups.artifact.tail import Locator, Use
from backups.errors import BackupSystemError
from backups.files.spool import Spool
from restore import files
from restore.database import relocating
from restore.files import FilesBack
from restore.journal import Journal
from tests.roundtrip.engine import back_up, restore, stored, writing
from tests.storages.conftest import become, surroundings
from tests.storages.kinds import Kind, on_a_shelf
from tests.storages.misbehaving import SHELF, Shelf
from tests.storages.shelves import fill
from tests.storages.test_putting_back import Entry, folder, journal
from tests.zoo.models import Album

__all__ = ["folder", "journal", "surroundings"]
DRAWING = Album._meta.get_field("drawing")


class Lengthening(Shelf):
    """It says everything in its names (a hash, a date, the account)."""

    def _save(self, name: str, content: Any) -> str:
        return super()._save(name + "-" + "x" * 300, content)


@pytest.fixture
def kind(settings: Any) -> Kind:
    chosen = on_a_shelf(Shelf)
    become(settings, chosen)
    return chosen


def entry() -> Entry:
    """A file under a name that another content has by now."""
    made = Entry(b"of the backup", "a.png")
    made.head.locators[:] = [
        Locator("a.png", "default", [Use("zoo.Album", "drawing", [["x", "1"]])])
    ]
    return made


def test_a_new_name_is_as_long_as_its_column_allows(
    kind: Kind, journal: Journal, tmp_path: Path, monkeypatch: Any
) -> None:
    kind.put("a.png", b"newer")
    (tmp_path / "spool").mkdir()
    forms = {200: r"restored/\w{32}\.png", 40: r"\w{32}\.png", 20: r"\w{16}\.png", 16: r"\w{16}"}
    for room, form in forms.items():
        monkeypatch.setattr(DRAWING, "max_length", room)
        back = FilesBack(journal, Spool(tmp_path / "spool"), lambda: None)
        back.put(entry())  # type: ignore[arg-type]
        ((_, name),) = back.renamed
        assert re.fullmatch(form, name), name
        assert SHELF[name] == b"of the backup"


def drawing() -> str:
    with writing() as cursor:
        cursor.execute("SELECT drawing FROM zoo_album WHERE number = 1")
        return str(cursor.fetchone()[0])


def outcome(backup: Path) -> str:
    try:
        restore(backup)
    except BackupSystemError as error:
        return error.code
    return ""


def test_of_a_storage_that_lengthens_names_none_is_cut_off(
    surroundings: None, kind: Kind, settings: Any, monkeypatch: Any
) -> None:
    fill(kind)
    backup = stored(back_up())
    become(settings, on_a_shelf(Lengthening))
    kind.put("a.png", b"newer")
    assert (outcome(backup), drawing()) == ("restore.too_long", "/a.png")
    # The database is asked too, and without either it would be cut off.
    monkeypatch.setattr(files, "_fitting", lambda name, _: name)
    assert (outcome(backup), drawing()) == ("restore.too_long", "/a.png")
    monkeypatch.setattr(relocating, "_BOUND", re.compile("nothing"))
    assert (outcome(backup), len(drawing())) == ("", 200)
