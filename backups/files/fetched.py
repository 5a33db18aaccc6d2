"""What earlier backups fetched, by its content, so that a file that has not changed is not fetched again.

A private folder that is bounded in bytes and in age. It is only ever asked: whatever is wrong with it, or
whatever it lacks, is fetched. Content is used under the digest that it was kept by, computed anew at each
use. That the content is still that of the source, the source alone can say: a server by answering 304 to what
it called the content itself (RFC 9110, 13.1), a storage by size and time of change. One that says so of what
has changed is believed: docs/operating.md, Fetching.
"""

import contextlib
import datetime
import hashlib
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

import msgspec

from backups.files import private
from backups.files.resolve import StorageTarget, Target
from backups.files.spool import READ_BYTES, Spool, Spooled, TooLarge

logger = logging.getLogger("backups")

# What no backup used for so long goes. Complete backups are due each month.
UNUSED_DAYS = 70
# A second change within the clock's resolution would show the same time (RFC 9110, 8.8.2.2).
SETTLED = datetime.timedelta(seconds=60)


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a source calls its content: a server's ``etag`` or ``last_modified``, at ``url`` behind all
    redirects; a storage's size and time in ``state``."""

    url: str = ""
    etag: str = ""
    last_modified: str = ""
    state: str = ""

    def conditions(self) -> dict[str, str]:
        """The headers that ask for the content only where it is another one."""
        if self.etag:
            return {"If-None-Match": self.etag}
        return {"If-Modified-Since": self.last_modified}


class Known(msgspec.Struct, frozen=True):
    """Of one file: its content, and by which mark it was that."""

    sha256: str
    size_bytes: int
    mark: Mark


def mark_of_response(url: str, headers: Mapping[str, str]) -> Mark | None:
    """None where nothing in an answer tells this content from every other: a weak ETag does not, and a
    time only once it is past."""
    etag = headers.get("ETag", "")
    if len(etag) > 2 and etag.startswith('"') and etag.endswith('"') and etag.isascii():
        return Mark(url=url, etag=etag)
    changed, now = headers.get("Last-Modified", ""), headers.get("Date", "")
    try:
        is_settled = parsedate_to_datetime(now) - parsedate_to_datetime(changed) >= SETTLED
    except (TypeError, ValueError):
        return None
    return Mark(url=url, last_modified=changed) if is_settled and changed.isascii() else None


@dataclass(frozen=True)
class Used:
    """How many files needed no fetching, and how many bytes they have."""

    files: int = 0
    bytes: int = 0


class Fetched:
    """The store, for one backup. Safe to share between threads; ``limit_bytes`` 0 keeps nothing.

    Nothing here raises for what is wrong with its files or disk.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        # Of this backup: what of it there is room for must not push itself out.
        self._in_use: dict[str, int] = {}
        self.used = Used()

    def known(self, target: Target) -> Known | None:
        """What was kept of this file, if the content is still there."""
        if not self._limit_bytes:
            return None
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            known = msgspec.json.decode(self._entry(target).read_bytes(), type=Known)
            if self._content(known.sha256).stat().st_size == known.size_bytes:
                return known
        return None

    def take(self, known: Known, spool: Spool, *, limit_bytes: int) -> Spooled | None:
        """Bring the content into the spool. None where it is not, or not any more, what its name says.

        Raises TooLarge as the spool does.
        """
        content = self._content(known.sha256)
        try:
            taken = spool.take(_blocks(content), limit_bytes=limit_bytes)
            if taken.sha256 != known.sha256:
                spool.discard(taken.sha256)
                content.unlink(missing_ok=True)
                return None
            os.utime(content)
        except TooLarge:
            raise
        except OSError:
            return None
        with self._lock:
            self._in_use[known.sha256] = known.size_bytes
            self.used = Used(self.used.files + 1, self.used.bytes + known.size_bytes)
        return taken

    def keep(self, target: Target, mark: Mark | None, taken: Spooled, spool: Spool) -> None:
        """Remember the content, which lies in the spool, where the source named it and there is room."""
        if mark is None or not self._has_room(taken):
            return
        with self._harmless():
            content = self._content(taken.sha256)
            for folder in (self._folder, content.parent, self._entry(target).parent):
                private.make_folder(folder)
            if not content.exists():
                # Another name for the same bytes on the disk, which the spool only reads and unlinks.
                with contextlib.suppress(FileExistsError):
                    os.link(spool.path(taken.sha256), content)
            known = Known(taken.sha256, taken.size_bytes, mark)
            private.replace(self._entry(target), msgspec.json.encode(known))

    def _has_room(self, taken: Spooled) -> bool:
        with self._lock:
            others = sum(size for name, size in self._in_use.items() if name != taken.sha256)
            if others + taken.size_bytes > self._limit_bytes:
                return False
            self._in_use[taken.sha256] = taken.size_bytes
            return True

    def tidy(self) -> None:
        """Let go what is too old, and what is too much: the longest unused first."""
        if not self._folder.exists():
            return
        with self._harmless():
            oldest = time.time() - UNUSED_DAYS * 24 * 3600
            held = 0
            for when, size, path in sorted(self._contents(), reverse=True):
                held += size
                if held > self._limit_bytes or when < oldest:
                    held -= size
                    path.unlink(missing_ok=True)
            self._drop_idle_entries()

    def _drop_idle_entries(self) -> None:
        for entry in (self._folder / "entries").iterdir():
            with contextlib.suppress(OSError):
                try:
                    known = msgspec.json.decode(entry.read_bytes(), type=Known)
                    is_idle = not self._content(known.sha256).exists()
                except msgspec.MsgspecError:
                    is_idle = True
                if is_idle:
                    entry.unlink()

    def _contents(self) -> Iterator[tuple[float, int, Path]]:
        for path in (self._folder / "content").iterdir():
            with contextlib.suppress(OSError):
                found = path.stat()
                yield found.st_mtime, found.st_size, path

    def _content(self, sha256: str) -> Path:
        return self._folder / "content" / sha256

    def _entry(self, target: Target) -> Path:
        return self._folder / "entries" / _key(target)

    @contextlib.contextmanager
    def _harmless(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._limit_bytes = 0  # once is enough, and once is said
            logger.warning("what was fetched could not be kept (%s)", type(error).__name__)


def held(folder: Path) -> Used:
    """How much is kept at present."""
    found = Fetched(folder, 1)
    try:
        sizes = [size for _, size, _ in found._contents()]
    except OSError:
        return Used()
    return Used(len(sizes), sum(sizes))


def clear(folder: Path) -> Used:
    """Let everything go. Returns how much it was."""
    before = held(folder)
    Fetched(folder, 0).tidy()
    return before


def _key(target: Target) -> str:
    if isinstance(target, StorageTarget):
        parts = ("storage", target.alias, target.name)
    else:
        parts = ("http", target.url, "")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while block := source.read(READ_BYTES):
            yield block
