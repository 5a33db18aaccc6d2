"""The steps of the tests, each the use case that commands, pages and workers call."""

import json
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from psycopg2.extensions import cursor as Cursor

from backups.models import BackupRun
from backups.registry import COMPLETE, Scope
from backups.services import auditing, creating, vault
from restore.models import RestoreRun
from restore.plan import Choices
from restore.services.applying import applying
from restore.services.asking import requests


def back_up(scope: Scope = COMPLETE) -> BackupRun:
    """A backup, made in this process."""
    return creating.carry_out(creating.request(scope, auditing.COMMAND_LINE))


def restore(path: Path, *, accept_foreign: bool = False) -> RestoreRun:
    """A restore, made in this process."""
    choices = Choices(accept_foreign=accept_foreign)
    run = requests.request(path, auditing.COMMAND_LINE, choices)
    return applying.carry_out(run, path)


def stored(run: BackupRun) -> Path:
    """The file of a backup as it is kept."""
    return vault.path_of(run.artifact)


def document(run: BackupRun) -> bytes:
    """The plain document of a backup."""
    with stored(run).open("rb") as file:
        plain = vault.open_plain(file)
        return b"".join(iter(lambda: plain.read(1 << 20), b""))


def data_part(plain: bytes) -> bytes:
    """The bytes of the member ``data``."""
    return plain[plain.index(b'\n"data": {') : plain.index(b'\n},\n"files": {')]


def parsed(run: BackupRun) -> Any:
    """The document as a general JSON parser sees it."""
    return json.loads(document(run))


class writing:
    """``with writing() as cursor``: plain SQL in one transaction on the test's connection."""

    def __enter__(self) -> Cursor:
        self._atomic = transaction.atomic()
        self._atomic.__enter__()
        connection.ensure_connection()
        self._cursor: Cursor = connection.connection.cursor()
        return self._cursor

    def __exit__(self, *exception: Any) -> None:
        self._cursor.close()
        self._atomic.__exit__(*exception)
