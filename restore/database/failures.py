"""What the database objects to in a restore, in words that tell where and what to do.

PostgreSQL's own messages quote values of rows, so only its codes and names are used: the SQLSTATE, and
the names of table, column and constraint. The values that tell the place are kept aside, unsaid.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence

import psycopg2

from backups.database.connection import database_failure
from backups.errors import BackupSystemError, BusyError, RestoreError

_UNCHANGED = "Nothing was changed."
# Letters of a key that are shown; who wants more has the row's number.
LONGEST_KEY = 200

# SQLSTATE to code, what is wrong, and the remedy.
_REASONS = {
    "23505": (
        "restore.duplicate",
        "two rows have the same unique value",
        "The file was edited or comes from another schema. Use the file as it was made.",
    ),
    "23502": (
        "restore.null",
        "a value is missing where there must be one",
        "The file lacks what this schema requires. Restore it with the version that made it.",
    ),
    "23503": (
        "restore.reference",
        "a row points to a row that is not there",
        "The file was edited. Use the file as it was made.",
    ),
    "23514": (
        "restore.check",
        "a value breaks a rule of the table",
        "The file comes from another schema or was edited. Compare the versions.",
    ),
    "23P01": (
        "restore.exclusion",
        "two rows exclude one another",
        "The file was edited or comes from another schema. Use the file as it was made.",
    ),
    "22001": (
        "restore.too_long",
        "a text is longer than its column allows",
        "The file comes from another schema. Restore it with the version that made it.",
    ),
    "22003": (
        "restore.out_of_range",
        "a number does not fit its column",
        "The file comes from another schema or was edited.",
    ),
}
_MALFORMED = (
    "restore.malformed",
    "a value does not have its column's form",
    "The file was edited or comes from another schema. Use the file as it was made.",
)


class RowRefused(RestoreError):
    """A refused row. ``row`` counts from 1, 0 where unknown; ``looked_up`` is what to search the file
    for, column by column, and is never shown."""

    section: str = ""
    table: str = ""
    row: int = 0
    looked_up: dict[str, str]


def place_in_file(section: str, row: int, key: Sequence[str] | None) -> str:
    """Where in the file: ``section tags, row 3, key 17``. None is a key that must not be shown."""
    where = f"section {section}, row {row}"
    shown = "/".join(key or ())
    return f"{where}, key {shown}" if shown and len(shown) <= LONGEST_KEY else where


def copy_failure(error: psycopg2.Error, section: str) -> BackupSystemError:
    """An error of COPY, whose context tells the line."""
    reason = _reason(error)
    if reason is None:
        return database_failure(error)
    line = re.search(r", line (\d+)", error.diag.context or "")
    refused = _refused(reason, error)
    refused.section = section
    refused.row = int(line[1]) if line else 0
    return refused


@contextlib.contextmanager
def restore_failure(*, constraint: str = "", table: str = "") -> Iterator[None]:
    """Turn the database's errors inside the block into ours."""
    try:
        yield
    except (psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected) as error:
        raise BusyError(
            "restore.tables_busy",
            f"Other work holds the tables, so the restore could not begin. {_UNCHANGED}",
            hint="Stop long-running work on the database, then try again.",
            permanent=False,
        ) from error
    except psycopg2.Error as error:
        reason = _reason(error)
        if reason is None:
            raise database_failure(error) from error
        refused = _refused(reason, error)
        refused.table = table or error.diag.table_name or ""
        raise refused from error


def _reason(error: psycopg2.Error) -> tuple[str, str, str] | None:
    state = error.pgcode or ""
    return _REASONS.get(state) or (_MALFORMED if state.startswith("22") else None)


def _refused(reason: tuple[str, str, str], error: psycopg2.Error) -> RowRefused:
    code, what, hint = reason
    named = [
        f"{word} {name}"
        for word, name in (
            ("table", error.diag.table_name),
            ("column", error.diag.column_name),
            ("constraint", error.diag.constraint_name),
        )
        if name
    ]
    where = f" ({', '.join(named)})" if named else ""
    refused = RowRefused(code, f"The database refused a row: {what}{where}.", hint=hint)
    refused.looked_up = _key_of(error.diag.message_detail or "")
    return refused


def _key_of(detail: str) -> dict[str, str]:
    """``Key (a)=(1) is not present …``: for one column only, as values may hold commas."""
    found = re.match(r'Key \("?(\w+)"?\)=\((.*)\) is not present', detail, re.DOTALL)
    return {found[1]: found[2]} if found else {}
