"""What the tests of the engine stand on: real commits, and folders of a test's own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.management.commands import flush
from django.db.backends.base.base import BaseDatabaseWrapper

# Migrations fill these, once.
_STAY = ("django_migrations", "django_content_type", "auth_permission")


@dataclass(frozen=True)
class Folders:
    backups: Path
    media: Path
    key: Path


@pytest.fixture
def folders(tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> Folders:
    """Where backups, files and the installation's key lie, for this process and for those that it
    starts; nothing is there yet."""
    made = Folders(tmp_path / "backups", tmp_path / "media", tmp_path / "installation.key")
    for name, path in {
        "BACKUPS_ROOT": made.backups,
        "MEDIA_ROOT": made.media,
        "BACKUPS_KEY_FILE": made.key,
    }.items():
        setattr(settings, name, path)
        monkeypatch.setenv(name, str(path))
    return made


@pytest.fixture(autouse=True, scope="package")
def quick_flush() -> Iterator[None]:
    """After a test with real commits, empty the tables that were filled and no others.

    Emptying all of them, as Django does, takes longer than most tests.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "sql_flush", _empty_what_was_filled)
        yield


def _empty_what_was_filled(_style: object, on: BaseDatabaseWrapper, **_: object) -> list[str]:
    with on.cursor() as cursor:
        names = [name for name in on.introspection.table_names(cursor) if name not in _STAY]
        # Django's own quoting passes over quotation marks in a name, and the zoo has some.
        quoted = {name: '"' + name.replace('"', '""') + '"' for name in names}
        tables = [quoted[name].replace("%", "%%") for name in names]
        asked = [f"SELECT %s WHERE EXISTS (SELECT FROM {table})" for table in tables]
        cursor.execute(" UNION ALL ".join(asked), names)
        filled = [quoted[name] for (name,) in cursor.fetchall()]
    return [f"TRUNCATE {', '.join(filled)} CASCADE"] if filled else []
