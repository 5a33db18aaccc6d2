"""A small studio beside the zoo, in two states: as the backups found it, and as it is today.

Each test gets copies of the database and of the files that it may do anything to, and nobody empties
them after it.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from backups.registry import COMPLETE, SAFE
from backupsvc.studio.models import Asset
from restore.services.applying import ahead
from restore.services.applying import writing as restore_writing
from tests.battery.small import seed_small_studio
from tests.battery.state import Files, stored_files
from tests.databases import become, copy_of_database, empty_folder
from tests.roundtrip.disturbance import rotate_everything
from tests.roundtrip.dump import Dump, dump_data
from tests.roundtrip.engine import back_up, stored, writing
from tests.zoo import rows


@dataclass(frozen=True)
class Studio:
    """``then`` is what the artifacts hold, ``today`` what was made of it since; with the files."""

    safe: Path
    complete: Path
    then: Dump
    today: Dump
    files_then: Files
    files_today: Files
    folder: Path

    def become(self, which: str) -> None:
        """Set the database and the files to ``then`` or ``today``."""
        become(f"battery_{which}")
        empty_folder(Path(settings.MEDIA_ROOT))
        shutil.copytree(self.folder / which, settings.MEDIA_ROOT, dirs_exist_ok=True)


@pytest.fixture(scope="package")
def prepared(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[Studio]:
    folder, media = tmp_path_factory.mktemp("battery"), Path(settings.MEDIA_ROOT)
    with django_db_blocker.unblock(), copy_of_database("battery_empty"):
        empty_folder(media)
        seed_small_studio()
        with writing() as cursor:
            rows.fill(cursor)
        then, files_then = dump_data(), stored_files()
        shutil.copytree(media, folder / "then")
        with copy_of_database("battery_then"):
            for scope in (SAFE, COMPLETE):
                shutil.copy(stored(back_up(scope)), folder / f"{scope.value}.json.zst")
            become("battery_then")
            _let_time_pass(media)
            today, files_today = dump_data(), stored_files()
            shutil.copytree(media, folder / "today")
            with copy_of_database("battery_today"):
                become("battery_empty")
                empty_folder(Path(settings.BACKUPS_ROOT))
                yield Studio(  # type: ignore[call-arg]
                    *(folder / f"{scope.value}.json.zst" for scope in (SAFE, COMPLETE)),
                    *(then, today, files_then, files_today, folder),
                )
                # A test that took a guard away may have left tables without their keys.
                become("battery_empty")


def _let_time_pass(media: Path) -> None:
    with writing() as cursor:
        rotate_everything(cursor)
    for number, path in enumerate(sorted(media.rglob("*.p*"))):
        if number % 3 == 0:
            path.unlink()


@pytest.fixture(autouse=True)
def in_the_ways_of_a_large_studio(monkeypatch) -> None:
    """Few rows are here, and yet they are read ahead, and indexes go for the loading."""
    monkeypatch.setattr(ahead, "ROWS_WORTH_READING_AHEAD", 0)
    monkeypatch.setattr(restore_writing, "ROWS_WORTH_AN_INDEX", 0)


@pytest.fixture
def transactional_db(django_db_setup) -> None:
    """In place of pytest-django's, whose name makes it create the database: emptying a copy that the
    next test does not see takes longer than many tests."""


@pytest.fixture
def studio(transactional_db, prepared, django_db_blocker) -> Iterator[Studio]:
    """The studio as it is today."""
    with django_db_blocker.unblock():
        prepared.become("today")
        assert Asset.objects.exists()
        try:
            yield prepared
        finally:
            for folder in (settings.MEDIA_ROOT, settings.BACKUPS_ROOT):
                empty_folder(Path(folder))
