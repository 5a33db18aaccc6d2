"""What the database complains of, in our words. Its own text may hold values of rows and is not used."""

from collections.abc import Sequence
from typing import NamedTuple

import psycopg2

from backups.errors import DatabaseFailure
from backups.wording import Sentence, _


class _Said(NamedTuple):
    code: str
    message: Sentence
    hint: Sentence
    permanent: bool = True


_LOST = _Said(
    "database.lost",
    _("The connection to the database was lost or refused."),
    _(
        "Check that the database server is running and lets this account in (password, sslmode,"
        " pg_hba.conf, limits of connections), then try again."
    ),
    permanent=False,
)
_DAMAGED_HINT = _(
    "The database server's own log names it; an index is built anew by REINDEX. The plan of a"
    " restore says which tables are meant, and how to go on."
)
# By the SQLSTATE, or how it begins: https://www.postgresql.org/docs/current/errcodes-appendix.html
_SAID = {
    "08": _LOST,
    "25006": _Said(
        "database.read_only",
        _("The database takes no writes: it is a standby, or its transactions are read-only."),
        _(
            "Use the primary server, and look for default_transaction_read_only among the settings"
            " of the server, the database and the role."
        ),
    ),
    "53100": _Said(
        "database.disk_full",
        _("The database server's disk is full."),
        _("Free space on the database server, then try again."),
        permanent=False,
    ),
    "53200": _Said(
        "database.memory",
        _("The database server ran out of memory, or of room for locks."),
        _("Raise max_locks_per_transaction or give it more memory, then try again."),
    ),
    "53400": _Said(
        "database.limit",
        _("A limit of the database server for temporary files was reached (temp_file_limit)."),
        _("Raise temp_file_limit or work_mem for the account, then try again."),
    ),
    "57014": _Said(
        "database.cancelled",
        _("The database cancelled the statement."),
        _("Somebody or a time limit stopped it. Try again."),
        permanent=False,
    ),
    "57P": _LOST,
}
_DAMAGED = ("XX001", "XX002")


def database_failure(error: psycopg2.Error, table: str = "") -> DatabaseFailure:
    """The complaint as a failure of ours. ``table``: whose rows were being read."""
    state = getattr(error, "pgcode", None) or ""
    if state == "42501":
        return not_permitted([])
    said = _LOST if not state else next((_SAID[s] for s in _SAID if state.startswith(s)), None)
    said = said or (_damaged(state) if state in _DAMAGED else _refused(state, table))
    return DatabaseFailure(said.code, said.message, hint=said.hint, permanent=said.permanent)


def not_permitted(tables: Sequence[str]) -> DatabaseFailure:
    """``tables``: names of those that the account may not read, where they are known."""
    hint = _("Run the application with the account that owns the tables.")
    if tables:
        message = _(
            "The database account may not read all rows of {tables}: it lacks the right, or row"
            " security is forced on it.",
            tables=", ".join(tables),
        )
        return DatabaseFailure("database.permission", message, hint=hint)
    return DatabaseFailure(
        "database.permission",
        _(
            "The database account may not do what is needed (it needs to own the tables, and"
            " row security must not hide rows from it)."
        ),
        hint=hint,
    )


def _damaged(state: str) -> _Said:
    return _Said(
        "database.damaged",
        _(
            "Data in the database is damaged: a value, a page or an index cannot be read"
            " (SQLSTATE {state}).",
            state=state,
        ),
        _DAMAGED_HINT,
    )


def _refused(state: str, table: str) -> _Said:
    message = _("The database refused a statement (SQLSTATE {state}).", state=state)
    if table:
        message = _(
            "The database could not give the rows of {table} (SQLSTATE {state}).",
            table=table,
            state=state,
        )
    return _Said(
        "database.error",
        message,
        _("Look up the SQLSTATE in PostgreSQL's manual; the database's own log has the details."),
    )
