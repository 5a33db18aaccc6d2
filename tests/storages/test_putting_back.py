"""Files into every storage, and out again: without rows, so that each storage can be tried in a moment."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backups.artifact.tail import FileHead, Locator, Use
from backups.errors import RestoreError
from backups.files import storage
from backups.files.collect import Collector, Wanted
from backups.files.resolve import StorageTarget, resolve
from backups.files.spool import Spool
from restore.files import FilesBack, Foreseen
from restore.journal import Journal, undo_journal
from tests.storages import misbehaving
from tests.storages.conftest import become
from tests.storages.kinds import Kind, on_a_shelf
from tests.storages.misbehaving import KEEP_WHAT_WAS_ADDED, SHELF, UNREADABLE, UNWRITABLE
from tests.storages.shelves import CONTENT, NEWER, content_of

RUN = "r" * 32
OF = {content: name for name, content in CONTENT.items()}


class Entry:
    """A file of an artifact, as its reader gives it."""

    def __init__(self, content: bytes, *values: str) -> None:
        self._content = content
        uses = [Use("zoo.Album", "cover", [["x", "1"]])]
        locators = [Locator(value, "default", uses) for value in values]
        digest = hashlib.sha256(content).hexdigest()
        self.head = FileHead(
            "embedded", "x", "image/png", locators, size_bytes=len(content), sha256=digest
        )

    def content(self) -> Iterator[bytes]:
        yield self._content


ENTRIES = [Entry(content, name, f"/{name}") for name, content in CONTENT.items()]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.BACKUPS_ROOT, settings.MEDIA_ROOT = tmp_path / "backups", tmp_path / "media"
    return tmp_path


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    (folder / "backups").mkdir()
    made = Journal(RUN)
    yield made
    made.close()


@pytest.fixture
def back(journal: Journal, folder: Path) -> FilesBack:
    (folder / "spool").mkdir()
    return FilesBack(journal, Spool(folder / "spool"), lambda: None)


def put(back: FilesBack, *entries: Entry) -> dict[str, bytes]:
    """Put them back. Returns what the values of the rows lead to then, by what they were."""
    for entry in entries:
        back.put(entry)  # type: ignore[arg-type]
    leads = {locator.value: locator.value for entry in entries for locator in entry.head.locators}
    leads |= {locator.value: new for locator, new in back.renamed}
    return {value: content_of(new, is_path=False) for value, new in leads.items()}


def wanted() -> dict[str, bytes]:
    return {value: content for name, content in CONTENT.items() for value in (name, f"/{name}")}


def fates() -> list[str]:
    foreseen = Foreseen()
    return [
        foreseen.of(locator, entry.head.sha256 or "", entry.head.size_bytes or 0).name
        for entry in ENTRIES
        for locator in entry.head.locators
    ]


def test_what_is_there_stays(kind: Kind, back: FilesBack) -> None:
    for name, content in CONTENT.items():
        kind.put(name, content)
    assert set(fates()) == {"STAYS", "STAYS_FOR_ANOTHER"}
    assert put(back, *ENTRIES) == wanted()
    assert (kind.files(), back.kept, back.renamed) == (CONTENT, len(CONTENT), [])


def test_what_is_gone_comes_back(kind: Kind, back: FilesBack) -> None:
    assert "STAYS" not in fates()
    assert kind.files() == {}  # foreseeing writes nothing
    assert put(back, *ENTRIES) == wanted()
    assert sorted(kind.files().values()) == sorted(CONTENT.values())


def test_what_is_newer_is_never_overwritten(kind: Kind, back: FilesBack) -> None:
    for name, content in NEWER.items():
        kind.put(name, content)
    assert set(fates()) <= {"RENAMED", "UNSURE"}
    assert put(back, *ENTRIES) == wanted()
    assert NEWER.items() <= kind.files().items()


def test_nor_is_what_has_a_name_that_the_storage_takes_for_the_same(
    kind: Kind, back: FilesBack
) -> None:
    kind.put("c d é.png", b"somebody else's")
    assert put(back, *ENTRIES) == wanted()
    assert kind.files()["c d é.png"] == b"somebody else's"


def test_what_was_added_goes_again_when_the_restore_fails(
    kind: Kind, back: FilesBack, journal: Journal
) -> None:
    kind.put("a.png", NEWER["a.png"])
    put(back, *ENTRIES)
    journal.close()
    undo_journal(RUN)
    undo_journal(RUN)  # it may be called again
    if kind.name in KEEP_WHAT_WAS_ADDED:
        assert kind.files()["a.png"] == NEWER["a.png"]
    else:
        assert kind.files() == {"a.png": NEWER["a.png"]}


def test_a_file_is_never_written_by_way_of_open(
    kind: Kind, back: FilesBack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stores of the cloud finish such a file even where the writing of it broke off."""
    modes = set()
    opened = storage.storages["default"].open

    def noted(name: str, mode: str = "rb") -> Any:
        modes.add(mode)
        return opened(name, mode)

    monkeypatch.setattr(storage.storages["default"], "open", noted)
    put(back, *ENTRIES)
    assert modes == {"rb"}


def test_a_file_that_others_share_does_not_go_with_a_restore_that_fails(
    settings: Any, back: FilesBack, journal: Journal
) -> None:
    become(settings, on_a_shelf(misbehaving.ContentAddressed))
    content = CONTENT["a.png"]
    shared = f"blobs/{hashlib.sha256(content).hexdigest()}"
    SHELF[shared] = content
    put(back, Entry(content, "a.png"))
    journal.close()
    undo_journal(RUN)
    assert {shared: content} == SHELF


@pytest.mark.parametrize("bad", UNWRITABLE, ids=lambda bad: bad.__name__)
def test_a_storage_that_takes_nothing_is_a_refusal_with_a_code(
    bad: type, settings: Any, back: FilesBack
) -> None:
    become(settings, on_a_shelf(bad))
    for entry in ENTRIES:
        with pytest.raises(RestoreError) as refused:
            back.put(entry if entry.head.size_bytes else ENTRIES[0])  # type: ignore[arg-type]
        assert refused.value.code == "restore.file_storage"


@pytest.mark.parametrize("bad", UNREADABLE, ids=lambda bad: bad.__name__)
def test_of_a_storage_that_says_nothing_nothing_is_believed(bad: type, settings: Any) -> None:
    SHELF.update(CONTENT)
    become(settings, on_a_shelf(bad))
    assert set(fates()) <= {"RENAMED", "UNSURE"}


def test_a_storage_that_does_not_answer_is_soon_left_in_peace(
    settings: Any, no_pauses: list[float]
) -> None:
    become(settings, on_a_shelf(misbehaving.Away))
    asking = storage.Asking()
    for number in range(1000):
        assert asking.compare("default", f"{number}.png", "", 0) is storage.Found.UNKNOWN
    assert len(no_pauses) == storage.IMPATIENT_AFTER * (storage.ATTEMPTS - 1)


def test_a_time_limit_ends_the_work_in_the_middle_of_a_storage_s_call(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is not taken for an answer of the storage's."""

    class TimeIsUp(Exception):
        pass

    def limited(*_: Any) -> None:
        raise TimeIsUp

    become(settings, on_a_shelf(misbehaving.Shelf))
    monkeypatch.setattr(misbehaving.Shelf, "_open", limited)
    target = StorageTarget("default", "a.png")
    assert storage.delete(target) is None
    assert storage.Asking().compare("default", "a.png", "", 0) is storage.Found.UNKNOWN
    monkeypatch.setattr(storage, "LET_THROUGH", [TimeIsUp])
    with pytest.raises(TimeIsUp):
        storage.Asking().compare("default", "a.png", "", 0)


def test_an_exists_that_is_believed_alone_overwrites(
    settings: Any, back: FilesBack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: why what can be read is there."""
    become(settings, on_a_shelf(misbehaving.NeverThere))
    SHELF["a.png"] = NEWER["a.png"]
    monkeypatch.setattr(
        storage.Asking,
        "compare",
        lambda *_: (
            storage.Found.OTHER
            if storage._exists(storage.storages["default"], "a.png")
            else storage.Found.ABSENT
        ),
    )
    put(back, Entry(CONTENT["a.png"], "a.png"))
    assert SHELF["a.png"] == CONTENT["a.png"]


ALIKE = [
    ("A.PNG", "a.png"),
    ("é.png", "E\u0301.png"),
    ("straße.png", "STRASSE.png"),
    ("x/İ.png", "X/i\u0307.png"),
    ("a b.png", "A_b.png"),
]


@pytest.mark.parametrize("shelf", [misbehaving.Folding, misbehaving.LowerCasingOverwriting])
def test_of_two_in_one_file_whose_names_are_one_to_the_storage_the_second_is_renamed(
    settings: Any, journal: Journal, folder: Path, monkeypatch: pytest.MonkeyPatch, shelf: type
) -> None:
    """Whichever comes first, and foretold so: else the plan would say otherwise. And the twin."""
    become(settings, on_a_shelf(shelf))
    (folder / "spool").mkdir()

    def foretold(entries: list[Entry]) -> list[str]:
        foreseen = Foreseen()
        return [foreseen.of(one.head.locators[0], one.head.sha256 or "", 3).name for one in entries]

    for names in [*ALIKE, *(pair[::-1] for pair in ALIKE)]:
        SHELF.clear()
        back = FilesBack(journal, Spool(folder / "spool"), lambda: None)
        entries = [Entry(b"one", names[0]), Entry(b"two", names[1])]
        assert foretold(entries) == ["PUT_BACK", "RENAMED"]
        assert put(back, *entries) == {names[0]: b"one", names[1]: b"two"}
    SHELF.clear()
    monkeypatch.setattr("restore.files.folded", str)
    assert foretold(entries) == ["PUT_BACK", "PUT_BACK"]


def test_names_that_are_alike_and_not_looked_at_are_overwritten(
    settings: Any, back: FilesBack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: why other forms of a name are asked for too."""
    become(settings, on_a_shelf(misbehaving.LowerCasingOverwriting))
    SHELF["c d é.png"] = b"somebody else's"
    monkeypatch.setattr("restore.files.alike", lambda name: set())
    put(back, Entry(CONTENT["C d é.PNG"], "C d é.PNG"))
    assert SHELF["c d é.png"] == CONTENT["C d é.PNG"]


def test_an_answer_that_breaks_off_without_a_word_is_not_taken_for_the_file(
    settings: Any, folder: Path
) -> None:
    become(settings, on_a_shelf(misbehaving.BreaksOff))
    SHELF.update(CONTENT)
    (folder / "spool").mkdir()
    collector = Collector(Spool(folder / "spool"), lambda *_: None)
    locators = [Locator(name, "default", []) for name in CONTENT]
    collector.fetch(Wanted(StorageTarget("default", item.value), item) for item in locators)
    assert collector.statistics.embedded_bytes == sum(map(len, CONTENT.values()))


def test_content_is_read_a_block_at_a_time(settings: Any, tmp_path: Path) -> None:
    become(settings, on_a_shelf(misbehaving.ReadsAllAtOnce))
    SHELF["large"] = bytes(50 * 1024 * 1024)
    sizes = [len(block) for block in storage.read(StorageTarget("default", "large"))]
    assert (sum(sizes), max(sizes)) == (50 * 1024 * 1024, storage.READ_BYTES)


def test_an_address_of_the_storage_is_understood_whatever_its_base_address_raises(
    settings: Any,
) -> None:
    become(settings, on_a_shelf(misbehaving.NoBaseAddress))
    assert resolve("a.png", "default", is_path=False) == StorageTarget("default", "a.png")
