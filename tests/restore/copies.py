"""``become`` of ``tests.databases``, also while the server itself is at work in the database.

Autovacuum is a superuser's, so we may not end it by force; a drop without force asks it to leave.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psycopg2
import pytest
from django.conf import settings
from django.db import connections
from psycopg2 import sql

from tests import databases
from tests.roundtrip.engine import writing

Made = TypeVar("Made")


def become(name: str) -> None:
    """Make the database under test a copy of a prepared one."""
    try:
        databases.become(name)
    except psycopg2.errors.InsufficientPrivilege:
        current = sql.Identifier(str(connections["default"].settings_dict["NAME"]))
        databases.on_server(sql.SQL("DROP DATABASE {}").format(current))
        databases.on_server(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                current, sql.Identifier(f"{current.strings[0]}_{name}")
            )
        )


@dataclass(frozen=True)
class Moment:
    """A database and the backups that it tells of, from which tests of a module begin one after the other."""

    name: str
    folder: Path

    def come_back(self) -> None:
        become(self.name)
        databases.empty_folder(Path(settings.BACKUPS_ROOT))
        shutil.copytree(self.folder, settings.BACKUPS_ROOT, dirs_exist_ok=True)


@contextmanager
def moment(name: str, folder: Path) -> Iterator[Moment]:
    """What is there now, for the length of the block. ``folder`` is made."""
    shutil.copytree(settings.BACKUPS_ROOT, folder)
    with databases.copy_of_database(name):
        yield Moment(name, folder)
        become("empty")


@contextmanager
def moment_after(
    name: str,
    folder: Path,
    declare: Callable[[pytest.MonkeyPatch], None],
    then: str,
    make: Callable[[], Made],
    now: str,
) -> Iterator[tuple[Moment, Made]]:
    """The seeded database, changed by the statements ``then``, of which ``make`` makes files; and as the
    statements ``now`` have changed it since, for the length of the block."""
    with pytest.MonkeyPatch.context() as patch:
        become("seeded")
        declare(patch)
        with writing() as cursor:
            cursor.execute(then)
        made = make()
        with writing() as cursor:
            cursor.execute(now)
    with moment(name, folder) as there:
        yield there, made
