"""The proof before the day of need: it restores for real, and production does not notice."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from django.db import connections
from psycopg2 import sql

from backups.database.connection import connected
from backups.errors import RestoreError
from backups.models import BackupRun
from backups.registry import COMPLETE, SAFE, registry
from restore.database import throwaway
from restore.services.applying import rehearsing
from tests.battery.rehearsals import all_rows, refused, rehearse, throwaways
from tests.battery.state import sessions, stored_files
from tests.databases import as_superuser, on_server
from tests.restore.rewriting import rewrite
from tests.roundtrip.dump import differences, dump_data
from tests.roundtrip.engine import back_up


def stored_as_backup(artifact: Path) -> BackupRun:
    name = f"{'0' * 32}.json.zst"
    shutil.copy(artifact, Path(settings.BACKUPS_ROOT) / name)
    return BackupRun.objects.create(scope="complete", state="succeeded", artifact=name)


@pytest.mark.parametrize("scope", [pytest.param(SAFE, marks=pytest.mark.battery), COMPLETE])
def test_it_proves_a_backup_and_leaves_nothing(studio, scope) -> None:
    backup = back_up(scope)
    rehearsal = rehearse(backup)
    assert rehearsal.state == "succeeded"
    report = rehearsal.report
    known = backup.statistics["sections"]
    # A Safe file has the lists of Django's own for their numbers alone, and brings no row of them.
    lists = (
        {s.key for s in registry.sections if s.framework} & known.keys() if scope is SAFE else set()
    )
    assert report["sections"].keys() | report["framework"].keys() == known.keys() - lists
    rows = backup.statistics["rows"] - sum(known[key]["rows"] for key in lists)
    assert all_rows(rehearsal) == rows
    assert report["files"]["kept"] == backup.statistics["files"]["embedded"]
    assert report["seconds"] > 0 and rehearsal.finished_at
    assert rehearsing.last_proof(backup) == rehearsal
    assert throwaways() == [] and sessions() == []


def test_production_is_not_touched_and_no_table_is_locked(studio) -> None:
    backup = back_up()
    seen: list[str] = []
    held: list[str] = []
    looking = threading.Lock()

    def look(values: dict[str, Any]) -> None:
        # Told by two threads, one of which would keep the tables from the other.
        if values["stage"] not in ("inspecting", "emptying", "loading", "verifying", "references"):
            return
        with looking, connected(purpose="test") as other, other.cursor() as cursor:
            try:
                cursor.execute("LOCK TABLE studio_user, studio_project, zoo_animal NOWAIT")
            except psycopg2.errors.LockNotAvailable:
                held.append(values["stage"])
        seen.append(values["stage"])

    rehearse(backup, look)
    assert "inspecting" in seen and "loading" in seen and not held
    assert [d for d in differences(studio.today, dump_data()) if "restore_rehearsal" not in d] == []
    assert stored_files() == studio.files_today


@pytest.mark.parametrize("harm", ["reference", pytest.param("key", marks=pytest.mark.battery)])
def test_a_backup_that_cannot_be_restored_is_found_out(studio, tmp_path, harm) -> None:
    seen: list[Any] = []

    def change(key: str, row: dict[str, Any]) -> dict[str, Any]:
        if key == "rooms":
            seen.append(row["id"])
            if harm == "reference":
                return row | {"project_id": "nowhere"}
            return row | {"id": seen[0]}
        return row

    backup = stored_as_backup(rewrite(studio.complete, tmp_path / "broken.json", row=change))
    assert len(set(seen)) > 1
    rehearsal = refused(backup)
    assert rehearsal.state == "failed"
    assert rehearsal.error_code.startswith("restore.") and rehearsal.error_hint
    assert rehearsing.last_proof(backup) is None
    assert throwaways() == [] and sessions() == []


def test_a_database_that_a_dead_rehearsal_left_is_dropped(studio) -> None:
    name = f"{throwaway.PREFIX}{'0' * 16}"
    on_server(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    rehearsing.drop_left_over()
    assert name not in throwaway.left_over()


def test_the_database_of_a_living_one_is_left_alone(studio) -> None:
    with throwaway.throwaway_database() as alias:
        rehearsing.drop_left_over()
        assert alias in throwaway.left_over()
    assert alias not in throwaway.left_over()


@pytest.fixture
def humble(studio) -> Iterator[str]:
    """An account that may sign in and nothing more; its password is its name."""
    name = "backups_test_humble"
    role = sql.Identifier(name)
    drop = sql.SQL("DROP ROLE IF EXISTS {}").format(role)
    create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(name))
    as_superuser(drop, create)
    yield name
    as_superuser(drop)


def test_an_account_that_may_not_create_databases_is_told_how_to_allow_it(
    humble, monkeypatch
) -> None:
    for name in ("USER", "PASSWORD"):
        monkeypatch.setitem(connections["default"].settings_dict, name, humble)
    with pytest.raises(RestoreError) as refusal, throwaway.throwaway_database():
        pass
    assert refusal.value.code == "rehearsal.not_allowed"
    assert "CREATEDB" in refusal.value.hint
