"""A rehearsal cannot reach what is live, whatever the project does, and ends with who asked for it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django_rq
import psycopg2
import pytest
from django.db import connections

from backups import conf
from backups.models import State
from restore.models import Rehearsal
from restore.services.applying import isolation, rehearsing
from tests.backups.programs import started
from tests.battery.rehearsals import (
    all_rows,
    eventually,
    is_there,
    refused,
    rehearse,
    throwaways,
    trying_for,
    when_at,
)
from tests.battery.state import sessions, stored_files
from tests.ill_mannered import harm
from tests.roundtrip.dump import differences, dump_data
from tests.roundtrip.engine import back_up, writing

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ill_mannered(studio, settings, monkeypatch, tmp_path) -> Iterator[Path]:
    """The process of a rehearsal loads a project without manners. Where it leaves a trace."""
    trace = tmp_path / "trace"
    place = connections["default"].settings_dict
    live = {"dbname": place["NAME"], "user": place["USER"], "password": place["PASSWORD"]}
    live |= {"host": place["HOST"], "port": place["PORT"]}
    settings.SETTINGS_MODULE = "tests.ill_mannered.settings"
    monkeypatch.setenv(harm.LIVE, psycopg2.extensions.make_dsn(**live).replace("dbname", " dbname"))
    monkeypatch.setenv(harm.TRACE, str(trace))
    queue = django_rq.get_queue(conf.queue()).connection
    queue.flushdb()
    yield trace
    assert queue.keys() == []


def by_migrations(monkeypatch: Any) -> None:
    monkeypatch.setattr(rehearsing, "find_programs", lambda major: None)


@pytest.mark.parametrize("schema", ["live", "migrations"])
def test_an_ill_mannered_project_does_no_harm(ill_mannered, studio, monkeypatch, schema) -> None:
    if schema == "migrations":
        by_migrations(monkeypatch)
    backup, before, files = back_up(), dump_data(), stored_files()
    rehearsal = rehearse(backup)
    assert rehearsal.report["schema"] == schema
    assert all_rows(rehearsal) == backup.statistics["rows"]
    assert differences(before, dump_data()) == []
    assert stored_files() == files and not ill_mannered.exists()
    assert throwaways() == [] and sessions() == []


def test_a_report_says_that_it_was_not_the_live_schema(studio, monkeypatch) -> None:
    by_migrations(monkeypatch)
    (finding,) = rehearse(back_up()).report["findings"]
    assert finding["code"] == "rehearsal.schema_by_migrations"
    assert "BACKUPS_PG_DUMP" in finding["hint"]


def test_migrations_that_fail_in_an_empty_database_are_named(ill_mannered, monkeypatch) -> None:
    by_migrations(monkeypatch)
    monkeypatch.setenv(harm.FAILS, "1")
    rehearsal = refused(back_up())
    assert rehearsal.error_code == "rehearsal.migrations"
    assert "LookupError" in rehearsal.error_message


def test_without_the_other_databases_name_the_project_would_have_done_harm(
    ill_mannered, studio, monkeypatch, tmp_path
) -> None:
    by_migrations(monkeypatch)
    ordered = isolation.order_for

    def to_the_live_one(_alias: str, **facts: Any) -> isolation.Order:
        # Not as far as the restore, which would put the deleted rows back.
        return ordered("default", **{**facts, "file": tmp_path / "none"})

    monkeypatch.setattr(isolation, "order_for", to_the_live_one)
    monkeypatch.setattr(isolation, "redirected", lambda environment, *_: dict(environment))
    backup, before = back_up(), dump_data()
    assert refused(backup).error_code == "storage.unreadable"
    assert any("studio_tag" in found for found in differences(before, dump_data(), most=200))


def test_settings_that_name_the_live_database_themselves_are_kept_from_it(
    ill_mannered, studio, monkeypatch
) -> None:
    monkeypatch.setattr(isolation, "redirected", lambda environment, *_: dict(environment))
    rehearsal = refused(back_up())
    assert rehearsal.error_code == "rehearsal.not_started"
    assert "tests.ill_mannered.settings" in rehearsal.error_message


def in_python(*lines: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


ALIASES = (
    "from django.db import connections",
    "print({connections[alias].settings_dict['NAME'] for alias in connections})",
    "print(settings.EMAIL_BACKEND, settings.CACHES['default']['BACKEND'])",
)
OVERRIDE = "isolated._override(settings, {'database': {'NAME': 'rehearsal_0'}, 'settings': {}})"


def test_every_alias_is_the_throwaway_database_and_mail_goes_nowhere(studio, monkeypatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.ill_mannered.settings")
    begin = "from django.conf import settings; from restore.services.applying import isolated"
    without = in_python(begin, *ALIASES).stdout
    assert connections["default"].settings_dict["NAME"] in without and "dummy" not in without
    overridden = in_python(begin, OVERRIDE, *ALIASES).stdout
    assert overridden.startswith("{'rehearsal_0'}\n")
    assert "dummy.EmailBackend" in overridden and "LocMemCache" in overridden


CONNECT = (
    "import os, psycopg2; psycopg2.connect(os.environ['DATABASE_URL']).close(); print('there')"
)
CONFINE = "from restore.database.confined import confine_to; confine_to('rehearsal_0')"


def test_the_driver_itself_connects_to_no_other_database(studio) -> None:
    assert in_python(CONNECT).stdout == "there\n"
    confined = in_python(CONFINE, CONNECT)
    assert confined.stdout == "" and "Unreachable" in confined.stderr
    early = in_python("from psycopg2 import connect", CONFINE, CONNECT.replace("psycopg2.c", "c"))
    assert early.stdout == ""


@pytest.mark.parametrize(
    "deed",
    [
        "import socket; socket.create_connection((urlsplit(os.environ['REDIS_URL']).hostname,"
        " urlsplit(os.environ['REDIS_URL']).port))",
        "open(elsewhere, 'w')",
        "os.rename(there, elsewhere)",
        "os.remove(there)",
        "os.symlink(there, elsewhere)",
        "import subprocess; subprocess.run(['true'])",
        "os.system('true')",
    ],
)
def test_what_leaves_the_process_is_refused_behind_the_fence_and_not_before(
    studio, tmp_path, deed
) -> None:
    free, there = tmp_path / "free", tmp_path / "there"
    free.mkdir()
    lines = [
        "import os, sys, pathlib; from urllib.parse import urlsplit",
        f"there, elsewhere, free = {str(there)!r}, {str(tmp_path / 'elsewhere')!r}, {str(free)!r}",
        "from restore.services.applying.fence import Fence",
        "fence = Fence(pathlib.Path(free)); fence.put_up()",
    ]
    shut = [
        "fence.shut_network(); fence.shut_files_and_programs()",
        "open(free + '/a', 'w').close()",
    ]
    there.write_text("there")
    assert in_python(*lines, *shut, deed).returncode != 0
    assert there.read_text() == "there"
    assert in_python(*lines, deed).returncode == 0


SLOW = """
CREATE FUNCTION slow(text) RETURNS boolean LANGUAGE plpgsql AS
'BEGIN PERFORM pg_sleep(600); RETURN true; END';
ALTER TABLE studio_tag ADD CONSTRAINT slow CHECK (slow(name)) NOT VALID
"""


@pytest.fixture
def slow(studio) -> Any:
    """A backup whose restore takes ten minutes for each tag."""
    backup = back_up()
    with writing() as cursor:
        cursor.execute(SLOW)
    return backup


def test_who_cancels_waits_for_seconds_and_nothing_stays(slow) -> None:
    asked: list[float] = []

    def cancel() -> None:
        asked.append(time.monotonic())
        Rehearsal.objects.update(cancel_requested=True)

    rehearsal = refused(slow, when_at("inspecting", cancel))
    assert time.monotonic() - asked[0] < 15
    assert (rehearsal.state, rehearsal.error_code) == (State.CANCELLED, "run.cancelled")
    assert trying_for(os.getpid()) == [] and throwaways() == [] and sessions() == []


def test_a_process_that_is_killed_ends_the_rehearsal_with_words(slow) -> None:
    def kill() -> None:
        (number,) = trying_for(os.getpid())
        os.kill(number, signal.SIGKILL)

    rehearsal = refused(slow, when_at("inspecting", kill))
    assert (rehearsal.state, rehearsal.error_code) == (State.FAILED, "rehearsal.died")
    assert "SIGKILL" in rehearsal.error_message
    assert throwaways() == [] and sessions() == []


def test_the_process_ends_with_the_one_that_asked_and_its_database_is_swept(slow) -> None:
    program = started("backup_rehearse", slow.pk)
    eventually(lambda: Rehearsal.objects.filter(stage="inspecting").exists())
    (trying,) = eventually(lambda: trying_for(program.pid))
    program.kill()
    program.communicate()
    eventually(lambda: not is_there(trying))
    eventually(throwaways)
    rehearsing.end_dead()
    assert throwaways() == []
    rehearsal = Rehearsal.objects.get()
    assert (rehearsal.state, rehearsal.error_code) == (State.FAILED, "worker.lost")


def test_nobody_reads_in_a_list_of_processes_how_to_connect(slow) -> None:
    secret = connections["default"].settings_dict["PASSWORD"]
    seen: list[bytes] = []

    def read() -> None:
        for number in trying_for(os.getpid()):
            seen.append(Path(f"/proc/{number}/cmdline").read_bytes())
        Rehearsal.objects.update(cancel_requested=True)

    refused(slow, when_at("inspecting", read))
    assert secret and len(seen) == 1 and secret.encode() not in seen[0]


def test_a_project_without_a_settings_module_is_told_so(studio, settings, monkeypatch) -> None:
    backup = back_up()
    settings.SETTINGS_MODULE = None
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    assert refused(backup).error_code == "rehearsal.no_settings"
    assert throwaways() == []


def test_the_environment_leads_to_the_throwaway_database(studio) -> None:
    name = connections["default"].settings_dict["NAME"]
    given = {
        "DATABASE_URL": f"postgresql://u:p%40@h:1/{name}?sslmode=require",
        "PGDATABASE": name,
        "DSN": f"host=h dbname={name} user={name}",
        "APP": name,
        "OTHER_URL": "postgresql://h/other",
    }
    assert isolation.redirected(given, "default", "rehearsal_0") == {
        "DATABASE_URL": "postgresql://u:p%40@h:1/rehearsal_0?sslmode=require",
        "PGDATABASE": "rehearsal_0",
        "DSN": f"host=h dbname=rehearsal_0 user={name}",
        "APP": name,
        "OTHER_URL": "postgresql://h/other",
    }
