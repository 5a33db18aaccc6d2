"""No address inside the network, in whatever notation, by whatever answer of the resolver: more than two
hundred, and none of them is so much as connected to."""

import ipaddress
import socket
from collections.abc import Iterator

import pytest

from backups.errors import FetchError
from backups.files import public_addresses
from backups.files.http import HttpSource
from backups.files.resolve import HttpTarget

INSIDE = (
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "10.255.255.254"),  # noqa: S104
    *("172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.255.254", "169.254.169.254"),
    *("100.64.0.1", "100.127.255.254", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
)  # fmt: skip
INSIDE_6 = (
    *("::", "::1", "fe80::1", "fec0::1", "feff::1", "fc00::1", "fd12:3456::1", "ff02::1", "100::1"),
    *(
        "2001:db8::1",
        "2001::1",
        "2001:10::1",
        "2001:20::1",
        "3fff::1",
        "5f00::1",
        "4000::1",
        "e000::1",
    ),
)
OUTSIDE = ("1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::1")


def numbers(address: str) -> Iterator[str]:
    """How programs of C take an IPv4 address: inet_aton(3)."""
    a, b, c, d = map(int, address.split("."))
    whole = int(ipaddress.IPv4Address(address))
    yield from (address, str(whole), hex(whole), f"0{whole:o}", f"{a}.{b}.{c * 256 + d}")
    yield from (f"{a}.{b * 65536 + c * 256 + d}", f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}")
    yield from (f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"{address}.")
    yield address.translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)})


def within_6(address: str) -> Iterator[str]:
    """How IPv6 takes it: compatible, mapped, SIIT, NAT64 (its own and a local prefix), 6to4, Teredo."""
    whole = int(ipaddress.IPv4Address(address))
    for prefix in ("::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::"):
        yield str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) + whole))
    yield str(ipaddress.IPv6Address((0x2002 << 112) + (whole << 80)))
    yield str(ipaddress.IPv6Address((0x20010000 << 96) + (whole ^ 0xFFFFFFFF)))


NUMBERS = [host for address in INSIDE for host in numbers(address)]
ANSWERS = [*INSIDE, *INSIDE_6, *(host for address in INSIDE for host in within_6(address))]
REFUSED = {"file.internal_address", "file.bad_address", "file.unreachable"}


@pytest.fixture(autouse=True)
def connected(monkeypatch: pytest.MonkeyPatch, settings) -> list[object]:
    """What somebody tried to connect to; nothing is."""
    settings.BACKUPS_FETCH_PLAIN_HTTP = True
    tried: list[object] = []

    def connect(_socket: socket.socket, address: object) -> None:
        tried.append(address)
        raise OSError("nobody is connected to")

    monkeypatch.setattr(socket.socket, "connect", connect)
    return tried


def code_of(source: HttpSource, host: str) -> str:
    with pytest.raises(FetchError) as refused:
        b"".join(source.read(HttpTarget(f"http://{host}/")))
    return refused.value.code


def resolves_to(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    answer = (family, socket.SOCK_STREAM, 6, "", (address, 80))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [answer])


def test_there_are_many_of_them():
    assert len({*NUMBERS, *ANSWERS}) >= 350


def test_no_number_of_an_inside_address_is_connected_to(connected: list[object]):
    # Each host is given up after so many that did not answer: one source for each.
    codes = {host: code_of(HttpSource(), host) for host in NUMBERS}
    assert {host: code for host, code in codes.items() if code not in REFUSED} == {}
    assert {codes[host] for host in INSIDE} == {"file.internal_address"}
    assert connected == []


def test_no_inside_address_of_ipv6_is_connected_to(connected: list[object]):
    hosts = [f"[{address}]" for address in ANSWERS if ":" in address]
    codes = {host: code_of(HttpSource(), host) for host in hosts}
    assert {host: code for host, code in codes.items() if code not in REFUSED} == {}
    assert connected == []


def test_no_answer_of_the_resolver_leads_inside(monkeypatch: pytest.MonkeyPatch, connected):
    passed = []
    for address in ANSWERS:
        resolves_to(monkeypatch, address)
        if code_of(HttpSource(), "files.example") != "file.internal_address":
            passed.append(address)
    assert (passed, connected) == ([], [])


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_outside_is_connected_to(
    monkeypatch: pytest.MonkeyPatch, connected, address: str
):
    """The control: else the others would prove nothing."""
    resolves_to(monkeypatch, address)
    assert code_of(HttpSource(), "files.example") == "file.unreachable"
    assert {ipaddress.ip_address(tried[0]) for tried in connected} == {
        ipaddress.ip_address(address)
    }


@pytest.mark.parametrize("address", ["::7f00:1", "fec0::1", "::ffff:0:7f00:1"])
def test_without_the_look_at_what_is_given_out_it_is_connected_to(
    monkeypatch: pytest.MonkeyPatch, connected, address: str
):
    """The twin: what is known to be inside is not all that is."""
    monkeypatch.setattr(public_addresses, "is_public", lambda address: True)
    resolves_to(monkeypatch, address)
    assert code_of(HttpSource(), "files.example") == "file.unreachable"
    assert connected
