"""Files with a Complete backup: what is embedded once, what is left out, and where each goes back to."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as live_settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command

from backups.errors import BackupSystemError
from backups.models import BackupRun, State
from restore.database import relocating
from restore.database.transaction import RestoreTransaction
from restore.plan import Choices
from restore.services.applying.writing import Writer
from restore.services.planning.counting import plan_file
from tests.faults.forgery import forged, replaced
from tests.roundtrip.dump import differences, dump_data
from tests.roundtrip.engine import back_up, parsed, restore, stored, writing
from tests.zoo.rows import insert

COLUMNS = ["shelf", "number", "kind", "cover", "drawing", "pages", "attached", "layout"]
CONTENT = {"a.png": b"PNG a", "media/b.png": b"PNG b", "c d é.png": b"PNG c", "none": b""}
# Rows that a careless exchange of names would spoil: other columns, other rows, more than a double.
ALBUMS: list[tuple[Any, ...]] = [
    ("x", 1, "", "a.png", "/a.png", ["a.png", "media/b.png", "a.png"],
     '[{"url": "a.png", "size": 1e400, "a.png": "a.png"}, {"url": "media/b.png"}]',
     '{ "the cover" : "a.png", "a.png" : 1.10, "other":"a.png" }'),
    ("x", 2, "", "/media/a.png", "media/b.png", ["/media/c%20d%20%C3%A9.png", None], "null", "null"),
    ("it's, \"x\"", 1, "LINK", "a.png", "/media/b.png", [], '{"url": "/media/a.png"}', None),
    ("y", 1, "", None, None, [], None, '{"the cover": ["a.png"]}'),
]  # fmt: skip


@pytest.fixture
def albums(surroundings: None) -> None:
    for name, content in CONTENT.items():
        default_storage.save(name, ContentFile(content))
    with writing() as cursor:
        insert(cursor, "zoo_album", COLUMNS, ALBUMS)


def media() -> dict[str, bytes]:
    """Every file of the storage by its name."""
    root = Path(live_settings.MEDIA_ROOT)
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_equal_bytes_are_stored_once_with_every_locator_and_row(albums: None) -> None:
    default_storage.save("again.png", ContentFile(CONTENT["a.png"]))
    with writing() as cursor:
        insert(cursor, "zoo_album", COLUMNS, [("z", 1, "", "again.png", None, [], None, None)])
    backup = back_up()
    entries = parsed(backup)["files"].values()
    assert backup.state == State.SUCCEEDED
    assert sorted(e["sha256"] for e in entries) == sorted({e["sha256"] for e in entries})
    assert len(entries) == 3
    (entry,) = [e for e in entries if e["size_bytes"] == 5 and "again.png" in str(e["locators"])]
    assert {locator["value"] for locator in entry["locators"]} == {
        "a.png", "/a.png", "/media/a.png", "again.png",
    }  # fmt: skip
    uses = {
        (locator["value"], use["column"], tuple(key))
        for locator in entry["locators"]
        for use in locator["uses"]
        for key in use["keys"]
    }
    assert uses == {
        ("a.png", "cover", ("x", "1")), ("a.png", "pages", ("x", "1")),
        ("a.png", "attached", ("x", "1")), ("a.png", "layout", ("x", "1")),
        ("/a.png", "drawing", ("x", "1")), ("/media/a.png", "cover", ("x", "2")),
        ("/media/a.png", "attached", ("it's, \"x\"", "1")), ("again.png", "cover", ("z", "1")),
    }  # fmt: skip


def test_files_that_are_gone_come_back_under_their_names(albums: None) -> None:
    rows, before = dump_data(), media()
    backup = back_up()
    for name in CONTENT:
        default_storage.delete(name)
    run = restore(stored(backup))
    del before["none"]  # no row points to it
    assert media() == before
    assert differences(rows, dump_data()) == []
    assert (run.report["files"]["added"], run.report["files"]["renamed"]) == (3, 0)


def test_the_plan_counts_a_name_once_that_several_locators_mean(albums: None) -> None:
    """And only once the space that its content takes."""
    backup = back_up()
    default_storage.delete("a.png")  # which rows call a.png, /a.png and /media/a.png too
    files = plan_file(stored(backup), Choices()).files
    assert (files.stay, files.put_back, files.put_back_bytes) == (2, 1, len(b"PNG a"))
    report = restore(stored(backup)).report["files"]
    assert (report["kept"], report["added"]) == (files.stay, files.put_back)


def test_files_with_the_same_bytes_are_left_alone(albums: None) -> None:
    path = Path(live_settings.MEDIA_ROOT) / "a.png"
    os.utime(path, (1, 1))
    run = restore(stored(back_up()))
    assert path.stat().st_mtime == 1
    assert run.report["files"]["added"] == 0


def test_where_other_bytes_have_the_name_the_file_gets_a_new_one_and_its_rows_follow(
    albums: None,
) -> None:
    backup = back_up()
    before = dump_data()
    for name in ("a.png", "media/b.png", "c d é.png"):
        default_storage.delete(name)
        default_storage.save(name, ContentFile(b"other"))
    restore(stored(backup))
    assert {media()[name] for name in ("a.png", "media/b.png", "c d é.png")} == {b"other"}
    made = {content: n for n, content in media().items() if n.startswith("restored/")}
    a, b, c = (made[content] for content in (b"PNG a", b"PNG b", b"PNG c"))
    assert len(made) == 3
    assert _albums() == [
        ("x", 1, "", a, f"/{a}", [a, b, a],
         f'[{{"url": "{a}", "size": {10**400}, "a.png": "a.png"}}, {{"url": "{b}"}}]',
         f'{{ "the cover" : "{a}", "a.png" : 1.10, "other":"a.png" }}'),
        ("x", 2, "", f"/media/{a}", b, [f"/media/{c}", None], "null", "null"),
        ('it\'s, "x"', 1, "LINK", "a.png", f"/{b}", [], f'{{"url": "/media/{a}"}}', None),
        ("y", 1, "", None, None, [], None, '{"the cover": ["a.png"]}'),
    ]  # fmt: skip
    (changed,) = differences(before, dump_data())
    assert "zoo_album" in changed


@pytest.fixture
def keyed(albums: None) -> Iterator[None]:
    """Rows with a rule, and with a key that is looked at when the transaction ends, as Django's are."""
    with writing() as cursor:
        cursor.execute("ALTER TABLE zoo_album ADD CONSTRAINT counted CHECK (number > 0)")
        cursor.execute(
            "ALTER TABLE zoo_album ADD CONSTRAINT itself FOREIGN KEY (shelf, number)"
            " REFERENCES zoo_album DEFERRABLE INITIALLY DEFERRED"
        )
    yield
    with writing() as cursor:
        cursor.execute("ALTER TABLE zoo_album DROP CONSTRAINT counted, DROP CONSTRAINT itself")


def test_rows_follow_in_a_table_that_is_left_alone(
    keyed: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the twin: with the table's keys still there a row that is changed twice would end the restore."""
    settings.BACKUPS_LEAVE_EQUAL_TABLES = True
    backup = back_up()
    for name in ("a.png", "media/b.png"):
        default_storage.delete(name)
        default_storage.save(name, ContentFile(b"other"))
    with monkeypatch.context() as patch:
        patch.setattr(
            Writer,
            "_detach_renamed",
            lambda self, _: self._work.detach([], [t.table for t in self._targets_left_alone]),
        )
        with pytest.raises(BackupSystemError, match="55006"):
            restore(stored(backup))
    report = restore(stored(backup)).report
    assert "zoo.Album" in report["left_alone"] and report["files"]["renamed"] > 1
    pages, cover = _albums()[0][5], _albums()[0][3]
    assert pages == [cover, _albums()[1][4], cover]


def test_rows_of_the_file_alone_follow(albums: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: with the names of all rows exchanged, a page's address would change too."""
    backup = back_up()
    default_storage.delete("a.png")
    default_storage.save("a.png", ContentFile(b"other"))
    monkeypatch.setattr(
        relocating._Column,
        "_exchange",
        lambda self, value, _: self._execute(
            f"UPDATE {{t}} AS t SET {{c}} = ({value})::{{unbounded}} FROM {{m}} AS m"
            " WHERE t.{c}::text = m.old_"
        ),
    )
    restore(stored(backup))
    assert [row[3] for row in _albums() if row[2] == "LINK"] != ["a.png"]


def test_a_name_that_the_storage_cannot_give_is_exchanged(albums: None) -> None:
    backup = back_up()
    default_storage.delete("media/b.png")
    (Path(live_settings.MEDIA_ROOT) / "media").rmdir()
    default_storage.save("media", ContentFile(b"a file, not a folder"))
    restore(stored(backup))
    (b,) = [name for name, content in media().items() if content == b"PNG b"]
    assert _albums()[1][4] == b
    assert media()["media"] == b"a file, not a folder"


def test_files_of_a_failed_restore_are_taken_away_again(
    albums: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = back_up()
    for name in ("a.png", "c d é.png"):
        default_storage.delete(name)
    default_storage.save("a.png", ContentFile(b"other"))
    before, rows = media(), dump_data()

    def fail(*_: Any) -> None:
        assert media() != before
        raise RuntimeError("injected")

    monkeypatch.setattr(RestoreTransaction, "attach", fail)
    with pytest.raises(RuntimeError):
        restore(stored(backup))
    assert media() == before
    assert differences(rows, dump_data()) == []


def test_a_file_of_somebody_who_was_quicker_is_not_taken_away(
    albums: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = back_up()
    default_storage.delete("a.png")
    save = type(default_storage._wrapped).save  # type: ignore[attr-defined]

    def save_second(storage: Any, name: str, content: Any) -> str:
        save(storage, name, ContentFile(b"quicker"))
        return str(save(storage, name, content))

    monkeypatch.setattr(type(default_storage._wrapped), "save", save_second)  # type: ignore[attr-defined]
    with pytest.raises(BackupSystemError) as refusal:
        restore(stored(backup))
    assert refusal.value.code == "restore.file_storage"
    assert media()["a.png"] == b"quicker"
    assert set(media()) == set(CONTENT)


@pytest.mark.parametrize(
    "name", ["../out.png", "a/../../out.png", "/etc/out.png", "x\\..\\out.png"]
)
def test_a_name_that_leads_out_of_the_storage_stays_inside(
    albums: None, tmp_path: Path, name: str
) -> None:
    """Such a file is not ours, so it is forged: a locator that no backup could have read."""
    backup = back_up()
    change = replaced('"cover":"a.png"', f'"cover":{json.dumps(name)}', row=2)
    file = forged(backup, tmp_path / "forged.json", {"zoo.Album": change}, locators={"a.png": name})
    restore(file)
    inside = Path(live_settings.MEDIA_ROOT)
    assert all(inside in path.parents for path in inside.parent.rglob("out*"))
    assert all(n in CONTENT or n.startswith(("restored/", "etc/")) for n in media())


def test_a_missing_file_is_a_gap_and_the_rest_comes_back(albums: None, tmp_path: Path) -> None:
    default_storage.delete("media/b.png")
    output = tmp_path / "backup.json"
    with pytest.raises(SystemExit) as ending:
        call_command("backup_create", scope="complete", output=output)
    assert ending.value.code == 3
    assert BackupRun.objects.get().state == State.INCOMPLETE
    files = json.loads(output.read_bytes())["files"].values()
    gaps = {(f["name"], f["reason"]["code"]) for f in files if f["state"] == "gap"}
    assert gaps == {("b.png", "file.missing")}
    rows = dump_data()
    default_storage.delete("a.png")
    restore(output)
    assert differences(rows, dump_data()) == []
    assert media()["a.png"] == CONTENT["a.png"]


def test_the_limit_is_a_file_s_exact_size(albums: None, settings: Any) -> None:
    settings.BACKUPS_FILE_LIMIT_BYTES = 5
    default_storage.save("six", ContentFile(b"123456"))
    with writing() as cursor:
        insert(cursor, "zoo_album", COLUMNS, [("z", 1, "", "six", None, [], None, None)])
    _one_is_skipped(back_up(), "six")


@pytest.mark.battery
def test_the_limit_is_exactly_50_mebibytes(albums: None) -> None:
    for name, size in (("just", 52_428_800), ("over", 52_428_801)):
        default_storage.save(name, ContentFile(bytes(size)))
        with writing() as cursor:
            insert(cursor, "zoo_album", COLUMNS, [(name, 1, "", name, None, [], None, None)])
    backup = back_up()
    _one_is_skipped(backup, "over")
    default_storage.delete("just")
    restore(stored(backup))
    assert default_storage.size("just") == 52_428_800


def _one_is_skipped(backup: BackupRun, name: str) -> None:
    assert backup.state == State.SUCCEEDED
    states = {e["name"]: e["state"] for e in parsed(backup)["files"].values()}
    assert states.pop(name) == "skipped"
    assert set(states.values()) == {"embedded"}
    assert backup.statistics["files"]["skipped"] == 1


def _albums() -> list[tuple[Any, ...]]:
    with writing() as cursor:
        cursor.execute(
            "SELECT shelf, number, kind, cover, drawing, pages, attached::text, layout::text"
            " FROM zoo_album ORDER BY array_position(%s, shelf), number",
            [["x", 'it\'s, "x"', "y"]],
        )
        return cursor.fetchall()
