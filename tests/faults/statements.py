"""Counts the statements of the engine's own connections, and lets one of them fail."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import psycopg2
import pytest
from django.db import connection as django_connection
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

# The statements that differ only in what they name are one kind.
_WORDS = 3
_NAMES = re.compile(r'("[^"]*"\.?)+|\'[^\']*\'|\d+')
# The engine does without it where the server refuses it.
_MAY_FAIL = "SET client_connection_check_interval ="
# A session beside the backup, in a thread of its own: a backup never fails for it, and its statements
# would come between the counted ones in another order each time.
_BESIDE = "rules"


class Statement(NamedTuple):
    """``purpose`` is the connection's, ``kind`` the statement's first words."""

    purpose: str
    kind: str


Fault = Callable[[Connection], None]


class Statements:
    """What the engine asked, in order. ``fail`` lets the n-th, counted from 0, fail from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: list[Statement] = []
        self._at: int | None = None
        self._fault: Fault = lambda _: None
        self._connect = psycopg2.connect
        monkeypatch.setattr(psycopg2, "connect", self._watched)

    def fail(self, at: int, fault: Fault) -> None:
        self.log.clear()
        self._at, self._fault = at, fault

    def heal(self) -> None:
        self._at = None

    def first_of_each_kind(self) -> list[int]:
        seen: dict[Statement, int] = {}
        for number, statement in enumerate(self.log):
            if statement.kind != _MAY_FAIL:
                seen.setdefault(statement, number)
        return list(seen.values())

    def _watched(self, *arguments: Any, **options: Any) -> Connection:
        name = str(options.get("application_name", ""))
        if not name.startswith("backups "):
            return self._connect(*arguments, **options)
        purpose, note = name.removeprefix("backups "), self._note
        if purpose == _BESIDE:
            return self._connect(*arguments, **options)

        class WatchedCursor(Cursor):
            def execute(self, query: Any, parameters: Any = None) -> None:
                note(purpose, query, self.connection)
                super().execute(query, parameters)

            def copy_expert(self, query: Any, *rest: Any) -> None:
                note(purpose, query, self.connection)
                super().copy_expert(query, *rest)

        class WatchedConnection(Connection):
            def commit(self) -> None:
                note(purpose, "COMMIT", self)
                super().commit()

        return self._connect(
            *arguments,
            **options,
            connection_factory=WatchedConnection,
            cursor_factory=WatchedCursor,
        )

    def _note(self, purpose: str, query: Any, connection: Connection) -> None:
        text = query if isinstance(query, str) else query.as_string(connection)
        kind = " ".join(_NAMES.sub("…", text).split()[:_WORDS])
        self.log.append(Statement(purpose, kind))
        if self._at == len(self.log) - 1:
            self._fault(connection)


def exception(_: Connection) -> None:
    """Python itself fails."""
    raise RuntimeError("injected")


def terminated(connection: Connection) -> None:
    """The server ends the session before the statement."""
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])


def disk_full(connection: Connection) -> None:
    """The server says that its disk is full."""
    with psycopg2.extensions.connection.cursor(connection, cursor_factory=Cursor) as cursor:
        cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'injected' USING ERRCODE = '53100'; END $$")
