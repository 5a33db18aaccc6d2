"""What the two kinds of backup of the demo studio hold, and that neither says more than it may."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from backups.database.table_reading import column_of
from backups.models import State
from backups.registry import COMPLETE, SAFE, registry
from tests.roundtrip import independent
from tests.roundtrip.disturbance import empty_everything
from tests.roundtrip.dump import differences, dump_data
from tests.roundtrip.engine import back_up, data_part, document, restore, stored, writing

STUDIO = [s for s in registry.sections if s.model._meta.app_label == "studio"]


def test_a_complete_file_is_what_its_description_says(demo: None) -> None:
    backup = back_up(COMPLETE)
    assert backup.state == State.SUCCEEDED
    parsed = independent.read(document(backup))
    assert [head["key"] for head in parsed["sections"]] == [s.key for s in registry.sections]
    assert len(STUDIO) == 82


def test_the_second_reader_notices_every_changed_byte(demo: None) -> None:
    found = document(back_up(SAFE))
    covered = found.rindex(b'"integrity":')
    for place in range(7, covered, covered // 60):
        changed = found[:place] + bytes([found[place] ^ 1]) + found[place + 1 :]
        with pytest.raises((independent.NotAsDescribed, ValueError, KeyError)):
            independent.read(changed)


def test_a_safe_file_holds_the_44_sections_without_the_omitted_columns(demo: None) -> None:
    parsed = independent.read(document(back_up(SAFE)))
    safe = [section for section in STUDIO if section.in_safe]
    assert len(safe) == 44
    # Django's own tables come last and are counted apart.
    framework = [section.key for section in registry.of_framework]
    assert list(parsed["data"]) == [section.key for section in safe] + framework
    assert parsed["files"] == {}
    for section in safe:
        omitted = {column_of(section.model, name) for name in section.redact}
        assert parsed["data"][section.key], section.key
        for row in parsed["data"][section.key]:
            assert not omitted & row.keys(), section.key


def test_no_secret_value_stands_anywhere_in_a_safe_file(demo: None) -> None:
    found = document(back_up(SAFE))
    secrets = _secret_values()
    assert len(secrets) > 50
    assert [s for s in secrets if any(form in found for form in _forms(s))] == []


def test_the_search_finds_the_secrets_of_a_complete_file(demo: None) -> None:
    found = document(back_up(COMPLETE))
    assert all(any(form in found for form in _forms(s)) for s in _secret_values())


@pytest.mark.parametrize("scope", [SAFE, COMPLETE])
def test_equal_data_gives_equal_bytes(demo: None, scope: Any) -> None:
    assert data_part(document(back_up(scope))) == data_part(document(back_up(scope)))


def test_a_complete_restore_gives_back_every_row_and_file(demo: None) -> None:
    rows, files = dump_data(), _media()
    backup, safe = back_up(COMPLETE), back_up(SAFE)
    with writing() as cursor:
        empty_everything(cursor)
    for path in files:
        (Path(settings.MEDIA_ROOT) / path).unlink()
    run = restore(stored(backup))
    assert differences(rows, dump_data()) == []
    assert _media() == files
    assert run.report["files"]["added"] == len(files)
    assert data_part(document(back_up(SAFE))) == data_part(document(safe))


def _media() -> dict[str, str]:
    """The hash of every file in the storage, by its place."""
    root = Path(settings.MEDIA_ROOT)
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


def _secret_values() -> set[str]:
    values: set[str] = set()
    with connection.cursor() as cursor:
        for section in STUDIO:
            for name in section.secret:
                column = column_of(section.model, name)
                cursor.execute(f'SELECT "{column}"::text FROM "{section.table}"')
                values |= {value for (value,) in cursor.fetchall() if value}
    return values


def _forms(secret: str) -> list[bytes]:
    escaped = json.dumps(secret)[1:-1]
    return [secret.encode(), escaped.encode(), escaped.replace("/", "\\/").encode()]
