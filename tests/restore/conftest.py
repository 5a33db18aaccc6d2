"""Every test gets a database of its own, copied from one that was prepared once.

Copying takes a fraction of seeding, and nothing that a test does can reach another.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from django.conf import settings
from django.db import connections
from psycopg2 import sql

from backups.registry import COMPLETE, SAFE
from backupsvc.studio.demo.seeding import seed_studio
from tests.restore.damage import damage_everything
from tests.restore.tables import Rows, rows_of_database
from tests.roundtrip.engine import back_up, stored

OWNER = "owner@studio.example"


@dataclass(frozen=True)
class Prepared:
    """The seeded studio: its files, and its rows as pg_dump saw them when the files were made."""

    safe: Path
    complete: Path
    rows: Rows


@pytest.fixture(scope="package")
def prepared(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[Prepared]:
    folder = tmp_path_factory.mktemp("artifacts")
    with django_db_blocker.unblock(), _copy_of_database("empty"):
        seed_studio(1, 1, lambda what, done: None)
        rows = rows_of_database()
        files = {scope: folder / f"{scope.value}.json.zst" for scope in (SAFE, COMPLETE)}
        with _copy_of_database("seeded"):
            for scope, path in files.items():
                shutil.copy(stored(back_up(scope)), path)
            _become("empty")
            yield Prepared(files[SAFE], files[COMPLETE], rows)


@pytest.fixture(scope="package")
def damaged(prepared, django_db_blocker) -> Iterator[Rows]:
    """The rows of the seeded studio after much has happened to it."""
    with django_db_blocker.unblock():
        _become("seeded")
        damage_everything(1, spare=OWNER)
        with _copy_of_database("damaged"):
            rows = rows_of_database()
            _become("empty")
            yield rows


@pytest.fixture
def studio(transactional_db, prepared, django_db_blocker) -> Iterator[Prepared]:
    """The database is the seeded studio."""
    yield from _database("seeded", prepared, django_db_blocker)


@pytest.fixture
def damaged_studio(transactional_db, prepared, damaged, django_db_blocker) -> Iterator[Prepared]:
    """The database is the studio after much has happened to it; ``damaged`` are its rows."""
    yield from _database("damaged", prepared, django_db_blocker)


@pytest.fixture
def empty_studio(transactional_db, prepared, django_db_blocker) -> Iterator[Prepared]:
    """The database has its tables and no rows."""
    yield from _database("empty", prepared, django_db_blocker)


def _database(name: str, prepared: Prepared, blocker) -> Iterator[Prepared]:
    with blocker.unblock():
        _become(name)
        try:
            yield prepared
        finally:
            _empty_folder(Path(settings.BACKUPS_ROOT))


def _become(name: str) -> None:
    """Make the database under test a copy of a prepared one. It is emptied after each test, as that
    of any test with real commits is."""
    current = _name()
    _on_server(
        sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(current)),
        sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(current), sql.Identifier(f"{current}_{name}")
        ),
    )


@contextmanager
def _copy_of_database(name: str) -> Iterator[None]:
    """Keep what the database holds now, under a name, for the length of the block."""
    current = _name()
    copy = sql.Identifier(f"{current}_{name}")
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(copy)
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(copy, sql.Identifier(current))
    _on_server(drop, create)
    try:
        yield
    finally:
        _on_server(drop)


def _name() -> str:
    return str(connections["default"].settings_dict["NAME"])


def _on_server(*statements: sql.Composed) -> None:
    connections.close_all()
    address = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path="/postgres"))
    with closing(psycopg2.connect(address)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def _empty_folder(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
