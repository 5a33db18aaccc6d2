"""``manage.py`` and the test run: who gets the private pair, and how a failure reads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

import manage

MANAGE = Path(manage.__file__)


@pytest.mark.parametrize(
    "arguments",
    [
        ["migrate"],
        ["shell", "-c", "pass"],
        ["check", "--database", "default"],
        ["check", "--database=default"],
        ["backup_create", "safe"],
    ],
)
def test_a_command_gets_a_database(arguments: list[str]) -> None:
    assert manage.needs_database(arguments)


@pytest.mark.parametrize(
    "arguments", [[], ["help", "migrate"], ["migrate", "--help"], ["--version"], ["check"]]
)
def test_asking_for_help_starts_nothing(arguments: list[str]) -> None:
    assert not manage.needs_database(arguments)


def test_what_cannot_be_started_is_said_with_a_hint_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "pg-99").mkdir()
    environment = dict(os.environ)
    del environment["DATABASE_URL"]
    outcome = subprocess.run(
        [sys.executable, MANAGE, "migrate"],
        env={**environment, "BACKUPSVC_VAR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert outcome.returncode == 1
    assert outcome.stderr.startswith("error: the data was made by PostgreSQL 99")
    assert "\nhint: " in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_tests_touch_nothing_of_the_application_that_runs_beside_them() -> None:
    surroundings = settings.VAR_DIR
    assert surroundings.name == f"slot-{os.environ['BACKUPSVC_TEST_SLOT']}"
    assert surroundings.parent.name == "test"
    assert "test_" in str(settings.DATABASES["default"]["NAME"])
    for path in (settings.MEDIA_ROOT, settings.BACKUPS_ROOT, settings.BACKUPS_KEY_FILE):
        assert Path(path).is_relative_to(surroundings)
    assert not settings.REDIS_URL.endswith("/0")
