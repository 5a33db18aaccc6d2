"""A database of its own on the same server, for the length of a block."""

import contextlib
import hashlib
import secrets
import time
from collections.abc import Iterator

import psycopg2
from django.db import connections
from psycopg2 import sql

from backups.database import locks
from backups.database.connection import Connection, connected, database_errors
from backups.errors import DatabaseFailure, RestoreError
from backups.wording import _

PREFIX = "rehearsal_"
# Between its creation and the first connection nobody is seen to use one of another installation.
SETTLING_SECONDS = 1.0


@contextlib.contextmanager
def throwaway_database(alias: str = "default") -> Iterator[str]:
    """Create an empty database beside ``alias``'s and yield a Django alias for it; then drop it.

    It has the encoding, the rules of sorting and the settings of ``alias``'s database.

    Raises RestoreError: ``rehearsal.not_allowed`` where the account may not create databases,
    ``rehearsal.unreachable`` where nobody can connect to what was created.
    """
    name = prefix_of(alias) + secrets.token_hex(4)
    settings = dict(connections[alias].settings_dict, NAME=name)
    with database_errors(), connected(alias, purpose="rehearsal") as alive:
        # Held until it is dropped: what nobody holds is taken for a dead rehearsal's.
        locks.hold_run(alive, name)
        _create(alias, name)
        connections.settings[name] = settings
        try:
            with _reached(name):
                yield name
        finally:
            with contextlib.suppress(Exception):
                connections[name].close()
            del connections[name]
            connections.settings.pop(name, None)
            drop(alias, name)


def prefix_of(alias: str) -> str:
    """How the names of an installation's throwaway databases begin."""
    with connected(alias, purpose="look") as connection:
        # As the server calls it: a service file may name it, and the settings then do not.
        return prefix_for(connection.info.dbname)


def prefix_for(database: str) -> str:
    return PREFIX + hashlib.sha256(database.encode()).hexdigest()[:8]


@contextlib.contextmanager
def _reached(name: str) -> Iterator[None]:
    """Somebody is connected all the time, for those who cannot see our lock."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(connected(name, purpose="rehearsal"))
        except DatabaseFailure as error:
            raise RestoreError(
                "rehearsal.unreachable",
                _("The throwaway database was created, but cannot be connected to."),
                hint=_(
                    "Let the application connect to PostgreSQL itself for test restores: a pooler such"
                    " as PgBouncer knows only the databases that it was told of, and pg_hba.conf may"
                    " name single ones too."
                ),
            ) from error
        yield


def _create(alias: str, name: str) -> None:
    with connected(alias, purpose="rehearsal") as connection:
        connection.autocommit = True
        statement = _statement(connection, name, _role(alias))
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        except psycopg2.errors.InsufficientPrivilege as error:
            raise RestoreError(
                "rehearsal.not_allowed",
                _(
                    "The database account may not create a database, so no restore can be tried out."
                ),
                hint=_("Let an administrator of the database run: ALTER ROLE <account> CREATEDB."),
            ) from error
        with database_errors():
            _copy_settings(connection, name)


def _role(alias: str) -> str:
    options = connections[alias].settings_dict.get("OPTIONS") or {}
    return str(options.get("assume_role") or "")


def _statement(connection: Connection, name: str, role: str) -> sql.Composable:
    """CREATE DATABASE with all that decides how text is stored, compared and sorted. template0 takes
    it, whatever template1 has. https://www.postgresql.org/docs/current/sql-createdatabase.html"""
    facts = _facts(connection)
    provider = {"c": "libc", "i": "icu", "b": "builtin"}.get(facts.get("datlocprovider", ""), "")
    locale = facts.get("datlocale") or facts.get("daticulocale")
    options = [
        ("ENCODING", facts["encoding"]),
        ("LC_COLLATE", facts["datcollate"]),
        ("LC_CTYPE", facts["datctype"]),
        ("LOCALE_PROVIDER", provider),
        ("ICU_LOCALE", locale if provider == "icu" else ""),
        ("ICU_RULES", facts.get("daticurules") if provider == "icu" else ""),
        ("BUILTIN_LOCALE", locale if provider == "builtin" else ""),
        ("COLLATION_VERSION", facts.get("datcollversion")),
    ]
    parts = [
        sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)),
        *(sql.SQL("OWNER {}").format(sql.Identifier(role)) for _one in [role] if role),
        *(sql.SQL(f"{what} {{}}").format(sql.Literal(value)) for what, value in options if value),
    ]
    return sql.SQL(" ").join(parts)


def _facts(connection: Connection) -> dict[str, str]:
    """The row of ``pg_database``, whose columns differ between versions."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_catalog.to_jsonb(d) || jsonb_build_object('encoding', pg_encoding_to_char(d.encoding))"
            " FROM pg_database d WHERE d.datname = current_database()"
        )
        facts: dict[str, object] = cursor.fetchone()[0]  # type: ignore[index]
    return {key: value for key, value in facts.items() if isinstance(value, str)}


def _copy_settings(connection: Connection, name: str) -> None:
    """What ALTER DATABASE … SET says of the live database, a search path, say. What only a superuser
    may set is passed over."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.setrole <> 0, pg_catalog.unnest(s.setconfig) FROM pg_db_role_setting s"
            " JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = current_database()"
            " AND (s.setrole = 0 OR s.setrole = (SELECT oid FROM pg_roles WHERE rolname = current_user))"
        )
        for of_role, setting in cursor.fetchall():
            key, _equals, value = setting.partition("=")
            target = sql.SQL("ROLE CURRENT_USER IN DATABASE {}" if of_role else "DATABASE {}")
            with contextlib.suppress(psycopg2.Error):
                # By way of the session, as a list such as a search path cannot be quoted as one text.
                cursor.execute("SELECT set_config(%s, %s, false)", [key, value])
                cursor.execute(
                    sql.SQL("ALTER {} SET {} FROM CURRENT").format(
                        target.format(sql.Identifier(name)), sql.Identifier(*key.split("."))
                    )
                )


def server_major(alias: str) -> int:
    """The server's version, such as 18."""
    with connected(alias, purpose="look") as connection:
        return connection.server_version // 10000


def drop(alias: str, name: str) -> None:
    """Drop a throwaway database, ending our own sessions in it.

    Not WITH (FORCE): that may not end autovacuum's worker, which a plain DROP asks to leave.
    """
    with database_errors(), connected(alias, purpose="rehearsal") as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND usename = current_user",
                [name],
            )
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def left_over(alias: str = "default") -> list[str]:
    """The names of throwaway databases on the server that are ours to drop."""
    with (
        database_errors(),
        connected(alias, purpose="look") as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "SELECT datname FROM pg_database WHERE datname ~ %s"
            " AND pg_has_role(datdba, 'USAGE') ORDER BY datname",
            [f"^{PREFIX}[0-9a-f]{{16}}$"],
        )
        return [name for (name,) in cursor.fetchall()]


def is_abandoned(alias: str, name: str) -> bool:
    """Whether whoever made it is dead."""
    if in_use(alias, name):
        return False
    if name.startswith(prefix_of(alias)):
        return True  # its maker's lock would have been seen
    time.sleep(SETTLING_SECONDS)
    return not in_use(alias, name)


def in_use(alias: str, name: str) -> bool:
    """Whether a rehearsal of ours holds it, or some session is connected to it."""
    with (
        database_errors(),
        connected(alias, purpose="look") as connection,
        connection.cursor() as cursor,
    ):
        if locks.run_is_held(connection, name):
            return True
        cursor.execute("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = %s)", [name])
        return bool(cursor.fetchone()[0])  # type: ignore[index]
