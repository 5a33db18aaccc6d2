"""File content out of Django's storages, and what it means when there is none."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, default_storage, storages

from backups.errors import FetchError
from backups.files import storage
from backups.files.names import may_be_asked_for
from backups.files.resolve import StorageTarget

pytestmark = pytest.mark.usefixtures("folders")


def read(name: str) -> bytes:
    return b"".join(storage.read(StorageTarget("default", name)))


def refusal(name: str) -> FetchError:
    with pytest.raises(FetchError) as refused:
        read(name)
    assert refused.value.hint
    return refused.value


def test_content_comes_in_blocks():
    default_storage.save("a/b.bin", ContentFile(b"x" * (storage.READ_BYTES + 1)))
    blocks = list(storage.read(StorageTarget("default", "a/b.bin")))
    assert [len(block) for block in blocks] == [storage.READ_BYTES, 1]


def test_an_empty_file_is_a_file():
    default_storage.save("empty", ContentFile(b""))
    assert read("empty") == b""


@pytest.mark.parametrize("name", ["nothing.png", "a", "", "a/b.bin/c"])
def test_what_is_not_there_is_missing_for_good(name: str, folders):
    (folders.media / "a").mkdir(parents=True)
    (folders.media / "a" / "b.bin").write_bytes(b"x")
    refused = refusal(name)
    assert (refused.code, refused.permanent) == ("file.missing", True)


def test_a_named_pipe_is_no_file_and_nobody_waits_for_it(folders):
    folders.media.mkdir()
    os.mkfifo(folders.media / "pipe")
    refused = refusal("pipe")
    assert (refused.code, refused.permanent) == ("file.missing", True)


@pytest.mark.parametrize(
    "name", ["../installation.key", "a/../../installation.key", "/etc/passwd", "a\0b"]
)
def test_a_name_that_leads_out_of_the_storage_is_refused(name: str, folders):
    folders.key.write_text("secret")
    refused = refusal(name)
    assert (refused.code, refused.permanent) == ("file.bad_name", True)
    assert str(folders.media) not in refused.message


BAD_NAMES = ["", "../key", "a/../../key", "..\\key", "/etc/passwd", "a\0b", "x" * 5000, "\ud800"]


def test_such_a_name_is_said_to_no_storage_whether_it_guards_itself_or_not():
    """Django's own would refuse some of them; one of a project need not."""
    assert [name for name in BAD_NAMES if may_be_asked_for(name)] == []
    assert all(map(may_be_asked_for, ["a.png", "a..b/c d.png", "é/..a", "C:/x"]))


def test_a_storage_that_does_not_guard_itself_is_not_asked(monkeypatch):
    """And the twin."""
    asked = []

    class Trusting(Storage):
        def _open(self, name: str, mode: str = "rb"):
            asked.append(name)
            raise FileNotFoundError(name)

    monkeypatch.setattr(storage, "storages", {"default": Trusting()})
    for name in BAD_NAMES[1:]:
        refusal(name)
    assert asked == []
    monkeypatch.setattr(storage, "may_be_asked_for", lambda name: True)
    refusal("../key")
    assert asked == ["../key"]


class Moody(Storage):
    """A storage whose own errors are no OSError, as those of a cloud's client are."""

    def _open(self, name: str, mode: str = "rb"):
        raise LookupError(f"the cloud says no to {name}")


@pytest.fixture
def moody() -> Iterator[None]:
    storages._storages["moody"] = Moody()  # type: ignore[attr-defined]
    yield
    del storages._storages["moody"]  # type: ignore[attr-defined]


@pytest.mark.usefixtures("moody")
def test_an_error_of_a_storage_s_own_kind_is_worth_another_attempt():
    with pytest.raises(FetchError) as refused:
        next(storage.read(StorageTarget("moody", "a")))
    assert (refused.value.code, refused.value.permanent) == ("file.unreadable", False)
    assert "cloud" not in refused.value.message


def test_a_link_is_followed(folders):
    folders.media.mkdir()
    (folders.media / "inside").write_bytes(b"y")
    (folders.media / "link").symlink_to(folders.media / "inside")
    assert read("link") == b"y"


class NoException(BaseException):
    """As gevent's Timeout is."""


@pytest.fixture
def raising(monkeypatch):
    """A storage that raises this wherever it is asked for a file."""

    def ending_in(error: BaseException) -> None:
        def raising(*_asked: object) -> None:
            raise error

        for name in ("_open", "exists", "size"):
            monkeypatch.setattr(type(storages["default"]), name, raising)

    return ending_in


def _elsewhere(name: str) -> BaseException | None:
    """What reading raises in a thread that fetches."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(read, name).exception()


def test_what_is_no_exception_of_python_s_is_a_refusal_too(raising) -> None:
    raising(NoException())
    assert refusal("a").code == "file.unreadable"
    for error in (SystemExit(3), KeyboardInterrupt(), NoException()):
        raising(error)
        assert isinstance(_elsewhere("a"), FetchError)


def test_who_ends_the_process_is_let_through(raising) -> None:
    for error in (SystemExit(3), KeyboardInterrupt()):
        raising(error)
        with pytest.raises(type(error)):
            read("a")


def test_a_reading_that_is_given_up_is_no_refusal() -> None:
    default_storage.save("b", ContentFile(b"x" * (storage.READ_BYTES + 1)))
    blocks = storage.read(StorageTarget("default", "b"))
    next(blocks)
    blocks.close()
