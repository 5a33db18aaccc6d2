"""What is judged is what is asked: no spelling of an address, no second answer of a resolver and no redirect
leads elsewhere than where was looked."""

import ipaddress
import itertools
import socket
from urllib.parse import urlsplit

import pytest

from backups.errors import FetchError
from backups.files import public_addresses
from backups.files.hosts import canonical
from backups.files.http import HttpSource, _permitted
from backups.files.resolve import HttpTarget
from tests.backups.files.web import redirect, serving

OUTSIDE, INSIDE = "93.184.216.34", "127.0.0.1"


class Net:
    """A resolver that answers in turn, and what was then connected to; nothing is."""

    def __init__(self, *answers: str | tuple[str, ...]) -> None:
        self.asked: list[str] = []
        self.connected: list[str] = []
        self._answers = itertools.cycle(answers or (OUTSIDE,))

    def resolve(self, host: str | bytes, port: object, *_: object, **__: object) -> list[tuple]:
        name = host.decode() if isinstance(host, bytes) else host
        addresses = _number(name) or self._answer(name)
        return [_found(address, int(str(port or 80))) for address in addresses]

    def _answer(self, name: str) -> tuple[str, ...]:
        self.asked.append(name)
        given = next(self._answers)
        return (given,) if isinstance(given, str) else given

    def connect(self, address: tuple) -> None:
        self.connected.append(address[0])
        raise OSError("nobody is connected to")


def _number(name: str) -> tuple[str, ...]:
    """What stands in an address as a number needs no resolver's answer."""
    try:
        return (str(ipaddress.ip_address(name.strip("[]"))),)
    except ValueError:
        return ()


def _found(address: str, port: int) -> tuple:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return (family, socket.SOCK_STREAM, 6, "", (address, port))


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch, settings):
    settings.BACKUPS_FETCH_PLAIN_HTTP = True

    def of(*answers: str | tuple[str, ...]) -> Net:
        made = Net(*answers)
        monkeypatch.setattr(socket, "getaddrinfo", made.resolve)
        monkeypatch.setattr(socket.socket, "connect", lambda _, address: made.connect(address))
        return made

    return of


def code_of(url: str) -> str:
    with pytest.raises(FetchError) as refused:
        b"".join(HttpSource().read(HttpTarget(url)))
    return refused.value.code


@pytest.mark.parametrize(
    "answers",
    [
        (OUTSIDE, INSIDE),
        (OUTSIDE, OUTSIDE, INSIDE),
        ((OUTSIDE, INSIDE),),
        ((OUTSIDE, INSIDE), INSIDE),
    ],
)
def test_a_name_that_changes_its_mind_leads_nowhere_inside(net, answers):
    """DNS rebinding: what was looked at is what is connected to, with one question or many."""
    made = net(*answers)
    for _attempt in range(4):
        code_of("http://files.example/a")
    assert OUTSIDE in made.connected and set(made.connected) == {OUTSIDE}


def test_a_name_that_leads_inside_first_is_not_connected_to(net):
    made = net((INSIDE, OUTSIDE))
    assert code_of("http://files.example/a") == "file.internal_address"
    assert made.connected == []


def test_if_the_name_were_asked_again_it_would_lead_inside(net, monkeypatch):
    """The twin: an adapter that looks, and then lets the connection find its own way."""

    def looked_at(self, *given, **named):
        return super(public_addresses.IPFilterAdapter, self).build_connection_pool_key_attributes(
            *given, **named
        )

    monkeypatch.setattr(
        public_addresses.PublicAdapter, "build_connection_pool_key_attributes", looked_at
    )
    made = net(INSIDE)
    code_of("http://files.example/a")
    assert made.connected == [INSIDE]


ODD = [
    "http://files.example\\@127.0.0.1/",
    "http://127.0.0.1\\@files.example/",
    "http://files.example@127.0.0.1/",
    "http://files.example:80@127.0.0.1/",
    "http://:@127.0.0.1/",
    "http://@127.0.0.1/",
    "http://files.example#@127.0.0.1/",
    "http://files.example?@127.0.0.1/",
    "http://files.example;@127.0.0.1/",
    "http://files.example\t.evil.example/",
    "http://fil\nes.example/",
    "http://files.example\r\n.evil.example/",
    "http://files.example\x00.evil.example/",
    "http://files.example%00.evil.example/",
    "http://files.example%2eevil.example/",
    "http://files.example%2F@127.0.0.1/",
    "http://127%2e0%2e0%2e1/",
    "http://%31%32%37.0.0.1/",
    "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",
    "http://127\u30020\u30020\u30021/",
    "http://127\uff0e0\uff0e0\uff0e1/",
    "http://files\u200b.example/",
    "http://files.example\u2024evil.example/",
    "http://fa\u00df.example/",
    "http://[::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[::ffff:7f00:1]/",
    "http://[127.0.0.1]/",
    "http://[v1.x]/",
    "http://files.example./",
    "http://files.example../",
    "http://.files.example/",
    "http://FILES.EXAMPLE/",
    "HTTP://files.example/",
    "http:/127.0.0.1/",
    "http:127.0.0.1/",
    "http:///127.0.0.1/",
    "http:\\\\127.0.0.1/",
    "//127.0.0.1/",
    " http://127.0.0.1/",
    "http:// 127.0.0.1/",
    "http://127.0.0.1 /",
    "http://files.example:80:80/",
    "http://files.example:/",
    "http://files.example:080/",
    "http://files.example:+80/",
    "http://files.example:\u0668\u0660/",
    "http://*/",
    "http://-/",
    "http://a b/",
    "http://[/",
    "http://]/",
]


@pytest.mark.parametrize("url", ODD, ids=ascii)
def test_the_host_that_is_judged_is_the_host_that_is_asked_for(net, url: str):
    made = net(OUTSIDE)
    code = code_of(url)
    assert code in ("file.bad_address", "file.unreachable", "file.internal_address", "file.port"), (
        code
    )
    if made.asked:
        judged = canonical(urlsplit(url).hostname)
        assert {canonical(host) for host in made.asked} == {judged}
    assert set(made.connected) <= {OUTSIDE}


@pytest.mark.parametrize("url", ODD, ids=ascii)
def test_no_spelling_makes_a_listed_host_of_another(net, url: str, settings):
    settings.BACKUPS_FETCH_ALLOWED_HOSTS = ["files.example"]
    made = net(OUTSIDE)
    code_of(url)
    assert {canonical(host) for host in made.asked} <= {"files.example"}


@pytest.mark.parametrize("url", ODD, ids=ascii)
def test_no_spelling_makes_an_admitted_host_of_another(net, url: str, settings):
    settings.BACKUPS_FETCH_INTERNAL_HOSTS = ["files.example:80"]
    made = net(INSIDE)
    code_of(url)
    if made.connected:
        assert {canonical(host) for host in made.asked} == {"files.example"}


def test_an_address_that_was_encrypted_redirects_to_none_that_is_not(settings):
    """The way back to plain HTTP would undo it."""
    with serving() as admitted, serving() as plain:
        settings.BACKUPS_FETCH_INTERNAL_HOSTS = [admitted.host]
        for target in (
            "http://files.example/b",
            plain.url("/b"),
            "//files.example:80/b",
            "ftp://x/",
        ):
            url = admitted.on("/a", redirect(target))
            assert code_of(url) in ("file.plain_http", "file.port", "file.bad_address")
        assert plain.asked == []
    with pytest.raises(FetchError, match="not encrypted"):
        _permitted("http://files.example/b")


def test_no_proxy_of_the_environment_is_asked(net, monkeypatch):
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ):
        monkeypatch.setenv(name, f"http://{INSIDE}:3128")
    made = net(OUTSIDE)
    code_of("http://files.example/a")
    code_of("https://files.example/a")
    assert set(made.connected) == {OUTSIDE} and set(made.asked) == {"files.example"}
