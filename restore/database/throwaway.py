"""A database of its own on the same server, for the length of a block."""

import contextlib
import secrets
from collections.abc import Iterator

import psycopg2
from django.db import connections
from psycopg2 import sql

from backups.database.connection import connected
from backups.errors import RestoreError
from backups.wording import _

PREFIX = "rehearsal_"


@contextlib.contextmanager
def throwaway_database(alias: str = "default") -> Iterator[str]:
    """Create an empty database beside ``alias``'s and yield a Django alias for it; then drop it.

    Raises RestoreError ``rehearsal.not_allowed`` where the account may not create databases.
    """
    name = PREFIX + secrets.token_hex(8)
    _create(alias, name)
    settings = dict(connections[alias].settings_dict, NAME=name)
    connections.settings[name] = settings
    try:
        # Somebody is connected all the time: what nobody uses is taken for a dead rehearsal's.
        with connected(name, purpose="rehearsal"):
            yield name
    finally:
        connections[name].close()
        del connections[name]
        connections.settings.pop(name, None)
        drop(alias, name)


def _create(alias: str, name: str) -> None:
    try:
        # template0 takes the live database's own encoding and collation, whatever template1 has.
        _run(
            alias,
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}"),
            name,
            with_locale=True,
        )
    except psycopg2.errors.InsufficientPrivilege as error:
        raise RestoreError(
            "rehearsal.not_allowed",
            _("The database account may not create a database, so no restore can be tried out."),
            hint=_("Let an administrator of the database run: ALTER ROLE <account> CREATEDB."),
        ) from error


def drop(alias: str, name: str) -> None:
    """Drop a throwaway database, ending our own sessions in it.

    Not WITH (FORCE): that may not end autovacuum's worker, which a plain DROP asks to leave.
    """
    with connected(alias, purpose="rehearsal") as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND usename = current_user",
                [name],
            )
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def left_over(alias: str = "default") -> list[str]:
    """The names of throwaway databases on the server."""
    with connected(alias, purpose="look") as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT datname FROM pg_database WHERE datname ~ %s ORDER BY datname",
            [f"^{PREFIX}[0-9a-f]{{16}}$"],
        )
        return [name for (name,) in cursor.fetchall()]


def in_use(alias: str, name: str) -> bool:
    """Whether some session is connected to it."""
    with connected(alias, purpose="look") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = %s)", [name])
        return bool(cursor.fetchone()[0])  # type: ignore[index]


def _run(alias: str, statement: sql.SQL, name: str, *, with_locale: bool = False) -> None:
    with connected(alias, purpose="rehearsal") as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            values: list[sql.Composable] = [sql.Identifier(name)]
            if with_locale:
                cursor.execute(
                    "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database"
                    " WHERE datname = current_database()"
                )
                values += [sql.Literal(part) for part in cursor.fetchone()]  # type: ignore[union-attr]
            cursor.execute(statement.format(*values))
