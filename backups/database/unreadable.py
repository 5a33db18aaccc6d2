"""Which row it was that a backup could not read.

The server says what is wrong with a value and not where it stands, so the rows are looked through again.
Where its encoding is the client's it does not look at the bytes that it hands out: ``require_text`` does.
"""

import contextlib
import json
import threading
from collections.abc import Iterator

import psycopg2

from backups.database.broken_rules import cancel_quietly
from backups.database.complaints import database_failure
from backups.database.connection import Connection, connected
from backups.database.damage import damage_of, keys_of
from backups.database.table_reading import TableReading, key_is_secret
from backups.errors import BackupSystemError, DatabaseFailure
from backups.wording import Sentence, _

# In all: who waits for a backup that has failed does not wait for long.
SEARCH_SECONDS = 60
# A row's length is not what is asked here.
_ANY_LENGTH = 2**40
# Bytes that are no text in the database's encoding, and text that has no place in the client's.
_NO_TEXT = ("22021", "22P05")


def unreadable_rows(alias: str, reading: TableReading, error: psycopg2.Error) -> DatabaseFailure:
    """The failure, with the first row that it is about where that can be found and its key may be shown.
    Never raises for what the database refuses meanwhile."""
    failure = _said(reading, error)
    try:
        place = _place(alias, reading)
    except (psycopg2.Error, BackupSystemError):
        place = None
    return _located(failure, place)


def require_text(reading: TableReading, block: bytes) -> None:
    """Raises DatabaseFailure ``database.no_text`` where a row of the block is not UTF-8: no reader would take
    a file that has it."""
    if block.isascii():
        return
    try:
        block.decode()
    except UnicodeDecodeError as error:
        begin = block.rfind(b"\n", 0, error.start) + 1
        row = json.loads(block[begin : block.find(b"\n", begin)].decode(errors="replace"))
        names = _shown_key(reading)
        key = "/".join(str(row[name]) for name in names)
        failure = no_text(reading.table.name)
        raise _located(failure, _first(reading, key) if key else None) from None


def _said(reading: TableReading, error: psycopg2.Error) -> DatabaseFailure:
    if error.pgcode in _NO_TEXT:
        return no_text(reading.table.name)
    return database_failure(error, reading.table.name)


def no_text(table: str) -> DatabaseFailure:
    return DatabaseFailure(
        "database.no_text",
        _("{table} holds bytes that are no text, so they cannot be backed up.", table=table),
        hint=_(
            "Write such values anew in the database's encoding, or as UTF-8 where that is SQL_ASCII. The plan"
            " of a restore says which rows are meant, and how to go on."
        ),
    )


def _place(alias: str, reading: TableReading) -> Sentence | None:
    with connected(alias, purpose="look") as connection, _cut_short(connection):
        damage = damage_of(connection, reading, _ANY_LENGTH)
        if damage is None or not damage.rows:
            return None
        key = keys_of(connection, damage, _shown_key(reading)) if _shown_key(reading) else {}
        first = "/".join(next(iter(key.values()), []))
        return _first(reading, first, len(damage.rows))


@contextlib.contextmanager
def _cut_short(connection: Connection) -> Iterator[None]:
    """The search is many statements: whichever is under way after ``SEARCH_SECONDS`` is the last, as each may
    take so long by itself."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{SEARCH_SECONDS}s"])
    timer = threading.Timer(SEARCH_SECONDS, cancel_quietly, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shown_key(reading: TableReading) -> list[str]:
    """The columns of the key; none where it must not be shown: a token may be a key."""
    return [] if key_is_secret(reading.section) else [c.name for c in reading.primary_key]


def _first(reading: TableReading, key: str, rows: int = 0) -> Sentence:
    section = reading.section.key
    if not rows:
        return _(
            "The first such row of section {section} has the key {key}.", section=section, key=key
        )
    named = {"section": section, "rows": f"{rows:,}"}
    if not key:
        return _("Such rows of section {section}: {rows}.", **named)
    return _(
        "Such rows of section {section}: {rows}; the first has the key {key}.", key=key, **named
    )


def _located(failure: DatabaseFailure, place: Sentence | None) -> DatabaseFailure:
    if place is None:
        return failure
    said = _("{failure} {place}", failure=failure.message, place=place)
    return DatabaseFailure(failure.code, said, hint=failure.hint, permanent=failure.permanent)
