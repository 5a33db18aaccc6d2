"""Fetching: what may be asked and what may not, what is worth another attempt, and when to stop."""

import gzip
import socket
import threading
import zlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from backups.errors import FetchError
from backups.files import hosts, http
from backups.files.http import HttpSource
from backups.files.resolve import HttpTarget
from tests.backups.files.web import Web, body, broken_off, endless, redirect, serving, status


@pytest.fixture
def web(settings) -> Iterator[Web]:
    """A server that the settings admit, as a studio's own file server would be."""
    with serving() as made:
        settings.BACKUPS_FETCH_INTERNAL_HOSTS = [made.host]
        yield made


@pytest.fixture
def inside() -> Iterator[Web]:
    """A server inside the network that nobody admitted."""
    with serving() as made:
        made.on("/secret", body(b"metadata of the cloud"))
        yield made


def fetch(url: str) -> bytes:
    return b"".join(HttpSource().read(HttpTarget(url)))


def refusal(url: str) -> FetchError:
    with pytest.raises(FetchError) as refused:
        fetch(url)
    assert refused.value.hint
    return refused.value


def test_a_file_comes_as_it_is(web: Web):
    assert fetch(web.on("/a.png", body(b"\x89PNG" * 100_000))) == b"\x89PNG" * 100_000


def test_a_server_inside_the_network_is_not_asked_unless_it_is_admitted(inside: Web):
    assert refusal(inside.url("/secret")).code == "file.plain_http"
    assert inside.asked == []


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1"),  # noqa: S104
        *("169.254.169.254", "100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1"),
        *("localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::]", "[fe80::1]", "[fc00::1]"),
        *("[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[::a00:1]"),
        *("[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[ff02::1]"),
    ],
)
def test_no_address_inside_the_network_is_reached(host: str, settings):
    settings.BACKUPS_FETCH_PLAIN_HTTP = True
    settings.BACKUPS_FETCH_CONNECT_SECONDS = 1
    assert refusal(f"http://{host}/").code == "file.internal_address"
    assert refusal(f"https://{host}/").code == "file.internal_address"


def test_a_name_that_means_an_inside_address_is_refused_when_it_is_connected_to(
    inside: Web, monkeypatch: pytest.MonkeyPatch, settings
):
    """As with DNS rebinding: whatever the name said before, the address counts."""
    settings.BACKUPS_FETCH_PLAIN_HTTP = True
    monkeypatch.setattr(http, "_PORTS", {"http": inside.port, "https": 443})
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", inside.port))],
    )
    assert refusal(f"http://files.example:{inside.port}/secret").code == "file.internal_address"
    assert inside.asked == []


def test_without_the_filter_it_would_be_reached(
    inside: Web, monkeypatch: pytest.MonkeyPatch, settings
):
    settings.BACKUPS_FETCH_PLAIN_HTTP = True
    monkeypatch.setattr(http, "_PORTS", {"http": inside.port, "https": 443})
    unfiltered = http._new_session
    monkeypatch.setattr(http, "_new_session", lambda *, internal: unfiltered(internal=True))
    assert fetch(inside.url("/secret")) == b"metadata of the cloud"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://files.example/a", "file.plain_http"),
        ("https://files.example:8443/a", "file.port"),
        ("https://files.example:22/a", "file.port"),
        ("ftp://files.example/a", "file.bad_address"),
        ("file:///etc/passwd", "file.bad_address"),
        ("gopher://files.example/a", "file.bad_address"),
        ("https://noa:secret@files.example/a", "file.bad_address"),
        ("https:///a", "file.bad_address"),
        ("https://files.example:port/a", "file.bad_address"),
        ("https://[::1/a", "file.bad_address"),
        ("https://" + "a" * 300 + ".example/", "file.bad_address"),
        ("https://files.example%2eother.example/", "file.bad_address"),
    ],
)
def test_an_address_that_may_not_be_asked_is_refused_by_name(url: str, code: str):
    refused = refusal(url)
    assert (refused.code, refused.permanent) == (code, True)


def test_only_listed_hosts_are_asked_where_there_is_a_list(settings):
    settings.BACKUPS_FETCH_ALLOWED_HOSTS = ["files.example", "fass.example"]
    for host in (
        "other.example",
        "fa\u00df.example",
        "xn--fa-hia.example",
        "files.example.evil.example",
    ):
        assert refusal(f"https://{host}/a").code == "file.host"


def test_plain_http_and_its_port_can_be_allowed(settings):
    settings.BACKUPS_FETCH_PLAIN_HTTP = True
    assert refusal("http://127.0.0.1:81/").code == "file.port"


def test_a_redirect_is_followed(web: Web):
    web.on("/b", body(b"there"))
    assert fetch(web.on("/a", redirect("/b"))) == b"there"
    assert fetch(web.on("/c", redirect(web.url("/b"), 307))) == b"there"


def test_a_redirect_into_the_network_is_refused(web: Web, inside: Web, settings):
    assert refusal(web.on("/a", redirect(inside.url("/secret")))).code == "file.plain_http"
    settings.BACKUPS_FETCH_PLAIN_HTTP = True
    assert refusal(web.on("/b", redirect("http://127.0.0.1/"))).code == "file.internal_address"
    assert refusal(web.on("/c", redirect("file:///etc/passwd"))).code == "file.bad_address"
    assert inside.asked == []


def test_redirects_come_to_an_end(web: Web):
    assert refusal(web.on("/a", redirect("/a"))).code == "file.redirects"
    assert len(web.asked) == http.MOST_REDIRECTS + 1


@pytest.mark.parametrize(
    ("code", "permanent"),
    [(404, True), (403, True), (410, True), (429, False), (500, False), (503, False), (204, True)],
)
def test_whether_a_status_is_worth_another_attempt(web: Web, code: int, permanent: bool):
    refused = refusal(web.on("/a", status(code)))
    assert (refused.code, refused.permanent) == ("file.http_status", permanent)
    assert str(code) in refused.message


def test_a_body_that_breaks_off_is_no_file(web: Web):
    refused = refusal(web.on("/a", broken_off(b"half", promised=8)))
    assert (refused.code, refused.permanent) == ("file.unreachable", False)


def test_a_server_that_is_not_there_is_unreachable(settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        settings.BACKUPS_FETCH_INTERNAL_HOSTS = [host]
        assert refusal(f"http://{host}/a").code == "file.unreachable"


def _nobody() -> str:
    """A host and port where nobody listens any more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def _asked_in_a_row(source: HttpSource, url: str, times: int) -> list[str]:
    codes = []
    for _attempt in range(times):
        try:
            b"".join(source.read(HttpTarget(url)))
            codes.append("")
        except FetchError as error:
            codes.append(error.code)
    return codes


def test_a_server_that_is_away_is_asked_only_now_and_then(web: Web, settings):
    now = [0.0]
    source = HttpSource(clock=lambda: now[0])
    host = _nobody()
    settings.BACKUPS_FETCH_INTERNAL_HOSTS = [*settings.BACKUPS_FETCH_INTERNAL_HOSTS, host]
    nobody, somebody = f"http://{host}/a", web.on("/a", body(b"x"))
    assert _asked_in_a_row(source, nobody, 10) == ["file.unreachable"] * 10
    assert _asked_in_a_row(source, nobody, 3) == ["file.server_away"] * 3
    assert _asked_in_a_row(source, somebody, 1) == [""]
    now[0] = hosts.ASK_AGAIN_SECONDS
    assert _asked_in_a_row(source, nobody, 2) == ["file.unreachable", "file.server_away"]


def test_a_server_that_comes_back_is_asked_as_before(web: Web):
    now = [0.0]
    source = HttpSource(clock=lambda: now[0])
    url = web.on("/a", body(b"x"))
    away = source._host(urlsplit(url))
    for _attempt in range(hosts.AWAY_AFTER):
        away.did_not_answer()
    assert _asked_in_a_row(source, url, 1) == ["file.server_away"]
    now[0] = hosts.ASK_AGAIN_SECONDS
    assert _asked_in_a_row(source, url, 3) == [""] * 3


def test_without_that_every_file_would_wait_for_it(settings, monkeypatch):
    monkeypatch.setattr(hosts.Host, "require_present", lambda self: None)
    settings.BACKUPS_FETCH_INTERNAL_HOSTS = [host := _nobody()]
    asked = _asked_in_a_row(HttpSource(), f"http://{host}/a", 15)
    assert asked == ["file.unreachable"] * 15


def test_a_server_that_says_nothing_is_given_up(web: Web, settings):
    settings.BACKUPS_FETCH_READ_SECONDS = 0.1
    silence = threading.Event()

    def say_nothing(_: object) -> None:
        silence.wait(20)

    try:
        refused = refusal(web.on("/a", say_nothing))
    finally:
        silence.set()
    assert (refused.code, refused.permanent) == ("file.unreachable", False)


def test_a_body_that_takes_too_long_is_given_up_at_the_deadline(web: Web, settings):
    settings.BACKUPS_FETCH_TOTAL_SECONDS = 10
    seconds = iter(range(0, 1000, 3))
    source = HttpSource(clock=lambda: next(seconds))
    received = source.read(HttpTarget(web.on("/a", endless)))
    with pytest.raises(FetchError) as refused:
        for _ in received:
            pass
    assert refused.value.code == "file.too_slow"


def test_proxies_and_passwords_of_the_environment_are_not_used(
    web: Web, monkeypatch: pytest.MonkeyPatch, tmp_path
):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login noa password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert fetch(web.on("/a", body(b"x"))) == b"x"
    assert "authorization" not in web.headers[0]


def test_what_comes_compressed_is_kept_as_a_browser_would_show_it(web: Web):
    """Though nobody asked for it: the bytes of gzip are no picture."""
    plain = b"<svg/>" * 100_000
    packed = gzip.compress(plain[:1000]) + gzip.compress(plain[1000:])
    for name in ("gzip", "X-GZIP", "identity, gzip"):
        assert fetch(web.on("/a", body(packed, Content_Encoding=name))) == plain
    assert fetch(web.on("/a", body(zlib.compress(plain), Content_Encoding="deflate"))) == plain
    assert fetch(web.on("/a", body(b"", Content_Encoding="gzip"))) == b""
    assert web.headers[0]["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"not gzip", "gzip"),
        (gzip.compress(b"x" * 1000)[:-9], "gzip"),
        (gzip.compress(b"x") + b"junk", "gzip"),
        (b"x", "br"),
        (b"x", "gzip, gzip"),
        (b"x", "zstd"),
    ],
    ids=["other", "cut", "junk behind it", "br", "twice", "zstd"],
)
def test_what_cannot_be_unpacked_is_no_file(web: Web, content: bytes, encoding: str):
    assert refusal(web.on("/a", body(content, Content_Encoding=encoding))).code == "file.encoding"


def test_what_is_unpacked_comes_in_small_blocks_and_ends_at_the_limit(web: Web, settings):
    """30 kB that become 30 MB are counted as they come, and never held."""
    packed = gzip.compress(b"\0" * 30_000_000)
    url = web.on("/a", body(packed, Content_Encoding="gzip"))
    assert max(len(block) for block in HttpSource().read(HttpTarget(url))) <= http.READ_BYTES
    settings.BACKUPS_FILE_LIMIT_BYTES = len(packed) - 1
    assert refusal(url).code == "file.encoding"


def test_so_many_at_a_time_from_one_host_and_no_more(web: Web, settings):
    settings.BACKUPS_FETCH_PER_HOST = 2
    at_once, most = 0, 0
    changed = threading.Condition()

    def count(request) -> None:
        nonlocal at_once, most
        with changed:
            at_once += 1
            most = max(most, at_once)
            changed.notify_all()
            changed.wait_for(lambda: at_once == 2, timeout=0.2)
        body(b"x")(request)
        with changed:
            at_once -= 1

    url = web.on("/a", count)
    source = HttpSource()
    threads = [
        threading.Thread(target=lambda: b"".join(source.read(HttpTarget(url)))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_pauses_double_with_jitter_and_have_a_longest():
    slept: list[float] = []
    source = HttpSource(sleep=slept.append)
    for attempt in range(10):
        source.pause(attempt)
    for attempt, seconds in enumerate(slept):
        assert min(30, 0.5 * 2**attempt) / 2 <= seconds <= min(30, 0.5 * 2**attempt)
    assert len(set(slept)) == 10


class Dripping:
    """A server whose every file takes so many seconds of a clock that nobody has to wait for."""

    def __init__(self, web: Web, seconds: float) -> None:
        self._web = web
        self._seconds = seconds
        self.now = 0.0
        self.source = HttpSource(clock=lambda: self.now)

    def _late(self, request) -> None:
        self.now += self._seconds
        body(b"x")(request)

    def codes(self, files: int, *, url: str = "/slow") -> list[str]:
        return _asked_in_a_row(self.source, self._web.on(url, self._late), files)


def test_a_server_that_is_too_slow_did_not_answer(web: Web):
    """It says that it is about to come, and then a byte now and then."""
    codes = Dripping(web, seconds=301).codes(hosts.AWAY_AFTER + 5)
    assert codes.count("file.too_slow") < hosts.AWAY_AFTER
    assert codes[-1] in ("file.server_away", "file.server_slow")


def test_too_slow_ones_alone_make_a_server_away(web: Web, settings):
    settings.BACKUPS_FETCH_HOST_SECONDS = 1_000_000
    codes = Dripping(web, seconds=301).codes(hosts.AWAY_AFTER + 3)
    assert codes == ["file.too_slow"] * hosts.AWAY_AFTER + ["file.server_away"] * 3


def test_a_server_may_be_late_by_so_much_in_all(web: Web, settings):
    """600 files, each a byte every 0.2 s and each within its time, would take a day."""
    settings.BACKUPS_FETCH_HOST_SECONDS = 900
    dripping = Dripping(web, seconds=120)
    codes = dripping.codes(600)
    assert codes == [""] * 9 + ["file.server_slow"] * 591
    assert dripping.now < 1200


def test_without_that_budget_they_would_take_a_day(web: Web, monkeypatch, settings):
    settings.BACKUPS_FETCH_STAGE_SECONDS = 1_000_000
    monkeypatch.setattr(hosts.Host, "took", lambda *_: None)
    dripping = Dripping(web, seconds=120)
    assert dripping.codes(100) == [""] * 100
    assert dripping.now == 12_000


def test_large_files_take_their_time_without_being_late():
    host = hosts.Host(1, lambda: 0.0, slow_seconds=1)
    host.took(600, 50 * 1024 * 1024)
    host.took(9, 0)
    host.require_present()
    host.took(12, 0)
    with pytest.raises(FetchError) as refused:
        host.require_present()
    assert refused.value.code == "file.server_slow"


def test_the_fetching_of_all_files_ends(web: Web, settings):
    settings.BACKUPS_FETCH_STAGE_SECONDS = 100
    dripping = Dripping(web, seconds=9)
    assert dripping.codes(20) == [""] * 11 + ["file.too_slow"] + ["file.stage_over"] * 8


SPELLINGS = [
    ("https://files.example/a", "https://FILES.example./b"),
    ("https://files.example/a", "https://files.example:443/b"),
    ("https://b\u00fccher.example/a", "https://xn--bcher-kva.example/b"),
    ("https://[2001:db8::1]/a", "https://[2001:DB8:0:0:0:0:0:1]:443/b"),
]


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_a_host_is_one_however_it_is_spelled(one: str, other: str):
    source = HttpSource()
    assert source._host(urlsplit(one)) is source._host(urlsplit(other))
    assert source._host(urlsplit(one)) is not source._host(urlsplit("https://other.example/"))


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_a_listed_host_is_listed_however_it_is_spelled(one: str, other: str, settings):
    for listed, asked in ((one, other), (other, one)):
        settings.BACKUPS_FETCH_ALLOWED_HOSTS = [urlsplit(listed).hostname]
        assert http._permitted(asked).scheme == "https"
    settings.BACKUPS_FETCH_ALLOWED_HOSTS = ["elsewhere.example"]
    assert refusal(one).code == "file.host"


@pytest.mark.parametrize(
    ("admitted", "url"),
    [
        ("Files.internal:80", "http://files.INTERNAL./a"),
        ("[::1]:8000", "http://[0:0:0:0:0:0:0:1]:8000/a"),
        ("::1:8000", "http://[::1]:8000/a"),
    ],
)
def test_an_admitted_host_is_admitted_however_it_is_spelled(admitted: str, url: str, settings):
    settings.BACKUPS_FETCH_INTERNAL_HOSTS = [admitted]
    assert http._permitted(url).scheme == "http"
