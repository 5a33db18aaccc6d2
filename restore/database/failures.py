"""What the database objects to in a restore, in words that tell where and what to do.

PostgreSQL's own messages quote values of rows, so only its codes and names are used: the SQLSTATE, and
the names of table, column and constraint. The values that tell the place are kept aside, unsaid.
"""

import contextlib
import functools
import re
from collections.abc import Iterator, Sequence

import psycopg2
from psycopg2 import sql

from backups.database.complaints import database_failure
from backups.errors import BackupSystemError, BusyError, RestoreError
from backups.wording import Sentence, _

# Letters of a key that are shown; who wants more has the row's number.
LONGEST_KEY = 200

# A code, what is wrong, and the remedy.
Reason = tuple[str, Sentence, Sentence]
MISSING: Reason = (
    "restore.null",
    _("a value is missing where there must be one"),
    _("The file lacks what this schema requires. Restore it with the version that made it."),
)
_REASONS: dict[str, Reason] = {
    "23505": (
        "restore.duplicate",
        _("two rows have the same unique value"),
        _("The file was edited or comes from another schema. Use the file as it was made."),
    ),
    "23502": MISSING,
    "23503": (
        "restore.reference",
        _("a row points to a row that is not there"),
        _("The file was edited. Use the file as it was made."),
    ),
    "23514": (
        "restore.check",
        _("a value breaks a rule of the table"),
        _("The file comes from another schema or was edited. Compare the versions."),
    ),
    "23P01": (
        "restore.exclusion",
        _("two rows exclude one another"),
        _("The file was edited or comes from another schema. Use the file as it was made."),
    ),
    "22001": (
        "restore.too_long",
        _("a text is longer than its column allows"),
        _("The file comes from another schema. Restore it with the version that made it."),
    ),
    "22P05": (
        "restore.malformed",
        _("a text has letters that the database's encoding does not have"),
        _("Restore the file into a database with the encoding UTF8."),
    ),
    "22003": (
        "restore.out_of_range",
        _("a number does not fit its column"),
        _("The file comes from another schema or was edited."),
    ),
}
# Of a row or of an index's entry: https://www.postgresql.org/docs/current/limits.html
_TOO_LARGE = ("54000", "54001")
_FOR_AN_INDEX: Reason = (
    "restore.too_large",
    _("a value is larger than the database or an index takes"),
    _("The file comes from another schema or was edited. Compare the indexes of the table."),
)
_MALFORMED: Reason = (
    "restore.malformed",
    _("a value does not have its column's form"),
    _("The file was edited or comes from another schema. Use the file as it was made."),
)


# What input functions of types say of a text, beside class 22: hstore has a syntax, regclass names a table.
_OF_INPUT = ("0A", "42", "P0")


class RowRefused(RestoreError):
    """A refused row. ``row`` counts from 1, 0 where unknown; ``looked_up`` is what to search the file
    for, column by column, and is never shown."""

    section: str = ""
    table: str = ""
    row: int = 0
    looked_up: dict[str, str]


def place_in_file(section: str, row: int, key: Sequence[str] | None) -> Sentence:
    """Where in the file: ``section tags, row 3, key 17``. None is a key that must not be shown."""
    shown = "/".join(key or ())
    if shown and len(shown) <= LONGEST_KEY:
        return _("section {section}, row {row}, key {key}", section=section, row=row, key=shown)
    return _("section {section}, row {row}", section=section, row=row)


def copy_failure(
    error: psycopg2.Error, section: str, relation: sql.Identifier
) -> BackupSystemError:
    """An error of COPY into ``relation``, whose context tells the line."""
    row = _line(error.diag.context or "", relation.strings[-1])
    reason = reason_of(error)
    if reason is None and row and (error.pgcode or "").startswith(_OF_INPUT):
        reason = _MALFORMED
    if reason is None:
        return database_failure(error)
    refused = _refused(reason, error)
    refused.section = section
    refused.row = row
    return refused


def _line(context: str, relation: str) -> int:
    """The first number behind the table's name: ``COPY t, line 3``, ``COPY t, Zeile 3``, ``tのCOPY、行3``.

    The server speaks its administrator's language, which only a superuser may change. 0: unknown."""
    found = re.search(re.escape(relation) + r"\D{1,24}(\d+)", context)
    return int(found[1]) if found else 0


@contextlib.contextmanager
def restore_failure(*, constraint: str = "", table: str = "") -> Iterator[None]:
    """Turn the database's errors inside the block into ours."""
    try:
        yield
    except (psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected) as error:
        raise tables_busy(None) from error
    except psycopg2.Error as error:
        reason = reason_of(error)
        if reason is None:
            raise database_failure(error) from error
        refused = _refused(reason, error)
        refused.table = table or error.diag.table_name or ""
        raise refused from error


def tables_busy(holder: tuple[str, Sentence] | None) -> BusyError:
    """``holder``: a table, and who keeps it from us, where that is known."""
    if holder:
        said = _(
            "The table {table} is in use by {holder}, so the restore could not begin."
            " Nothing was changed.",
            table=holder[0],
            holder=holder[1],
        )
    else:
        said = _(
            "Other work holds the tables, so the restore could not begin. Nothing was changed."
        )
    hint = _("Stop long-running work on the database, then try again.")
    return BusyError("restore.tables_busy", said, hint=hint, permanent=False)


def reason_of(error: psycopg2.Error) -> Reason | None:
    """What the database objects to in a row, without its values; None where it objects to something else."""
    state = error.pgcode or ""
    if state in _TOO_LARGE:
        return _FOR_AN_INDEX
    return _REASONS.get(state) or (_MALFORMED if state.startswith("22") else None)


def _refused(reason: Reason, error: psycopg2.Error) -> RowRefused:
    code, what, hint = reason
    named = _names(error)
    message = (
        _("The database refused a row: {what} ({where}).", what=what, where=named)
        if named
        else _("The database refused a row: {what}.", what=what)
    )
    refused = RowRefused(code, message, hint=hint)
    refused.looked_up = _key_of(error.diag.message_detail or "")
    return refused


def _names(error: psycopg2.Error) -> Sentence | None:
    """What the database calls what it objects to."""
    diag = error.diag
    named = [
        *([_("table {name}", name=diag.table_name)] if diag.table_name else []),
        *([_("column {name}", name=diag.column_name)] if diag.column_name else []),
        *([_("constraint {name}", name=diag.constraint_name)] if diag.constraint_name else []),
    ]
    if not named:
        return None
    return functools.reduce(lambda some, next_: _("{some}, {next}", some=some, next=next_), named)


def _key_of(detail: str) -> dict[str, str]:
    """``Key (a)=(1) is not present …``: for one column only, as values may hold commas."""
    found = re.match(r'Key \("?(\w+)"?\)=\((.*)\) is not present', detail, re.DOTALL)
    return {found[1]: found[2]} if found else {}
