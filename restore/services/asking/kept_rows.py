"""The rows behind a plan's numbers, kept beside the upload: the waiting rows vanish when a plan is made.

One private file an upload, replaced with each plan and removed with the upload. A line of JSON is a page of
rows; the last line says where each page stands, and the last bytes where that line begins. What is kept is
bounded: of each list the first rows, and of all no more than ``MOST_BYTES``.
"""

import json
import os
import secrets
from collections.abc import Generator, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from backups import conf, printed_json
from backups.files import private
from backups.services import vault
from restore.plan import ROWS_A_PAGE, Kind

# Twenty pages: whoever wants more asks the command, which goes as far as there are rows.
MOST_ROWS = 20 * ROWS_A_PAGE
# As much as stays free beside an upload, and one long list must not take all of it.
MOST_BYTES = 64 * conf.MEBIBYTE
MOST_BYTES_A_LIST = 8 * conf.MEBIBYTE

SUFFIX = ".rows"
_END_BYTES = 20

Plain = dict[str, Any]
# A table's key, a kind, and its rows.
Lists = Iterable[tuple[str, Kind, Generator[Plain]]]


@dataclass
class _Index:
    plan: str
    pages: dict[str, list[tuple[int, int, int]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """Rows from number ``first`` on (from 1) of ``kept`` that are here, on page ``number`` of ``pages``."""

    rows: list[Plain]
    number: int
    pages: int
    first: int
    kept: int


def write(stored: str, plan: str, lists: Lists) -> None:
    """Keep the first rows of each list for the plan of that id. Raises StorageFailure."""
    with vault.disk_errors():
        path = vault.folder() / (stored + SUFFIX)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        try:
            with private.create(draft) as out:
                _fill(out, _Index(plan), lists)
                private.sync(out)
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        private.sync_folder(path.parent)


def _fill(out: BinaryIO, index: _Index, lists: Lists) -> None:
    for table, kind, rows in lists:
        # Closed before the next list is asked for: each is a cursor of the database's.
        with closing(rows):
            index.pages[_name(table, kind)] = _fill_list(out, rows)
    end = out.tell()
    _put(out, {"plan": index.plan, "pages": index.pages})
    out.write(b"%0*d" % (_END_BYTES, end))


def _fill_list(out: BinaryIO, rows: Generator[Plain]) -> list[tuple[int, int, int]]:
    """Where each page begins, how long it is and how many rows it has."""
    places: list[tuple[int, int, int]] = []
    began, left = out.tell(), MOST_ROWS
    while left and out.tell() < MOST_BYTES and out.tell() - began < MOST_BYTES_A_LIST:
        page = list(islice(rows, min(left, ROWS_A_PAGE)))
        if not page:
            break
        left -= len(page)
        places.append((out.tell(), _put(out, page), len(page)))
    return places


def _put(out: BinaryIO, value: Any) -> int:
    return out.write(printed_json.compact(value).encode(errors="backslashreplace") + b"\n")


def _name(table: str, kind: Kind) -> str:
    return f"{kind}:{table}"


def is_there(stored: str, plan: str) -> bool:
    """Whether the rows of that plan are kept."""
    with suppress(OSError, ValueError), _path(stored).open("rb") as file:
        return _index(file).plan == plan
    return False


def page(stored: str, plan: str, table: str, kind: Kind, number: int) -> Page | None:
    """A page of a list, the nearest where there is none of that number. None where nothing of that plan
    is kept (any more)."""
    with suppress(OSError, ValueError), _path(stored).open("rb") as file:
        index = _index(file)
        if index.plan != plan:
            return None
        places = index.pages.get(_name(table, kind), [])
        number = max(1, min(number, len(places)))
        kept = sum(rows for _, _, rows in places)
        if not places:
            return Page([], 1, 1, 0, 0)
        offset, length, _ = places[number - 1]
        file.seek(offset)
        rows = json.loads(file.read(length))
        return Page(rows, number, len(places), (number - 1) * ROWS_A_PAGE + 1, kept)
    return None


def discard(stored: str, *, plan: str = "") -> None:
    """Remove what is kept; with ``plan`` only where it is that plan's. Idempotent."""
    if not plan or is_there(stored, plan):
        vault.delete(stored + SUFFIX)


def _path(stored: str) -> Path:
    return vault.folder() / (stored + SUFFIX)


def _index(file: BinaryIO) -> _Index:
    """Raises OSError, ValueError where the file is not whole."""
    file.seek(-_END_BYTES, os.SEEK_END)
    end = int(file.read(_END_BYTES))
    file.seek(end)
    return _Index(**json.loads(file.read()[:-_END_BYTES]))
