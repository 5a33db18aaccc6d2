"""Every test here has a database of real commits, and empty folders for files and backups."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from backupsvc.studio.demo import fileserver
from backupsvc.studio.demo.seeding import seed_studio
from tests.zoo.models import Boat, Quoted, Reading, Vessel

# Django's own flush passes over what it does not manage.
_UNMANAGED = [model._meta.db_table for model in (Boat, Quoted, Reading, Vessel)]


@pytest.fixture(autouse=True)
def surroundings(transactional_db: None) -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        names = ", ".join('"' + name.replace('"', '""') + '"' for name in _UNMANAGED)
        cursor.cursor.execute(f"TRUNCATE {names}")
    for folder in (settings.MEDIA_ROOT, settings.BACKUPS_ROOT):
        empty(Path(folder))


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


@pytest.fixture
def demo(surroundings: None, settings: Any) -> Iterator[None]:
    """The demo studio at scale 1, with its remote files on loopback."""
    server = fileserver.serve()
    settings.STUDIO_DEMO_FILES_URL = server.address
    settings.BACKUPS_FETCH_INTERNAL_HOSTS = [urlsplit(server.address).netloc]
    seed_studio(1, 1, lambda *_: None)
    yield
    server.shutdown()
    server.server_close()
