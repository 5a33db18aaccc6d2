"""From locators to entries: each content once, several fetched at a time, retries, gaps and skips."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from backups.artifact.tail import FileHead
from backups.errors import FetchError
from backups.files import http
from backups.files.collect import Collector, count_only, wanted_files
from backups.files.spool import Spool, TooLarge
from backups.wording import _
from tests.backups.files.web import Web, body, endless, serving, status
from tests.backups.studio import keep

pytestmark = pytest.mark.usefixtures("folders")
Line = tuple[str, bool, str, str, str, list[str]]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    (tmp_path / "spool").mkdir()
    return Spool(tmp_path / "spool")


@pytest.fixture
def web(settings) -> Iterator[Web]:
    with serving() as made:
        settings.BACKUPS_FETCH_INTERNAL_HOSTS = [made.host]
        yield made


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http.HttpSource, "pause", lambda *_: None)


def line(value: str, key: str = "1", *, section: str = "assets", is_path: bool = False) -> bytes:
    return msgspec.json.encode(("default", is_path, value, section, "url", [key])) + b"\n"


def collected(spool: Spool, *lines: bytes) -> tuple[Collector, list[tuple[FileHead, bytes]]]:
    collector = Collector(spool, lambda *_: None)
    collector.fetch(wanted_files(iter(lines)))
    return collector, [(head, b"".join(content)) for head, content in collector.entries()]


def test_equal_values_are_one_locator_with_all_its_rows():
    wanted = list(
        wanted_files(
            iter([line("a.png", "1"), line("a.png", "2"), line("a.png", "3", section="x")])
        )
    )
    (item,) = wanted
    assert [(use.section, use.keys) for use in item.locator.uses] == [
        ("assets", ["1", "2"]),
        ("x", ["3"]),
    ]


def test_a_key_of_several_parts_is_a_list():
    given = msgspec.json.encode(("default", False, "a.png", "pairs", "url", ["1", "2"]))
    (item,) = wanted_files(iter([given]))
    assert item.locator.uses[0].keys == [["1", "2"]]


def test_an_address_says_no_storage_and_content_in_the_value_is_no_file():
    given = [line("data:text/plain,x"), line("https://files.example/a")]
    assert [item.locator.storage for item in wanted_files(iter(given))] == [""]


def test_equal_bytes_are_stored_once_under_all_their_names(spool: Spool, web: Web):
    keep("a.png", b"same")
    keep("b.png", b"same")
    keep("c.png", b"other")
    url = web.on("/d.png", body(b"same"))
    collector, entries = collected(
        spool, *(line(value) for value in ("a.png", "b.png", "c.png", url))
    )
    assert [(head.name, len(head.locators), content) for head, content in entries] == [
        ("a.png", 3, b"same"),
        ("c.png", 1, b"other"),
    ]
    statistics = collector.statistics
    assert (statistics.locators, statistics.embedded, statistics.embedded_bytes) == (4, 2, 9)


def test_the_spool_is_empty_when_all_entries_were_read(spool: Spool, tmp_path: Path):
    keep("a.png", b"a")
    collected(spool, line("a.png"))
    assert [path.name for path in (tmp_path / "spool").iterdir()] == ["list"]


def test_a_file_that_is_missing_is_a_gap_with_its_reason(spool: Spool):
    collector, entries = collected(spool, line("lost.png"), line("gone.png"))
    assert [(h.state, h.reason.code if h.reason else "") for h, _ in entries] == [
        ("gap", "file.missing"),
        ("gap", "file.missing"),
    ]
    assert collector.statistics.gaps == 2


def test_a_file_over_the_limit_is_skipped_as_soon_as_it_is_passed(spool: Spool, web: Web, settings):
    settings.BACKUPS_FILE_LIMIT_BYTES = 1000
    keep("fits.png", b"x" * 1000)
    collector, entries = collected(spool, line("fits.png"), line(web.on("/endless", endless)))
    assert [head.state for head, _ in entries] == ["embedded", "skipped"]
    assert collector.statistics.skipped == 1
    assert entries[1][0].size_bytes is None


def test_what_may_help_is_tried_again_and_what_cannot_is_not(spool: Spool, web: Web):
    moody = web.on("/moody", status(503), status(500), body(b"at last"))
    gone = web.on("/gone", status(404))
    _, entries = collected(spool, line(moody), line(gone))
    assert [head.state for head, _ in entries] == ["embedded", "gap"]
    assert web.asked.count("/moody") == 3
    assert web.asked.count("/gone") == 1


def test_attempts_come_to_an_end(spool: Spool, web: Web, settings):
    settings.BACKUPS_FETCH_ATTEMPTS = 4
    _, entries = collected(spool, line(web.on("/never", status(503))))
    assert entries[0][0].state == "gap"
    assert web.asked == ["/never"] * 4


def test_several_are_fetched_at_a_time(spool: Spool, web: Web, settings):
    settings.BACKUPS_FETCH_WORKERS = settings.BACKUPS_FETCH_PER_HOST = 3
    together = threading.Barrier(3, timeout=20)

    def wait_for_the_others(request) -> None:
        together.wait()
        body(request.path.encode())(request)

    urls = [web.on(f"/{n}", wait_for_the_others) for n in range(6)]
    _, entries = collected(spool, *map(line, urls))
    assert [content for _, content in entries] == [f"/{n}".encode() for n in range(6)]


def test_the_order_of_the_entries_is_that_of_the_locators(spool: Spool, web: Web):
    first_waits = threading.Event()

    def slow(request) -> None:
        first_waits.wait(20)
        body(b"slow")(request)

    def quick(request) -> None:
        body(b"quick")(request)
        first_waits.set()

    _, entries = collected(spool, line(web.on("/1", slow)), line(web.on("/2", quick)))
    assert [content for _, content in entries] == [b"slow", b"quick"]


def test_who_is_told_of_a_file_may_stop_it_all(spool: Spool):
    class Enough(Exception):
        pass

    def enough(*_: object) -> None:
        raise Enough

    keep("a.png", b"a")
    with pytest.raises(Enough):
        Collector(spool, enough).fetch(wanted_files(iter([line("a.png")])))


def test_who_is_told_hears_state_and_size(spool: Spool):
    keep("a.png", b"abc")
    heard = []
    collector = Collector(spool, lambda state, size: heard.append((state, size)))
    collector.fetch(wanted_files(iter([line("a.png"), line("lost.png")])))
    assert heard == [("embedded", 3), ("gap", 0)]


@pytest.mark.parametrize("value", ["https://[::1/a.png", "//[::1/a.png", "/media///[::1"])
def test_a_mistyped_address_is_a_gap_and_not_the_end_of_the_backup(spool: Spool, value: str):
    _, entries = collected(spool, line(value))
    assert [(h.state, h.reason.code if h.reason else "") for h, _ in entries] in (
        [("gap", "file.bad_address")],
        [("gap", "file.missing")],
    )


def test_the_media_type_follows_from_the_name(spool: Spool):
    for name in ("a.png", "b.pdf", "c.unknown"):
        keep(name, name.encode())
    _, entries = collected(spool, *(line(name) for name in ("a.png", "b.pdf", "c.unknown")))
    assert [head.media_type for head, _ in entries] == [
        *("image/png", "application/pdf", "application/octet-stream"),
    ]


def test_a_safe_backup_counts_without_fetching(web: Web):
    counted = count_only(iter([line("a.png"), line(web.url("/b")), line("data:,x")]))
    assert (counted.locators, counted.not_included, counted.not_included_local) == (2, 2, 1)
    assert web.asked == []


def test_a_stream_that_fails_leaves_nothing_in_the_spool(spool: Spool, tmp_path: Path):
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise FetchError("file.unreachable", _("Broken off."), hint=_("None."))

    with pytest.raises(FetchError):
        spool.take(broken(), limit_bytes=100)
    with pytest.raises(TooLarge):
        spool.take([b"x" * 101], limit_bytes=100)
    assert list((tmp_path / "spool").iterdir()) == []


def test_the_spool_names_content_by_its_hash(spool: Spool):
    done = spool.take([b"ab", b"", b"c"], limit_bytes=3)
    assert done.size_bytes == 3
    assert b"".join(spool.read(done.sha256)) == b"abc"
    assert done.sha256.startswith("ba7816bf")
