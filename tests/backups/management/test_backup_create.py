"""``backup_create``: what it says, what it leaves, and what it ends with: 0, 1 or 3."""

import json
import os
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import django_rq
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from backups import conf
from backups.database import locks
from backups.database.connection import connected
from backups.management import terminal
from backups.management.commands import backup_create
from backups.models import AuditEvent, BackupRun, State
from backups.registry import registry
from backups.services import readiness, vault
from backups.stages import Stage
from backupsvc.studio.models import Organization
from tests.backups.files.web import body, serving
from tests.backups.files.web import status as status_of
from tests.backups.programs import burst_worker, manage, started
from tests.backups.studio import PASSWORD, picture, small_studio

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folders", "studio")]


@pytest.fixture
def studio(folders) -> None:
    small_studio()


def made(*options: str | Path) -> tuple[str, str, int]:
    """What the command said, what it warned of, and what it ended with, in this process."""
    said, warned = StringIO(), StringIO()
    try:
        call_command("backup_create", *map(str, options), stdout=said, stderr=warned)
    except CommandError as error:
        return said.getvalue(), str(error), error.returncode
    except SystemExit as ended:
        return said.getvalue(), warned.getvalue(), int(ended.code or 0)
    return said.getvalue(), warned.getvalue(), 0


def test_a_backup_that_is_done_ends_with_0_and_says_what_is_in_it():
    said, warned, status = made("--scope=complete")
    run = BackupRun.objects.get()
    assert (status, warned) == (0, "")
    assert said.startswith(f"Succeeded: complete backup {run.pk}\n")
    rows = readiness.rows_of(run)
    assert rows.rows + rows.framework_rows == run.statistics["rows"]
    assert f"{rows.rows:,} rows in {len(registry.of_project)} tables, " in said
    assert f" {rows.framework_rows:,} in 2 of Django itself, 1 files" in said
    assert f"sha256 {run.digest}" in said


def test_a_safe_backup_says_that_local_files_are_not_in_it():
    assert "files that are only named: 1, of them local: 1;" in made("--scope=safe")[0]


def test_again_when_nothing_has_changed_no_file_is_fetched(settings):
    def answer(request: Any) -> None:
        is_known = request.headers.get("If-None-Match") == '"1"'
        (status_of(304) if is_known else body(b"content", ETag='"1"'))(request)

    with serving() as web:
        settings.BACKUPS_FETCH_INTERNAL_HOSTS = [web.host]
        picture("far", web.on("/far.png", answer))
        first, again = made("--scope=complete")[0], made("--scope=complete")[0]
    assert "not fetched again" not in first
    assert (
        "1 files had not changed since an earlier backup and were not fetched again (7 b" in again
    )
    newer, older = BackupRun.objects.order_by("-requested_at")
    assert newer.statistics["unchanged_files"] == {"files": 1, "bytes": 7}
    assert newer.statistics["files"] == older.statistics["files"]


def test_a_backup_with_a_gap_ends_with_3_and_is_no_success():
    picture("lost", "studio/lost.png")
    said, warned, status = made("--scope=complete")
    assert status == 3
    assert said.startswith("Incomplete: ")
    assert warned.startswith("1 file could not be fetched:\n  lost.png: ")
    assert BackupRun.objects.get().state == State.INCOMPLETE


def test_a_skipped_file_is_told_and_the_end_is_0(settings):
    settings.BACKUPS_FILE_LIMIT_BYTES = 3
    said, _, status = made("--scope=complete")
    assert (status, "2 files skipped by rule" in said) == (0, True)


def test_a_backup_that_fails_ends_with_1_and_says_code_and_remedy(folders):
    folders.backups.write_text("a file stands there")
    _, warned, status = made("--scope=safe")
    assert status == 1
    assert "What to do: Check that BACKUPS_ROOT" in warned
    assert "Code: storage.failed" in warned
    assert str(folders.backups) not in warned


def test_as_a_program_it_ends_with_1_and_prints_no_traceback(folders):
    folders.backups.write_text("a file stands there")
    ended = manage("backup_create", "--scope=safe")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "Code: storage.failed" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_as_a_program_it_ends_with_3_and_leaves_a_plain_copy(tmp_path: Path):
    picture("lost", "studio/lost.png")
    output = tmp_path / "out.json"
    ended = manage("backup_create", "--scope=complete", "--output", output)
    assert (ended.returncode, "Traceback" in ended.stderr) == (3, False)
    assert json.loads(output.read_text())["type"] == "complete"


def test_a_missing_scope_is_a_usage_error_of_2():
    assert manage("backup_create").returncode == 2


def test_output_is_plain_json_that_its_owner_alone_reads(tmp_path: Path):
    output = tmp_path / "safe.json"
    former = os.umask(0)
    try:
        said, _, status = made("--scope=safe", "--output", output)
    finally:
        os.umask(former)
    assert status == 0
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert f"written to {output}" in said
    with output.open() as stream:
        whole = json.load(stream)
    assert whole["data"]["users"][0]["name"] == "Noa"
    assert PASSWORD not in output.read_text()


def test_output_replaces_a_file_at_once_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    output = tmp_path / "safe.json"
    output.write_text("former")
    monkeypatch.setattr(
        vault.copying, "_copy_whole", lambda *_: (_ for _ in ()).throw(OSError(28, "full"))
    )
    _, warned, status = made("--scope=safe", "--output", output)
    assert (status, output.read_text()) == (1, "former")
    assert "Code: output.failed" in warned
    assert "The backup itself is kept" in warned
    assert BackupRun.objects.get().state == State.SUCCEEDED
    assert [path.name for path in tmp_path.iterdir() if "safe" in path.name] == ["safe.json"]


@pytest.mark.parametrize("output", ["nowhere/safe.json", "."])
def test_output_into_no_folder_is_refused_before_anything_is_made(tmp_path: Path, output: str):
    _, warned, status = made("--scope=safe", "--output", tmp_path / output)
    assert (status, "Code: output.folder" in warned) == (1, True)
    assert not BackupRun.objects.exists()


def test_a_backup_that_has_to_wait_too_long_for_a_restore_says_so(settings):
    settings.BACKUPS_LOCK_WAIT_SECONDS = 0.05
    with connected(purpose="test") as restoring:
        locks.hold_for_restoring(restoring, wait_seconds=1)
        _, warned, status = made("--scope=safe")
    assert (status, "Code: lock.restoring" in warned) == (1, True)


def test_a_database_without_its_tables_is_told_to_migrate():
    rename = "ALTER TABLE {} RENAME TO {}"
    with connection.cursor() as cursor:
        cursor.execute(rename.format("backups_backuprun", "elsewhere"))
    try:
        ended = manage("backup_create", "--scope=safe")
    finally:
        with connection.cursor() as cursor:
            cursor.execute(rename.format("elsewhere", "backups_backuprun"))
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
    assert "manage.py migrate" in ended.stderr


def test_a_database_that_is_not_there_is_called_lost(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:s3cret@127.0.0.1:1/none")
    ended = manage("backup_create", "--scope=safe")
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
    assert "Code: database.lost" in ended.stderr
    assert "s3cret" not in ended.stderr


def test_ctrl_c_ends_it_with_1_and_leaves_nothing():
    with connected(purpose="test") as restoring:
        locks.hold_for_restoring(restoring, wait_seconds=1)
        program = started("backup_create", "--scope=safe")
        while not BackupRun.objects.filter(stage=Stage.TURN).exists():
            assert program.poll() is None
        program.send_signal(2)
        _, warned = program.communicate()
    assert (program.returncode, "Traceback" in warned) == (1, False)
    assert "Code: run.interrupted" in warned
    assert BackupRun.objects.get().state == State.CANCELLED
    assert list(vault.folder().iterdir()) == []


@pytest.fixture
def queue():
    made_queue = django_rq.get_queue(conf.queue())
    made_queue.connection.flushdb()
    yield made_queue
    made_queue.connection.flushdb()


@pytest.mark.usefixtures("queue")
def test_a_worker_makes_it_and_the_command_waits_for_the_end(tmp_path: Path):
    output = tmp_path / "complete.json"
    program = started("backup_create", "--scope=complete", "--enqueue", "--output", str(output))
    while not BackupRun.objects.exclude(job_id="").exists():
        assert program.poll() is None
    burst_worker()
    said, warned = program.communicate()
    assert program.returncode == 0, warned
    assert said.startswith("Succeeded: complete backup")
    assert json.loads(output.read_text())["type"] == "complete"
    assert "No worker is listening. Start one: manage.py backup_worker" in warned


@pytest.mark.usefixtures("queue")
def test_what_the_worker_could_not_do_is_the_command_s_own_failure(
    monkeypatch: pytest.MonkeyPatch,
):
    def fail_at_once(run: BackupRun, *_: object) -> BackupRun:
        BackupRun.objects.filter(pk=run.pk).update(
            state=State.FAILED, error_code="storage.full", error_message="Full.", error_hint="Free."
        )
        run.refresh_from_db()
        return run

    monkeypatch.setattr(terminal, "wait_for", fail_at_once)
    _, warned, status = made("--scope=safe", "--enqueue")
    assert (status, warned) == (1, "Full.\n  What to do: Free.\n  Code: storage.full")


def test_without_its_error_handling_there_would_be_a_traceback(
    monkeypatch: pytest.MonkeyPatch, folders
):
    from contextlib import nullcontext

    from backups.errors import StorageFailure

    monkeypatch.setattr(backup_create.terminal, "errors", nullcontext)
    folders.backups.write_text("a file stands there")
    with pytest.raises(StorageFailure):
        call_command("backup_create", "--scope=safe")


def test_a_copy_by_command_is_written_down_without_its_place(tmp_path: Path):
    made("--scope=safe", "--output", tmp_path / "copy.json")
    event = AuditEvent.objects.get(action="backup.download")
    assert (event.outcome, event.person_name) == ("served", "command line")
    assert event.subject == BackupRun.objects.get().pk
    assert str(tmp_path) not in str(event.details)


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJub2EifQ.c2lnbmF0dXJl"


def test_what_looks_like_a_credential_is_counted_and_masked_where_that_is_chosen(tmp_path):
    Organization.objects.update(name=f"Noa {JWT}")
    said, _, _ = made("--scope=safe", f"--output={tmp_path / 'counted.json'}")
    assert "is in the file: jwt: 1" in said
    assert "manage.py backup_create --scope safe --mask-credentials" in said
    assert JWT in (tmp_path / "counted.json").read_text()
    said, _, _ = made("--scope=safe", "--mask-credentials", f"--output={tmp_path / 'masked.json'}")
    assert "a marker stands for a secret (jwt: 1)" in said, said
    assert "--mask-credentials" not in said
    assert JWT not in (tmp_path / "masked.json").read_text()
