"""File content over HTTP, without a way to reach an address inside the network.

requests-hardened refuses private, loopback, link-local, CGNAT, NAT64 and mapped addresses on the address
that is connected to. Here are added: the schemes and ports that may be asked, the optional list of hosts,
every redirect checked anew, a total deadline, and a cap counted on the wire.
"""

import contextlib
import ipaddress
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from http import HTTPStatus
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests_hardened import Config, Manager
from requests_hardened.ip_filter import InvalidIPAddress
from urllib3.exceptions import HTTPError, ReadTimeoutError

from backups import conf
from backups.errors import FetchError
from backups.files.deadline import Deadline, keep_deadlines
from backups.files.decoding import decoded
from backups.files.fetched import Mark, mark_of_response
from backups.files.hosts import (
    Host,
    canonical,
    canonical_pair,
    is_name,
    port_of,
    spelled_plainly,
)
from backups.files.public_addresses import is_given_out, only_outside
from backups.files.resolve import HttpTarget
from backups.wording import Sentence, _

READ_BYTES = 64 * 1024
MOST_REDIRECTS = 5
# Whoever met one of these has told the host that it did not answer.
_COUNTED = (requests.RequestException, ReadTimeoutError)
_PORTS = {"http": 80, "https": 443}
_RETRY_LATER = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


Marked = Callable[[Mark | None], None]


class NotModified(Exception):
    """The server's content is the one that was asked about."""


class HttpSource:
    """Fetches addresses; safe to share between threads. ``clock`` and ``sleep`` are there for tests."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._clock = clock
        self._stopped = threading.Event()
        self._sleep = sleep or self._stopped.wait
        self._deadlines: set[Deadline] = set()
        self._deadlines_lock = threading.Lock()
        self._local = threading.local()
        per_host, slow_seconds = conf.fetch_per_host(), conf.fetch_host_seconds()
        self._hosts: defaultdict[str, Host] = defaultdict(
            lambda: Host(per_host, clock, slow_seconds)
        )
        self._hosts_lock = threading.Lock()
        self._all_end_at = clock() + conf.fetch_stage_seconds()

    def read(
        self, target: HttpTarget, known: Mark | None = None, marked: Marked = lambda mark: None
    ) -> Generator[bytes, None, None]:
        """The body in blocks, at one go. ``marked`` is told first what the server calls it, if anything.

        Raises FetchError; NotModified where the server says that it is what ``known`` names.
        """
        asked = [self._host(_permitted(target.url))]
        with asked[0].turn:
            # Waiting for others to be done with the host does not count.
            began = self._clock()
            left = self._seconds_left(began)
            with self._until_deadline(left) as deadline:
                received = 0
                try:
                    for block in self._content(target.url, began + left, asked, known, marked):
                        received += len(block)
                        yield block
                    if deadline.has_ended:
                        raise _too_slow()
                    asked[-1].answered()
                except FetchError as error:
                    is_late = error.code == "file.too_slow" or deadline.has_ended
                    is_counted = isinstance(error.__cause__, _COUNTED)
                    if is_late and not is_counted and not self._stopped.is_set():
                        asked[-1].did_not_answer()
                    if deadline.has_ended and not error.permanent:
                        raise _too_slow() from error
                    raise
                finally:
                    for host in set(asked):
                        host.took(self._clock() - began, received)

    def _content(
        self, url: str, ends_at: float, asked: list[Host], known: Mark | None, marked: Marked
    ) -> Iterator[bytes]:
        """What is at the end of the redirects. ``asked`` gets every host on the way."""
        with self._open(url, ends_at, asked, known) as response:
            marked(mark_of_response(str(response.url), response.headers))
            yield from decoded(
                self._body(response, ends_at, asked[-1]),
                response.headers.get("Content-Encoding", ""),
                limit_bytes=conf.file_limit_bytes(),
            )

    def _seconds_left(self, now: float) -> float:
        """For one file. Raises FetchError where the time for all of them is over."""
        if now >= self._all_end_at:
            raise _all_over()
        return min(conf.fetch_total_seconds(), self._all_end_at - now)

    def stop(self) -> None:
        """End every fetch under way and every pause, in whatever thread: nobody wants them any more."""
        self._stopped.set()
        with self._deadlines_lock:
            for deadline in self._deadlines:
                deadline.end()

    @contextlib.contextmanager
    def _until_deadline(self, seconds: float) -> Iterator[Deadline]:
        with Deadline(seconds) as deadline:
            with self._deadlines_lock:
                self._deadlines.add(deadline)
            try:
                if self._stopped.is_set():
                    deadline.end()
                yield deadline
            finally:
                with self._deadlines_lock:
                    self._deadlines.discard(deadline)

    def pause(self, attempt: int) -> None:
        """Wait before another attempt: doubling, with jitter, so that retries do not come together."""
        self._sleep(min(30.0, 0.5 * 2**attempt) * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret

    def _host(self, parts: SplitResult) -> Host:
        """By what it is, however the address spells it. Only inside the network do ports tell servers
        apart; outside there is one for each scheme."""
        name = canonical(parts.hostname or "")
        key = f"{name}:{port_of(parts)}" if _is_internal(parts) else name
        with self._hosts_lock:
            return self._hosts[key]

    def _open(
        self, url: str, ends_at: float, asked: list[Host], known: Mark | None
    ) -> requests.Response:
        for _hop in range(MOST_REDIRECTS + 1):
            parts = _permitted(url)
            asked.append(self._host(parts))
            # What one address calls its content, no other is asked about.
            named = known if known and known.url == url else None
            conditions = named.conditions() if named else {}
            response = self._get(parts, asked[-1], conditions)
            if named and response.status_code == HTTPStatus.NOT_MODIFIED:
                asked[-1].answered()
                response.close()
                raise NotModified
            if not response.is_redirect:
                if response.status_code != HTTPStatus.OK:
                    asked[-1].answered()
                _require_success(response)
                return response
            asked[-1].answered()
            response.close()
            url = urljoin(url, response.headers["location"])
            self._require_time(ends_at)
        raise _refused("file.redirects", _("The address redirects too often."))

    def _get(self, parts: SplitResult, host: Host, headers: dict[str, str]) -> requests.Response:
        timeout = (conf.fetch_connect_seconds(), conf.fetch_read_seconds())
        host.require_present()
        try:
            response = self._session(parts).get(
                spelled_plainly(parts),
                stream=True,
                timeout=timeout,
                allow_redirects=False,
                headers=headers,
            )
        except InvalidIPAddress as error:
            raise _refused(
                "file.internal_address", _("The address leads into the internal network.")
            ) from error
        except requests.RequestException as error:
            host.did_not_answer()
            raise _unreachable(error) from error
        except ValueError as error:
            raise _refused("file.bad_address", _("The address is not a valid one.")) from error
        return response

    def _session(self, parts: SplitResult) -> requests.Session:
        kind = "internal" if _is_internal(parts) else "public"
        session: requests.Session | None = getattr(self._local, kind, None)
        if session is None:
            session = _new_session(internal=kind == "internal")
            setattr(self._local, kind, session)
        return session

    def _body(self, response: requests.Response, ends_at: float, host: Host) -> Iterator[bytes]:
        expected = response.headers.get("Content-Length", "")
        received = 0
        try:
            # Raw and undecoded: what is counted and kept is what came over the wire. read1 returns
            # what has come so far: read would wait for a whole block, past any deadline.
            while block := response.raw.read1(READ_BYTES, decode_content=False):
                received += len(block)
                self._require_time(ends_at)
                yield block
        except (requests.RequestException, OSError, HTTPError) as error:
            if isinstance(error, ReadTimeoutError):
                host.did_not_answer()
            raise _unreachable(error) from error
        if expected.isdigit() and received != int(expected):
            raise _unreachable(None)
        if not received and not expected and "Transfer-Encoding" not in response.headers:
            # A server that breaks off among the headers looks just like this.
            raise _unreachable(None)

    def _require_time(self, ends_at: float) -> None:
        if self._clock() > ends_at:
            raise _too_slow()


def _new_session(*, internal: bool) -> requests.Session:
    config = Config(
        ip_filter_enable=not internal,
        ip_filter_allow_loopback_ips=False,
        never_redirect=True,
        default_timeout=(conf.fetch_connect_seconds(), conf.fetch_read_seconds()),
        user_agent_override="backupsvc",
    )
    session: requests.Session = Manager(config).get_session()
    # No proxies, no passwords out of the environment or a netrc file.
    session.trust_env = False
    session.headers["Accept-Encoding"] = "identity"
    if not internal:
        only_outside(session)
    keep_deadlines(session)
    return session


def _permitted(url: str) -> SplitResult:
    """The address taken apart. Raises FetchError where it may not be asked at all."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused("file.bad_address", _("The address is not a valid one.")) from None
    if parts.scheme not in _PORTS or not parts.hostname or parts.username or parts.password:
        raise _refused("file.bad_address", _("The address is not a plain HTTP address."))
    if not is_name(canonical(parts.hostname)):
        raise _refused("file.bad_address", _("The address names no host that can be asked."))
    if _is_internal(parts):
        return parts
    if parts.scheme != "https" and not conf.fetch_plain_http():
        raise _refused("file.plain_http", _("The address is not encrypted (http, not https)."))
    if port not in (None, _PORTS[parts.scheme]):
        raise _refused("file.port", _("The address names an unusual port."))
    allowed = {canonical(name) for name in conf.fetch_allowed_hosts()}
    if allowed and canonical(parts.hostname) not in allowed:
        raise _refused("file.host", _("The address's host is not on the list of allowed hosts."))
    _require_public_literal(parts.hostname)
    return parts


def _require_public_literal(hostname: str) -> None:
    """Refused before a resolver is asked, which may know no IPv6 here."""
    try:
        address = ipaddress.ip_address(hostname)
    except ValueError:
        return
    if not is_given_out(address):
        raise _refused("file.internal_address", _("The address leads into the internal network."))


def _is_internal(parts: SplitResult) -> bool:
    admitted = {canonical_pair(pair) for pair in conf.fetch_internal_hosts()}
    return f"{canonical(parts.hostname or '')}:{port_of(parts)}" in admitted


def _require_success(response: requests.Response) -> None:
    status = response.status_code
    if status == HTTPStatus.OK:
        return
    response.close()
    raise FetchError(
        "file.http_status",
        _("The server answered with status {status}.", status=status),
        hint=_("Open the address in a browser; upload the file again if it is gone."),
        permanent=status not in _RETRY_LATER,
    )


def _too_slow() -> FetchError:
    return FetchError(
        "file.too_slow",
        _("Fetching the file took longer than allowed."),
        hint=_("Raise BACKUPS_FETCH_TOTAL_SECONDS if the server is known to be slow."),
    )


def _all_over() -> FetchError:
    return FetchError(
        "file.stage_over",
        _("The time for fetching files was over before this one's turn."),
        hint=_("Fetch again what is missing, or raise BACKUPS_FETCH_STAGE_SECONDS."),
    )


def _refused(code: str, message: Sentence) -> FetchError:
    return FetchError(
        code,
        message,
        hint=_(
            "If the address is right and safe to ask, allow it; see docs/operating.md, Fetching."
        ),
    )


def _unreachable(error: Exception | None) -> FetchError:
    return FetchError(
        "file.unreachable",
        _("The server could not be reached or broke off."),
        hint=_("Check that the address still works, then make the backup again."),
        permanent=isinstance(error, requests.exceptions.InvalidURL),
    )
