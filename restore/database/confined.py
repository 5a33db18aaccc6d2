"""Letting this process reach one database and no other, whoever asks for a connection.

Must be importable before Django's settings are.
"""

import importlib.util
from collections.abc import Callable, Generator
from typing import Any

import psycopg2
from psycopg2 import _psycopg, extensions


class Unreachable(psycopg2.OperationalError):
    """A connection to another database than the throwaway one was asked for."""


def confine_to(database: str) -> None:
    """From here on psycopg2, and psycopg 3 where there is one, connect to the database of this name alone.
    Cannot be taken back.

    Its name is random: no other server has one of that name."""
    connect: Callable[..., Any] = _psycopg._connect

    def only_there(dsn: str, *arguments: Any, **options: Any) -> Any:
        parsed: dict[str, Any] = extensions.parse_dsn(dsn)
        if parsed.get("dbname") != database:
            raise Unreachable("a test restore reaches no database but its throwaway one")
        return connect(dsn, *arguments, **options)

    _psycopg._connect = only_there
    psycopg2._connect = only_there  # type: ignore[attr-defined]
    if importlib.util.find_spec("psycopg"):
        _confine_psycopg_to(database)


def _confine_psycopg_to(database: str) -> None:
    """Django prefers it. Its connections, of either kind, begin with this generator."""
    generators: Any = importlib.import_module("psycopg.generators")
    errors: Any = importlib.import_module("psycopg.errors")
    connect = generators.connect

    def only_there(conninfo: str, *arguments: Any, **options: Any) -> Generator[Any, Any, Any]:
        if extensions.parse_dsn(conninfo).get("dbname") != database:
            raise errors.OperationalError(
                "a test restore reaches no database but its throwaway one"
            )
        return (yield from connect(conninfo, *arguments, **options))

    generators.connect = only_there
