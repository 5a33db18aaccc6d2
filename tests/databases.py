"""The database under test as a copy of one that was prepared once: a fraction of filling it anew."""

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from django.db import connections
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backupsvc.embedded.postgresql import SUPERUSER
from backupsvc.embedded.record import Record
from backupsvc.environment import var_dir
from tests import audit_door, emptying


def become(name: str) -> None:
    """Make the database under test a copy of a prepared one. It is emptied after each test, as that
    of any test with real commits is."""
    current = _name()
    audit_door.forget_the_head()
    emptying.forget_the_keys()
    on_server(*dropping(current), copying(f"{current}_{name}", current))


@contextmanager
def copy_of_database(name: str) -> Iterator[None]:
    """Keep what the database holds now, under a name, for the length of the block."""
    current = _name()
    drop = dropping(f"{current}_{name}")
    on_server(*drop)
    leave_nobody_in(current)
    on_server(copying(current, f"{current}_{name}"))
    try:
        yield
    finally:
        on_server(*drop)


def copying(template: str, name: str) -> sql.Composable:
    """A new database like another. File by file, where the server knows of it: page by page, through its log,
    costs half as much again, and these servers are kept from no crash."""
    how = sql.SQL(" STRATEGY FILE_COPY" if _knows_strategies() else "")
    names = (sql.Identifier(name), sql.Identifier(template))
    return sql.SQL("CREATE DATABASE {} TEMPLATE {}{}").format(*names, how)


@cache
def _knows_strategies() -> bool:
    with closing(superuser("postgres")) as connection:
        return connection.info.server_version >= 150000


def dropping(name: str) -> tuple[sql.Composable, ...]:
    """Not WITH (FORCE): that may not end autovacuum's worker, which a plain DROP asks to leave."""
    return (
        sql.SQL(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = {} AND usename = current_user"
        ).format(sql.Literal(name)),
        sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)),
    )


def leave_nobody_in(name: str) -> None:
    """End the sessions in a database that is about to be copied, which may then have none, and warn of
    them. Ours are closed: these are what a test that failed has left behind, and without this all tests
    that need a copy would fail with it."""
    connections.close_all()
    with closing(superuser("postgres")) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 10000), concat_ws(' ', usename, application_name, state,"
            " age(clock_timestamp(), state_change), left(query, 200))"
            " FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'",
            [name],
        )
        for _, whose in cursor.fetchall():
            warnings.warn(f"A session was left in {name}: {whose}", stacklevel=2)


def on_server(*statements: sql.Composable) -> None:
    """Statements about databases, outside the one under test; its connections are closed."""
    connections.close_all()
    address = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path="/postgres"))
    with closing(psycopg2.connect(address)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def as_superuser(*statements: sql.Composable) -> None:
    """Statements that the application's role may not make, about roles, say."""
    with closing(superuser("postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def superuser(database: str | None = None) -> Connection:
    """A session of the server's superuser, in the database under test by default."""
    server = Record(var_dir() / "services.json").get("postgresql")
    assert server is not None
    connection: Connection = psycopg2.connect(
        host="127.0.0.1",
        port=server.port,
        user=SUPERUSER,
        password=server.passwords[SUPERUSER],
        dbname=database or _name(),
    )
    return connection


def empty_folder(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _name() -> str:
    return str(connections["default"].settings_dict["NAME"])
