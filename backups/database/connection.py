"""Plain connections with a fixed session, so that equal data is printed as equal text everywhere."""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg2
from django.db import connections
from psycopg2 import extensions

from backups.errors import DatabaseFailure
from backups.wording import _

Connection = extensions.connection

# What the session is set to, whatever server, database, role or client say. row_security: with
# policies on, rows would vanish silently; off, the server refuses to read instead.
SESSION = {
    "client_encoding": "UTF8",
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "xmloption": "content",
    "lc_monetary": "C",
    "array_nulls": "on",
    "standard_conforming_strings": "on",
    "quote_all_identifiers": "off",
    "row_security": "off",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
    "jit": "off",
}
CLIENT_LOST_AFTER = "1s"


def connect(alias: str = "default", *, purpose: str) -> Connection:
    """A connection of its own with the fixed session, in psycopg2's default transaction mode.

    ``purpose`` is shown in ``pg_stat_activity``. Raises DatabaseFailure.
    """
    parameters: dict[str, Any] = connections[alias].get_connection_params()
    parameters.pop("cursor_factory", None)
    parameters.pop("assume_role", None)
    parameters["application_name"] = f"backups {purpose}"
    connection: Connection
    try:
        connection = psycopg2.connect(**parameters)
    except psycopg2.Error as error:
        raise database_failure(error) from error
    try:
        with database_errors():
            _fix_session(connection)
    except BaseException:
        close_quietly(connection)
        raise
    return connection


def _fix_session(connection: Connection) -> None:
    connection.autocommit = True
    with connection.cursor() as cursor:
        # A setting that this server does not have (transaction_timeout before 17) is passed over.
        cursor.execute(
            "SELECT set_config(s.name, wanted.value, false)"
            " FROM unnest(%s, %s) AS wanted(name, value)"
            " JOIN pg_settings s ON lower(s.name) = wanted.name",
            [list(SESSION), list(SESSION.values())],
        )
        # Without it the server notices a dead client only when it next prints something.
        with contextlib.suppress(psycopg2.Error):
            cursor.execute("SET client_connection_check_interval = %s", [CLIENT_LOST_AFTER])
    connection.autocommit = False


@contextlib.contextmanager
def connected(alias: str = "default", *, purpose: str) -> Iterator[Connection]:
    """``connect`` for the length of a block."""
    connection = connect(alias, purpose=purpose)
    try:
        yield connection
    finally:
        close_quietly(connection)


def close_quietly(connection: Connection) -> None:
    """Close without a word: what matters has been said or is being raised."""
    with contextlib.suppress(psycopg2.Error):
        connection.close()


@contextlib.contextmanager
def database_errors() -> Iterator[None]:
    """Whatever the database refuses inside the block becomes a DatabaseFailure."""
    try:
        yield
    except psycopg2.Error as error:
        raise database_failure(error) from error


def database_failure(error: psycopg2.Error) -> DatabaseFailure:
    """The database's complaint in our words. Its own text may hold values of rows and is not used."""
    state = getattr(error, "pgcode", None) or ""
    if state.startswith("53100"):
        return DatabaseFailure(
            "database.disk_full",
            _("The database server's disk is full."),
            hint=_("Free space on the database server, then try again."),
            permanent=False,
        )
    if state == "42501":
        return DatabaseFailure(
            "database.permission",
            _(
                "The database account may not do what is needed (it needs to own the tables, and"
                " row security must not hide rows from it)."
            ),
            hint=_("Run the application with the account that owns the tables."),
        )
    if state == "57014":
        return DatabaseFailure(
            "database.cancelled",
            _("The database cancelled the statement."),
            hint=_("Somebody or a time limit stopped it. Try again."),
            permanent=False,
        )
    if state in ("XX001", "XX002"):
        return DatabaseFailure(
            "database.damaged",
            _(
                "Data in the database is damaged: a value, a page or an index cannot be read"
                " (SQLSTATE {state}).",
                state=state,
            ),
            hint=_(
                "The database server's own log names it; an index is built anew by REINDEX. The plan of a"
                " restore says which tables are meant, and how to go on."
            ),
        )
    if not state or state.startswith(("08", "57P")):
        return DatabaseFailure(
            "database.lost",
            _("The connection to the database was lost or refused."),
            hint=_("Check that the database server is running, then try again."),
            permanent=False,
        )
    return DatabaseFailure(
        "database.error",
        _("The database refused a statement (SQLSTATE {state}).", state=state),
        hint=_(
            "Look up the SQLSTATE in PostgreSQL's manual; the database's own log has the details."
        ),
    )
