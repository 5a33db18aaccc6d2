"""The servers that files are fetched from, as one backup gets to know them."""

import ipaddress
import re
import threading
from collections.abc import Callable
from urllib.parse import SplitResult

import idna

from backups.errors import FetchError
from backups.wording import _

# So many attempts in a row that nobody answered: with three for each file, three or four files.
AWAY_AFTER = 10
ASK_AGAIN_SECONDS = 30.0
# What a fetch may take before it counts as slow: a while, and so long for what came of it.
_WHILE_SECONDS = 10.0
_SLOWEST_BYTES_PER_SECOND = 64 * 1024
_PORTS = {"http": 80, "https": 443}


def canonical(hostname: str) -> str:
    """One spelling for one host: its case, a dot at its end, brackets, how an IPv6 address is shortened,
    and whether letters beyond ASCII are written as such or as punycode, make no other host."""
    name = hostname.strip("[]").rstrip(".").lower()
    try:
        return ipaddress.ip_address(name).compressed
    except ValueError:
        pass
    if name.isascii():
        return name
    try:
        # As requests and browsers do it: Python's own codec takes "\xdf" for "ss", which is another host.
        return idna.encode(name, uts46=True).decode("ascii").lower()
    except idna.IDNAError:
        return name  # nobody's name; asking for it fails


# RFC 1123, and the underline that some names have all the same.
_PLAIN = re.compile(r"[0-9a-z_-]+(?:\.[0-9a-z_-]+)*").fullmatch


def is_name(canonical_name: str) -> bool:
    """Whether a host's one spelling is an address or a name, and nothing that others may read otherwise."""
    if ":" in canonical_name:
        return True  # nothing but an address of IPv6 has one
    return len(canonical_name) <= 253 and bool(_PLAIN(canonical_name))


def spelled_plainly(parts: SplitResult) -> str:
    """The whole address with its host in that one spelling, so that what was judged is what is asked."""
    host = canonical(parts.hostname or "")
    name = f"[{host}]" if ":" in host else host
    port = "" if parts.port is None else f":{parts.port}"
    return parts._replace(netloc=name + port).geturl()


def port_of(parts: SplitResult) -> int:
    return parts.port or _PORTS.get(parts.scheme, 0)


def canonical_pair(pair: str) -> str:
    """``host:port``, as in the settings, in one spelling."""
    name, _colon, port = pair.rpartition(":")
    return f"{canonical(name)}:{port}"


class Host:
    """One server. Safe to share between threads.

    Thousands of files may lie on a server that has gone. Each of them would wait for a connection, for
    hours in all, so that no backup would ever end; so after a while only one now and then finds out
    whether the server is back.
    """

    def __init__(
        self, at_once: int, clock: Callable[[], float], slow_seconds: float = float("inf")
    ) -> None:
        self.turn = threading.Semaphore(at_once)
        self._clock = clock
        self._lock = threading.Lock()
        self._unanswered = 0
        self._ask_again_at = 0.0
        self._slow_seconds_left = slow_seconds

    def require_present(self) -> None:
        """Raises FetchError where the server has not answered for long, or was slow for too long."""
        with self._lock:
            if self._slow_seconds_left <= 0:
                raise _slow()
            if self._unanswered < AWAY_AFTER:
                return
            now = self._clock()
            if now >= self._ask_again_at:
                self._ask_again_at = now + ASK_AGAIN_SECONDS
                return
        raise FetchError(
            "file.server_away",
            _(
                "The server answered none of many requests, so this file was not asked for any more."
            ),
            hint=_(
                "When the server is back, fetch again what is missing, or make the backup again."
            ),
        )

    def took(self, seconds: float, size_bytes: int) -> None:
        """A fetch lasted so long and brought so much. What it was too slow by is never given back: a
        server that drips, each file just within its time, would keep a backup for days."""
        late = seconds - _WHILE_SECONDS - size_bytes / _SLOWEST_BYTES_PER_SECOND
        if late > 0:
            with self._lock:
                self._slow_seconds_left -= late

    def answered(self) -> None:
        with self._lock:
            self._unanswered = 0

    def did_not_answer(self) -> None:
        with self._lock:
            self._unanswered += 1
            if self._unanswered == AWAY_AFTER:
                self._ask_again_at = self._clock() + ASK_AGAIN_SECONDS


def _slow() -> FetchError:
    return FetchError(
        "file.server_slow",
        _("The server was slow for so long that this file was not asked for any more."),
        hint=_("Raise BACKUPS_FETCH_HOST_SECONDS if the server is known to be slow."),
    )
