"""psycopg 3 beside psycopg2: Django prefers it, and hands over parameters that only it understands.

The stand-in has what psycopg 3's own connections begin with; the tests run where psycopg 3 is not installed.
"""

import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest
from django.db import connections

from backups.database import connection as backups_connection
from restore.database import programs

# What Django's backend adds for psycopg 3: django/db/backends/postgresql/base.py.
OF_PSYCOPG_3 = {"context": object(), "prepare_threshold": None, "autocommit": True}
STAND_IN = {
    "__init__.py": "",
    "errors.py": "class OperationalError(Exception): pass\n",
    "generators.py": "def connect(conninfo):\n    yield 'reached ' + conninfo\n",
}
TRY = """
from restore.database.confined import confine_to
{confine}
from psycopg import errors, generators
for database in ("rehearsal_0", "studio"):
    try:
        print(*generators.connect(f"host=nowhere dbname={{database}}"))
    except errors.OperationalError as error:
        print(error)
"""


@pytest.fixture
def of_psycopg_3(monkeypatch: pytest.MonkeyPatch) -> None:
    given = connections["default"].get_connection_params() | OF_PSYCOPG_3
    monkeypatch.setattr(connections["default"], "get_connection_params", lambda: dict(given))


def test_programs_are_told_nothing_that_only_the_driver_knows(of_psycopg_3):
    address = programs.address_of("default")
    assert not {*OF_PSYCOPG_3} & {*psycopg2.extensions.parse_dsn(address)}
    assert "dbname=" in address and "password" not in address


def test_with_them_there_would_be_no_address(of_psycopg_3, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(backups_connection, "_OF_THE_DRIVER", frozenset({"cursor_factory"}))
    with pytest.raises(psycopg2.ProgrammingError, match="invalid"):
        programs.address_of("default")


def _tried(folder: Path, confine: str) -> list[str]:
    package = folder / "psycopg"
    package.mkdir()
    for name, text in STAND_IN.items():
        (package / name).write_text(text)
    ended = subprocess.run(
        [sys.executable, "-c", TRY.format(confine=confine)],
        env={"PYTHONPATH": f"{folder}:{Path.cwd()}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.splitlines()


def test_a_test_restore_reaches_its_database_alone_by_either_driver(tmp_path: Path):
    assert _tried(tmp_path, "confine_to('rehearsal_0')") == [
        "reached host=nowhere dbname=rehearsal_0",
        "a test restore reaches no database but its throwaway one",
    ]


def test_unconfined_it_would_reach_any(tmp_path: Path):
    assert _tried(tmp_path, "")[1] == "reached host=nowhere dbname=studio"
