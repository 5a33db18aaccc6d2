"""From the stream of locators to file entries: fetch several at a time, in bounded memory.

Two passes over a list on disk, since an entry names every locator with the same bytes: first all are
fetched into the spool, then the entries are made. In memory stay about 150 bytes a distinct file.
"""

import contextlib
import mimetypes
from collections import deque
from collections.abc import Callable, Iterator, Set
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec

from backups import conf
from backups.artifact.tail import FileHead, FileStatistics, Locator, Reason, Use
from backups.errors import FetchError
from backups.files import storage
from backups.files.entry_parts import in_parts
from backups.files.fetched import Fetched, Mark
from backups.files.resolve import (
    HttpTarget,
    StorageTarget,
    Target,
    display_name,
    holds_content,
    is_empty,
    resolve,
)
from backups.files.spool import Spool, Spooled, TooLarge
from backups.hunting.contents import digest
from backups.wording import Sentence

# How often a slow fetch lets us look whether it is still wanted.
CHECK_SECONDS = 0.2
# Characters. What is longer is a text, and no name or address of a file.
LONGEST_LOCATOR = 1024 * 1024


_decode_line = msgspec.json.Decoder(tuple[str, bool, str, str, str, list[Any]]).decode


@dataclass(frozen=True)
class Wanted:
    """One distinct locator with all rows that use it."""

    target: Target
    locator: Locator


def wanted_files(
    lines: Iterator[bytes], in_rows: Callable[[bytes], object] = lambda digest: None
) -> Iterator[Wanted]:
    """Group the sorted lines of ``database.locators``; of values that hold their content, which is in the
    rows, ``in_rows`` is told the digest."""
    current: tuple[str, bool, str] | None = None
    uses: dict[tuple[str, str], list[str | list[str]]] = {}
    for line in lines:
        alias, is_path, value, section, column, key = _decode_line(line)
        if not is_path and holds_content(value):
            if not is_empty(value):
                in_rows(digest(value.encode()))
            continue
        if (alias, is_path, value) != current:
            if current is not None:
                yield from _wanted(current, uses)
            current, uses = (alias, is_path, value), {}
        uses.setdefault((section, column), []).append(key[0] if len(key) == 1 else key)
    if current is not None:
        yield from _wanted(current, uses)


def _wanted(
    group: tuple[str, bool, str], uses: dict[tuple[str, str], list[str | list[str]]]
) -> Iterator[Wanted]:
    alias, is_path, value = group
    target = resolve(value, alias, is_path=is_path)
    if target is None or len(value) > LONGEST_LOCATOR:
        return
    rows = [Use(section, column, keys) for (section, column), keys in uses.items()]
    storage_alias = target.alias if isinstance(target, StorageTarget) else ""
    yield Wanted(target, Locator(value, storage_alias, rows))


class Places:
    """Counts files as people do: a place in a storage or an address, however many names rows have for it."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self.local = 0

    @property
    def count(self) -> int:
        return len(self._seen)

    def is_new(self, target: Target | None) -> bool:
        """Whether it is met for the first time; ``None`` is no place."""
        if target is None:
            return False
        parts = (target.alias, target.name) if isinstance(target, StorageTarget) else (target.url,)
        seen = digest("\0".join(parts).encode())
        if seen in self._seen:
            return False
        self._seen.add(seen)
        self.local += isinstance(target, StorageTarget)
        return True


def count_only(
    lines: Iterator[bytes],
    *,
    in_texts: Set[bytes] = frozenset(),
    content_left_out: bool = False,
    places: Places | None = None,
) -> FileStatistics:
    """What a Safe backup says: how many locators it leaves out, and how many of them are local; with
    ``content_left_out``, how many files' content that stood in the rows themselves. ``in_texts``: those that
    were found within texts, by ``hunting.contents.digest``. ``places`` counts what the locators lead to."""
    found = local = 0
    in_rows: set[bytes] = set(in_texts)
    before: tuple[str, bool, str] | None = None
    for line in lines:
        # Each row that names a file has a line: what they say is not gathered, only counted.
        alias, is_path, value, _section, _column, _key = _decode_line(line)
        if not is_path and holds_content(value):
            if not is_empty(value):
                in_rows.add(digest(value.encode()))
        elif (alias, is_path, value) != before:
            before = (alias, is_path, value)
            found += 1
            target = resolve(value, alias, is_path=is_path)
            local += isinstance(target, StorageTarget)
            if places is not None:
                places.is_new(target)
    return FileStatistics(
        locators=found,
        not_included=found,
        not_included_local=local,
        not_included_in_rows=len(in_rows) if content_left_out else 0,
    )


class Collector:
    """Fetches and then lists. ``on_file`` is told of each file: its state and bytes; it may raise, and so
    may ``check``, which is asked while nothing comes. ``places``: those whose content is embedded."""

    def __init__(
        self,
        spool: Spool,
        on_file: Callable[[str, int], None],
        check: Callable[[], None] = lambda: None,
        fetched: Fetched | None = None,
    ) -> None:
        self._spool = spool
        self._fetched = fetched or Fetched(spool.path("fetched"), 0)
        self._on_file = on_file
        self._check = check
        from backups.files import http  # slow to load, and for files only

        self._http = http.HttpSource()
        self._not_modified = http.NotModified
        self._list = spool.path("list")
        # Where in the list the locators of each entry stand, by content or by running number.
        self._entries: dict[bytes, list[int]] = {}
        self.statistics = FileStatistics()
        self.places = Places()
        # What each reason that stands in an entry was made of; few, however many files.
        self.reasons: dict[str, Sentence] = {}

    def fetch(self, wanted: Iterator[Wanted]) -> None:
        """Fetch everything, keeping the order; as many in flight as there are workers, twice."""
        workers = conf.fetch_workers()
        pool = ThreadPoolExecutor(workers, thread_name_prefix="fetch")
        waiting: deque[tuple[Target, Future[FileHead]]] = deque()
        try:
            with self._list.open("wb") as out:
                for item in wanted:
                    waiting.append((item.target, pool.submit(self._fetch_one, item)))
                    if len(waiting) >= workers * 2:
                        self._note_next(out, waiting)
                while waiting:
                    self._note_next(out, waiting)
        except BaseException:
            # Do not wait for servers that answer slowly: what they send is thrown away.
            self._http.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()
        self._fetched.tidy()

    def _result(self, fetched: Future[FileHead]) -> FileHead:
        while not futures.wait([fetched], timeout=CHECK_SECONDS).done:
            self._check()
        return fetched.result()

    def entries(self) -> Iterator[tuple[FileHead, Iterator[bytes]]]:
        """Each entry with its content, which must be read before the next is asked for."""
        with self._list.open("rb") as source:
            for offsets in self._entries.values():
                head = self._merged(source, offsets)
                parts = in_parts(head)
                for part in parts:
                    if head.state == "embedded" and head.sha256:
                        yield part, self._spool.read(head.sha256)
                    else:
                        yield part, iter(())
                if head.state == "embedded" and head.sha256:
                    self._spool.discard(head.sha256)
                self.statistics = _with_parts(self.statistics, head, parts)

    def _fetch_one(self, item: Wanted) -> FileHead:
        name = display_name(item.target)
        head = FileHead("gap", name, _media_type(name), [item.locator])
        try:
            done = self._with_retries(item.target)
        except TooLarge as error:
            return self._with_reason(head, "skipped", error)
        except FetchError as error:
            return self._with_reason(head, "gap", error)
        return msgspec.structs.replace(
            head, state="embedded", size_bytes=done.size_bytes, sha256=done.sha256
        )

    def _with_reason(self, head: FileHead, state: str, error: FetchError) -> FileHead:
        message = str(error.message)
        self.reasons[message] = error.message
        return msgspec.structs.replace(head, state=state, reason=Reason(error.code, message))

    def _with_retries(self, target: Target) -> Spooled:
        attempts = conf.fetch_attempts()
        for attempt in range(attempts):
            try:
                return self._unchanged_or_taken(target)
            except FetchError as error:
                if error.permanent or attempt == attempts - 1:
                    raise
                self._http.pause(attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _unchanged_or_taken(self, target: Target) -> Spooled:
        """From what earlier backups fetched, where the source says that it is still the same."""
        if isinstance(target, HttpTarget):
            return self._asked_over_http(target)
        before = storage.state(target)
        known = self._fetched.known(target) if before else None
        if known and known.mark.state == before:
            taken = self._fetched.take(known, self._spool, limit_bytes=conf.file_limit_bytes())
            if taken:
                return taken
        taken = self._take(target)
        if before and storage.state(target) == before:
            self._fetched.keep(target, Mark(state=before), taken, self._spool)
        return taken

    def _asked_over_http(self, target: HttpTarget) -> Spooled:
        known = self._fetched.known(target)
        marks: list[Mark | None] = []
        limit = conf.file_limit_bytes()
        if known:
            blocks = self._http.read(target, known.mark, marks.append)
            try:
                with contextlib.closing(blocks):
                    taken = self._spool.take(blocks, limit_bytes=limit)
            except self._not_modified:
                if unchanged := self._fetched.take(known, self._spool, limit_bytes=limit):
                    return unchanged
            else:
                self._fetched.keep(target, marks[-1], taken, self._spool)
                return taken
        with contextlib.closing(self._http.read(target, None, marks.append)) as blocks:
            taken = self._spool.take(blocks, limit_bytes=limit)
        self._fetched.keep(target, marks[-1], taken, self._spool)
        return taken

    def _take(self, target: StorageTarget) -> Spooled:
        """Where the size is not the one that the storage says, the content is read twice: either the
        storage means another size, or one of its answers broke off, and nobody else would ever see that."""
        taken = self._take_once(target)
        said = storage.size_said(target)
        if said not in (None, taken.size_bytes) and self._take_once(target) != taken:
            raise storage.unreadable()
        return taken

    def _take_once(self, target: StorageTarget) -> Spooled:
        with contextlib.closing(storage.read(target)) as blocks:
            return self._spool.take(blocks, limit_bytes=conf.file_limit_bytes())

    def _note_next(self, out: BinaryIO, waiting: deque[tuple[Target, Future[FileHead]]]) -> None:
        target, fetched = waiting.popleft()
        head = self._result(fetched)
        self._note(out, head)
        if head.state != "embedded" or self.places.is_new(target):
            self._on_file(head.state, head.size_bytes or 0)

    def _note(self, out: BinaryIO, head: FileHead) -> None:
        offset = out.tell()
        out.write(msgspec.json.encode(head) + b"\n")
        key = bytes.fromhex(head.sha256) if head.sha256 else offset.to_bytes(8, "big")
        known = key in self._entries
        self._entries.setdefault(key, []).append(offset)
        self.statistics = _counted(self.statistics, head, again=known)

    def _merged(self, source: BinaryIO, offsets: list[int]) -> FileHead:
        heads = []
        for offset in offsets:
            source.seek(offset)
            heads.append(msgspec.json.decode(source.readline(), type=FileHead))
        locators = [locator for head in heads for locator in head.locators]
        return msgspec.structs.replace(heads[0], locators=locators)


def _with_parts(so_far: FileStatistics, head: FileHead, parts: list[FileHead]) -> FileStatistics:
    """Counted as a reader counts: by entries."""
    more = len(parts) - 1
    locators = sum(len(part.locators) for part in parts) - len(head.locators)
    return msgspec.structs.replace(
        so_far,
        locators=so_far.locators + locators,
        embedded=so_far.embedded + more * (head.state == "embedded"),
        embedded_bytes=so_far.embedded_bytes + more * (head.size_bytes or 0),
        skipped=so_far.skipped + more * (head.state == "skipped"),
        gaps=so_far.gaps + more * (head.state == "gap"),
    )


def _counted(so_far: FileStatistics, head: FileHead, *, again: bool) -> FileStatistics:
    embedded = head.state == "embedded" and not again
    return FileStatistics(
        locators=so_far.locators + 1,
        embedded=so_far.embedded + embedded,
        embedded_bytes=so_far.embedded_bytes + (head.size_bytes or 0) * embedded,
        skipped=so_far.skipped + (head.state == "skipped"),
        gaps=so_far.gaps + (head.state == "gap"),
    )


def _media_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
