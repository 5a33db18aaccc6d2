"""Plain connections with a fixed session, so that equal data is printed as equal text everywhere."""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg2
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from psycopg2 import extensions

from backups.database import pooling
from backups.database.complaints import database_failure
from backups.errors import DatabaseFailure
from backups.wording import _

Connection = extensions.connection

# What the session is set to, whatever server, database, role or client say. row_security: with
# policies on, rows would vanish silently; off, the server refuses to read instead. Isolation: whoever locks
# tables has to see what others committed until then; what needs an instant of its own asks for it.
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
    "exit_on_error": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "jit": "off",
}
CLIENT_LOST_AFTER = "1s"
# For one sort or join at a time; the server's own setting where that is more. With PostgreSQL's four
# megabytes the rows of every larger table go through temporary files.
SORTING_MB = 64


# What Django passes to a driver and libpq does not know, with psycopg 3 installed or without it.
_OF_THE_DRIVER = frozenset(
    {
        *("autocommit", "connection_factory", "context", "cursor_factory", "isolation_level"),
        *("pool", "prepare_threshold", "row_factory", "server_side_binding", "assume_role"),
    }
)


def connect(alias: str = "default", *, purpose: str) -> Connection:
    """A connection of its own with the fixed session, in psycopg2's default transaction mode.

    ``purpose`` is shown in ``pg_stat_activity``. Raises DatabaseFailure.
    """
    connection = _open(alias, purpose)
    try:
        with database_errors():
            connection.autocommit = True
            # First of all: what is set behind a pooler is set for somebody else.
            pooling.refuse_shared_sessions(connection, lambda: _open(alias, purpose))
            _fix_session(connection)
            _assume_role(connection, alias)
            connection.autocommit = False
    except BaseException:
        close_quietly(connection)
        raise
    return connection


def _open(alias: str, purpose: str) -> Connection:
    """Django's parameters, which may be a backend's of somebody else, without what is the driver's."""
    parameters = parameters_of(alias)
    parameters["application_name"] = f"backups {purpose}"
    try:
        connection: Connection = psycopg2.connect(**parameters)
        if connection.get_parameter_status("standard_conforming_strings") == "off":
            # The driver asks once how backslashes are quoted, so it has to be right from the start.
            connection.close()
            options = f"{parameters.get('options', '')} -c standard_conforming_strings=on"
            connection = psycopg2.connect(**{**parameters, "options": options.strip()})
    except (psycopg2.ProgrammingError, TypeError) as error:
        raise _settings_refused() from error
    except psycopg2.Error as error:
        raise database_failure(error) from error
    return connection


def parameters_of(alias: str) -> dict[str, Any]:
    """What libpq is told of a database, whichever driver Django prefers. Raises DatabaseFailure."""
    try:
        given: dict[str, Any] = connections[alias].get_connection_params()
    except ImproperlyConfigured as error:
        raise _settings_refused() from error
    return {name: value for name, value in given.items() if name not in _OF_THE_DRIVER}


def _assume_role(connection: Connection, alias: str) -> None:
    """As Django does on its own connections; what a role may do is then the same on all."""
    role = connections[alias].settings_dict.get("OPTIONS", {}).get("assume_role")
    if not role:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE %s", [role])
    except (psycopg2.DataError, psycopg2.ProgrammingError) as error:
        raise DatabaseFailure(
            "database.role",
            _("The role that the settings name (assume_role) cannot be taken on."),
            hint=_("Grant it to the account, or correct OPTIONS['assume_role']."),
        ) from error


def _fix_session(connection: Connection) -> None:
    with connection.cursor() as cursor:
        # A setting that this server does not have (transaction_timeout before 17) is passed over.
        cursor.execute(
            "SELECT set_config(wanted.name, wanted.value, false)"
            " FROM unnest(%s, %s) AS wanted(name, value)"
            " WHERE current_setting(wanted.name, true) IS NOT NULL;"
            f" SELECT set_config('work_mem', '{SORTING_MB}MB', false)"
            f" WHERE pg_size_bytes(current_setting('work_mem')) < {SORTING_MB * 2**20}",
            [list(SESSION), list(SESSION.values())],
        )
        # Without it the server notices a dead client only when it next prints something.
        with contextlib.suppress(psycopg2.Error):
            cursor.execute("SET client_connection_check_interval = %s", [CLIENT_LOST_AFTER])


def let_django_wait(alias: str = "default") -> None:
    """Django's own connection is left alone for as long as a run works; it must still be there at its end,
    whatever time the server, the database or the role grant to who says nothing."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT set_config(name, '0', false) FROM pg_settings"
            " WHERE name = 'idle_session_timeout' AND setting <> '0'"
        )


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


def _settings_refused() -> DatabaseFailure:
    return DatabaseFailure(
        "database.settings",
        _("The settings of the database have an option that cannot be used to connect."),
        hint=_("Compare OPTIONS in DATABASES with PostgreSQL's list of connection parameters."),
    )
