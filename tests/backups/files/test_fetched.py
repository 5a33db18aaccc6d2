"""What has not changed is not fetched again, and nothing else is ever taken for it."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.utils import timezone

from backups.files import fetched, http, storage
from backups.files.collect import Collector, wanted_files
from backups.files.fetched import Fetched, Mark, Used, mark_of_response
from backups.files.resolve import HttpTarget
from backups.files.spool import Spool, Spooled
from tests.backups.files.web import Answer, Web, body, serving, status

pytestmark = pytest.mark.usefixtures("folders")
MEBIBYTE = 1024 * 1024
LONG_AGO, NOW = "Mon, 02 Jan 2023 03:04:05 GMT", "Tue, 03 Jan 2023 03:04:05 GMT"


@pytest.fixture
def web(settings) -> Iterator[Web]:
    with serving() as made:
        settings.BACKUPS_FETCH_INTERNAL_HOSTS = [made.host]
        yield made


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http.HttpSource, "pause", lambda *_: None)


class Backups:
    """One backup after the other, of the same addresses."""

    def __init__(self, place: Path, limit_bytes: int = MEBIBYTE) -> None:
        self.place, self.limit_bytes = place, limit_bytes
        self.number = 0

    @property
    def kept(self) -> Path:
        return self.place / "kept"

    def take(self, *values: str, alias: str = "default") -> tuple[list[bytes | str], Used]:
        """Content of each entry, or the reason why there is none; and what needed no fetching."""
        self.number += 1
        folder = self.place / f"spool-{self.number}"
        folder.mkdir()
        lines = [
            msgspec.json.encode((alias, False, v, "assets", "url", [str(n)])) + b"\n"
            for n, v in enumerate(values)
        ]
        store = Fetched(self.kept, self.limit_bytes)
        collector = Collector(Spool(folder), lambda *_: None, fetched=store)
        collector.fetch(wanted_files(iter(lines)))
        found: list[bytes | str] = []
        for head, content in collector.entries():
            found.append(b"".join(content) if head.reason is None else head.reason.code)
        return found, store.used


@pytest.fixture
def backups(tmp_path: Path) -> Backups:
    return Backups(tmp_path)


def conditional(content: bytes, **headers: str) -> Answer:
    """A server that keeps its word: 304 to who names what it has."""

    def answer(request: Any) -> None:
        etag = headers.get("ETag", "")
        asked = request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")
        if asked in ((etag or None, None), (None, headers.get("Last_Modified"))) and any(asked):
            status(304, **{"ETag": etag} if etag else {})(request)
        else:
            body(content, **headers)(request)

    return answer


@pytest.mark.parametrize("headers", [{"ETag": '"1"'}, {"Last_Modified": LONG_AGO}])
def test_what_has_not_changed_is_not_fetched_again(web: Web, backups: Backups, headers):
    url = web.on("/a.png", conditional(b"content", **headers))
    assert backups.take(url) == ([b"content"], Used(0, 0))
    assert backups.take(url) == ([b"content"], Used(1, 7))
    assert backups.take(url) == ([b"content"], Used(1, 7))
    name = "if-none-match" if "ETag" in headers else "if-modified-since"
    assert [name in sent for sent in web.headers] == [False, True, True]


def test_what_has_changed_is_fetched(web: Web, backups: Backups):
    url = web.on("/a.png", conditional(b"old", ETag='"1"'), conditional(b"new", ETag='"2"'))
    backups.take(url)
    assert backups.take(url) == ([b"new"], Used(0, 0))
    assert backups.take(url) == ([b"new"], Used(1, 3))


def _damage(kept: Path) -> None:
    (content,) = (kept / "content").iterdir()
    content.write_bytes(b"CONTENT")


def test_content_that_is_not_what_its_name_says_is_never_used(web: Web, backups: Backups):
    url = web.on("/a.png", conditional(b"content", ETag='"1"'))
    backups.take(url)
    _damage(backups.kept)
    assert backups.take(url) == ([b"content"], Used(0, 0))
    assert backups.take(url) == ([b"content"], Used(1, 7)), "and is there again"


def test_without_the_look_at_the_digest_it_would_be(web: Web, backups: Backups, monkeypatch):
    url = web.on("/a.png", conditional(b"content", ETag='"1"'))
    backups.take(url)
    _damage(backups.kept)

    def believe(self: Spool, blocks: Iterator[bytes], *, limit_bytes: int) -> Spooled:
        content = b"".join(blocks)
        (name,) = [path.name for path in (backups.kept / "content").iterdir()]
        self.path(name).write_bytes(content)
        return Spooled(len(content), name)

    monkeypatch.setattr(Spool, "take", believe)
    assert backups.take(url)[0] == [b"CONTENT"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"ETag": 'W/"1"'},
        {"ETag": "1"},
        {"Last-Modified": LONG_AGO},
        {"Last-Modified": NOW, "Date": NOW},
        {"Last-Modified": "yesterday", "Date": NOW},
    ],
)
def test_what_a_server_does_not_call_by_a_name_of_its_own_has_no_mark(headers: dict[str, str]):
    assert mark_of_response("http://a/b", headers) is None
    assert mark_of_response("http://a/b", headers | {"ETag": '"1"'}) == Mark("http://a/b", '"1"')


def test_behind_a_redirect_to_elsewhere_nothing_is_taken_for_the_same(web: Web, backups: Backups):
    one = web.on("/one", conditional(b"one", ETag='"1"'))
    other = web.on("/other", conditional(b"other", ETag='"1"'))
    url = web.on("/a.png", status(302, Location=one), status(302, Location=other))
    assert backups.take(url) == ([b"one"], Used(0, 0))
    assert backups.take(url) == ([b"other"], Used(0, 0))


def test_a_304_that_nobody_asked_for_is_no_file(web: Web, backups: Backups):
    assert backups.take(web.on("/a.png", status(304)))[0] == ["file.http_status"]


def test_a_file_over_todays_limit_is_skipped_though_it_was_kept(
    web: Web, backups: Backups, settings
):
    url = web.on("/a.png", conditional(b"content", ETag='"1"'))
    backups.take(url)
    settings.BACKUPS_FILE_LIMIT_BYTES = 3
    assert backups.take(url)[0] == ["file.too_large"]


def test_it_is_bounded_and_what_this_backup_keeps_does_not_push_itself_out(
    web: Web, backups: Backups
):
    backups.limit_bytes = 25
    urls = [web.on(f"/{n}", conditional(b"%010d" % n, ETag='"1"')) for n in range(5)]
    backups.take(*urls)
    assert fetched.held(backups.kept) == Used(2, 20)
    assert backups.take(*urls)[1] == Used(2, 20)


def test_what_is_unused_for_long_goes(web: Web, backups: Backups, monkeypatch):
    backups.take(web.on("/a.png", conditional(b"content", ETag='"1"')))
    monkeypatch.setattr(fetched, "UNUSED_DAYS", -1)
    backups.take(web.on("/b.png", body(b"other")))
    assert fetched.held(backups.kept) == Used(0, 0)
    assert list((backups.kept / "entries").iterdir()) == []


def test_everything_can_be_let_go(web: Web, backups: Backups):
    url = web.on("/a.png", conditional(b"content", ETag='"1"'))
    backups.take(url)
    assert fetched.clear(backups.kept) == Used(1, 7)
    assert fetched.held(backups.kept) == Used(0, 0)
    assert backups.take(url)[1] == Used(0, 0)


def test_nobody_else_may_read_it(web: Web, backups: Backups):
    backups.take(web.on("/a.png", conditional(b"content", ETag='"1"')))
    for path in (backups.kept, *backups.kept.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_where_it_cannot_be_written_files_are_fetched(web: Web, backups: Backups, caplog):
    backups.kept.write_text("no folder")
    url = web.on("/a.png", conditional(b"content", ETag='"1"'))
    assert backups.take(url) == ([b"content"], Used(0, 0))
    assert "could not be kept" in caplog.text


def test_a_broken_entry_is_as_none(web: Web, backups: Backups):
    url = web.on("/a.png", conditional(b"content", ETag='"1"'))
    backups.take(url)
    entry = Fetched(backups.kept, 1)._entry(HttpTarget(url))
    entry.write_bytes(b"{")
    assert backups.take(url) == ([b"content"], Used(0, 0))


class Remote(Storage):
    """A storage that is no folder of this computer, and counts what is read."""

    opened = 0
    files: ClassVar[dict[str, bytes]] = {}

    def _open(self, name: str, mode: str = "rb") -> Any:
        Remote.opened += 1
        return ContentFile(self.files[name])

    def exists(self, name: str) -> bool:
        return name in self.files

    def size(self, name: str) -> int:
        return len(self.files[name])

    def get_modified_time(self, name: str) -> datetime.datetime:
        return timezone.now()


@pytest.fixture
def remote(settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings.STORAGES = settings.STORAGES | {"far": {"BACKEND": f"{__name__}.Remote"}}
    monkeypatch.setattr(Remote, "opened", 0)
    monkeypatch.setattr(Remote, "files", {"a.png": b"content"})


def test_a_storage_s_file_of_the_same_size_and_time_is_not_read_again(
    remote, backups: Backups, monkeypatch
):
    at = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    monkeypatch.setattr(Remote, "get_modified_time", lambda *_: at)
    assert backups.take("a.png", alias="far") == ([b"content"], Used(0, 0))
    assert backups.take("a.png", alias="far") == ([b"content"], Used(1, 7))
    assert Remote.opened == 1
    Remote.files["a.png"] = b"another"
    monkeypatch.setattr(Remote, "get_modified_time", lambda *_: at + datetime.timedelta(seconds=1))
    assert backups.take("a.png", alias="far") == ([b"another"], Used(0, 0))


def test_a_change_that_is_young_tells_nothing(remote, backups: Backups):
    for _ in range(2):
        assert backups.take("a.png", alias="far") == ([b"content"], Used(0, 0))
    assert Remote.opened == 2


def test_a_storage_that_says_no_time_is_read_each_time(remote, backups: Backups, monkeypatch):
    def refuse(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(Remote, "get_modified_time", refuse)
    for _ in range(2):
        assert backups.take("a.png", alias="far")[0] == [b"content"]


def test_files_of_this_computer_are_read_where_they_lie(folders, backups: Backups):
    storages["default"].save("here.png", ContentFile(b"content"))
    target = storage.StorageTarget("default", "here.png")
    assert storage.state(target) == ""
    assert backups.take("here.png")[0] == [b"content"]
    assert not backups.kept.exists()
