"""Every test gets a database of its own, copied from one that was prepared once.

Copying takes a fraction of seeding, and nothing that a test does can reach another. So nobody need
empty it after a test, which takes as long.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from backups.registry import COMPLETE, SAFE
from backupsvc.studio.demo.seeding import seed_studio
from tests.databases import copy_of_database, empty_folder
from tests.restore.copies import become
from tests.restore.damage import damage_everything
from tests.restore.tables import Rows, rows_of_database
from tests.roundtrip.engine import back_up, stored

OWNER = "owner@studio.example"
_COPIES = {"studio", "damaged_studio", "empty_studio"}
_altered: list[bool] = []


@dataclass(frozen=True, repr=False)
class Prepared:
    """The seeded studio: its files, and its rows as pg_dump saw them when the files were made."""

    safe: Path
    complete: Path
    rows: Rows


@pytest.fixture(scope="package")
def prepared(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[Prepared]:
    folder = tmp_path_factory.mktemp("artifacts")
    with django_db_blocker.unblock(), copy_of_database("empty"):
        seed_studio(1, 1, lambda what, done: None)
        rows = rows_of_database()
        files = {scope: folder / f"{scope.value}.json.zst" for scope in (SAFE, COMPLETE)}
        with copy_of_database("seeded"):
            for scope, path in files.items():
                shutil.copy(stored(back_up(scope)), path)
            become("empty")
            yield Prepared(files[SAFE], files[COMPLETE], rows)
            become("empty")  # whatever a test did to the tables themselves
            _altered.clear()


@pytest.fixture(scope="package")
def damaged(prepared, django_db_blocker) -> Iterator[Rows]:
    """The rows of the seeded studio after much has happened to it."""
    with django_db_blocker.unblock():
        become("seeded")
        damage_everything(1, spare=OWNER)
        with copy_of_database("damaged"):
            rows = rows_of_database()
            become("empty")
            yield rows


@pytest.fixture
def transactional_db(django_db_setup) -> None:
    """In place of pytest-django's, whose name makes it create the database: emptying a copy that the
    next test does not see takes longer than many tests."""


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


@pytest.fixture
def changing_schema(prepared) -> Iterator[None]:
    """For tests that alter tables: whatever test comes next finds them as before."""
    yield
    _altered.append(True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Most tests begin with a copy of their own, which takes the place of what was altered."""
    begins_with_it = _COPIES & set(item.fixturenames) and not item.get_closest_marker("django_db")
    if _altered and not begins_with_it:
        become("empty")
    _altered.clear()


def _database(name: str, prepared: Prepared, blocker) -> Iterator[Prepared]:
    with blocker.unblock():
        become(name)
        try:
            yield prepared
        finally:
            empty_folder(Path(settings.BACKUPS_ROOT))
