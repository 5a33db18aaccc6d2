"""Databases for a while: beside the application's own, on the same servers."""

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql


@contextmanager
def scratch_database(url: str) -> Iterator[str]:
    """The address of a new, empty database on the server at ``url``; dropped at the end.

    The role in ``url`` needs CREATEDB.
    """
    parts = urlsplit(url)
    name = f"{parts.path.lstrip('/')}_{secrets.token_hex(4)}"
    _execute(url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlunsplit(parts._replace(path=f"/{name}"))
    finally:
        # Whoever is still connected is one of ours and is being stopped. Not WITH (FORCE): that may
        # not end autovacuum's worker, which a plain DROP asks to leave.
        ours = sql.SQL(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = {} AND usename = current_user"
        )
        _execute(url, ours.format(sql.Literal(name)))
        _execute(url, sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def emptied_store(url: str, number: int) -> str:
    """The address of Redis database ``number`` on the server at ``url``, emptied."""
    import redis

    address = urlunsplit(urlsplit(url)._replace(path=f"/{number}"))
    with redis.Redis.from_url(address) as client:
        client.flushdb()
    return address


def _execute(url: str, statement: sql.Composable) -> None:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
