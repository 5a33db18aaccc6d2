"""The commands of a restore: what they say, and what they end with: 0, 1 or 2."""

import json
import shlex
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import django_rq
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from backups import conf
from backups.models import AuditEvent, BackupRun
from backups.registry import COMPLETE, SAFE, Scope
from backups.services import installation, vault
from backupsvc.studio.models import Asset, Organization, User
from restore.models import RestoreRun
from tests.backups.programs import burst_worker, manage, started
from tests.backups.studio import PASSWORD, small_studio
from tests.roundtrip.engine import back_up

pytestmark = pytest.mark.django_db(transaction=True)
PHRASE = "--confirm=REPLACE ALL DATA"
OWNER = "noa@studio.example"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"BACKUPS_ROOT": "backups", "MEDIA_ROOT": "media", "BACKUPS_KEY_FILE": "key"}
    for name, path in names.items():
        setattr(settings, name, tmp_path / path)
        monkeypatch.setenv(name, str(tmp_path / path))
    small_studio()


def file_of(scope: Scope, folder: Path) -> Path:
    """The plain file of a backup made now."""
    path = folder / f"{scope.value}.json"
    vault.copy_out(back_up(scope).artifact, path)
    return path


@pytest.fixture
def complete(tmp_path: Path) -> Path:
    return file_of(COMPLETE, tmp_path)


@pytest.fixture
def safe(tmp_path: Path) -> Path:
    return file_of(SAFE, tmp_path)


@pytest.fixture
def damaged(complete: Path) -> Path:
    complete.write_bytes(complete.read_bytes().replace(b"Noa", b"Eve", 1))
    return complete


def ended(command: str, *arguments: Any) -> tuple[int, str, str]:
    """How a command ended in this process, what it said, and what it objected to."""
    said, warned = StringIO(), StringIO()
    try:
        call_command(command, *map(str, arguments), stdout=said, stderr=warned)
    except CommandError as error:
        return error.returncode, said.getvalue(), str(error)
    except SystemExit as end:
        return int(end.code or 0), said.getvalue(), warned.getvalue()
    return 0, said.getvalue(), warned.getvalue()


def test_inspecting_a_sound_file_ends_with_0(complete: Path):
    status, said, _ = ended("backup_inspect", complete)
    assert status == 0
    assert said.startswith("Sound: a complete backup of ")
    assert "made by this installation" in said
    status, said, _ = ended("backup_inspect", complete, "--json")
    assert (status, json.loads(said)["sound"]) == (0, True)


def test_inspecting_a_damaged_file_ends_with_2_and_no_traceback(damaged: Path):
    program = manage("backup_inspect", damaged)
    assert (program.returncode, program.stdout) == (2, "")
    assert "Code: artifact.damaged" in program.stderr
    assert "Traceback" not in program.stderr


def test_inspecting_a_file_that_is_not_there_ends_with_2(tmp_path: Path):
    status, _, objected = ended("backup_inspect", tmp_path / "nothing")
    assert (status, "Code: storage.unreadable" in objected) == (2, True)
    assert str(tmp_path) not in objected


def test_a_plan_that_can_be_applied_ends_with_0_and_writes_nothing(complete: Path):
    Organization.objects.update(name="changed")
    status, said, _ = ended("restore_plan", complete, "--json")
    assert status == 0
    assert json.loads(said)["file"]["type"] == "complete"
    assert Organization.objects.get().name == "changed"
    assert not RestoreRun.objects.exists()


def test_a_plan_that_something_blocks_ends_with_1(safe: Path):
    status, said, _ = ended("restore_plan", safe)
    assert (status, "(restore.acting_owner)" in said) == (1, True)
    assert ended("restore_plan", safe, f"--as={OWNER}")[0] == 0


def test_a_plan_of_a_damaged_file_ends_with_2(damaged: Path):
    status, _, objected = ended("restore_plan", damaged)
    assert (status, "Code: artifact.damaged" in objected) == (2, True)


@pytest.mark.parametrize("confirm", ["", "--confirm=yes", "--confirm=replace all data"])
def test_without_the_phrase_nothing_happens(complete: Path, confirm: str):
    status, _, objected = ended("restore_apply", complete, *filter(None, [confirm]))
    assert (status, "Code: restore.unconfirmed" in objected) == (1, True)
    assert not RestoreRun.objects.exists()


def test_a_restore_ends_with_0_and_its_undo_with_0(complete: Path):
    Asset.objects.all().delete()
    status, said, _ = ended("restore_apply", complete, PHRASE)
    assert status == 0
    assert said.startswith("Restored: ")
    assert Asset.objects.count() == 2
    run = RestoreRun.objects.get()
    assert f"safety backup of what was there before: {run.safety_backup}" in said
    status, said, _ = ended("restore_undo", PHRASE)
    assert (status, said.startswith("Undone: ")) == (0, True)
    assert Asset.objects.count() == 0


def test_a_restore_of_a_damaged_file_ends_with_1_and_changes_nothing(damaged: Path):
    status, _, objected = ended("restore_apply", damaged, PHRASE)
    assert (status, "Code: artifact.damaged" in objected) == (1, True)
    assert Asset.objects.count() == 2


def test_a_file_of_another_installation_is_refused_unless_accepted(
    complete: Path, settings, tmp_path: Path
):
    settings.BACKUPS_KEY_FILE = tmp_path / "another.key"
    status, _, objected = ended("restore_apply", complete, PHRASE)
    assert (status, "Code: restore.foreign" in objected) == (1, True)


def test_a_safe_file_needs_an_owner_who_acts(safe: Path):
    status, _, objected = ended("restore_apply", safe, PHRASE)
    assert (status, "Code: restore.acting_owner" in objected) == (1, True)
    Organization.objects.update(name="changed")
    assert ended("restore_apply", safe, PHRASE, f"--as={OWNER}")[0] == 0
    assert Organization.objects.get().name != "changed"


def test_a_plan_that_is_not_true_any_more_is_not_applied(complete: Path, tmp_path: Path):
    (tmp_path / "plan.json").write_text(ended("restore_plan", complete, "--json")[1])
    Organization.objects.create(id="new", name="New", slug="new")
    status, _, objected = ended("restore_apply", complete, PHRASE, f"--plan={tmp_path}/plan.json")
    assert (status, "Code: restore.plan_changed" in objected) == (1, True)
    assert Organization.objects.count() == 2


def test_what_is_no_plan_is_refused(complete: Path, tmp_path: Path):
    (tmp_path / "plan.json").write_text("no plan")
    for path in (tmp_path / "plan.json", tmp_path / "nothing"):
        status, _, objected = ended("restore_apply", complete, PHRASE, f"--plan={path}")
        assert (status, "is not a plan" in objected) == (1, True)


def test_there_is_nothing_to_undo_to_rehearse_or_to_release():
    assert ended("restore_undo", PHRASE)[0] == 1
    assert ended("backup_rehearse")[0] == 1
    assert ended("restore_release", "--send") == (1, "", "Nothing is held.")


def test_a_rehearsal_proves_the_newest_backup_and_ends_with_0():
    run = back_up(COMPLETE)
    program = manage("backup_rehearse")
    assert program.returncode == 0, program.stderr
    assert program.stdout.startswith(f"Proven: backup {run.pk} was restored into a throwaway")


@pytest.fixture
def queue() -> Iterator[None]:
    redis = django_rq.get_queue(conf.queue()).connection
    redis.flushdb()
    yield
    redis.flushdb()


@pytest.mark.usefixtures("queue")
def test_a_worker_restores_and_the_command_waits_for_the_end(complete: Path):
    Asset.objects.all().delete()
    program = started("restore_apply", str(complete), PHRASE, "--enqueue")
    while not RestoreRun.objects.exclude(job_id="").exists():
        assert program.poll() is None
    burst_worker()
    said, warned = program.communicate()
    assert program.returncode == 0, warned
    assert said.startswith("Restored: ")
    assert Asset.objects.count() == 2
    assert BackupRun.objects.filter(purpose="safety").count() == 1


def listed(*arguments: Any) -> dict[str, Any]:
    status, said, objected = ended("restore_plan", *arguments, "--json")
    assert status == 0, objected
    found: dict[str, Any] = json.loads(said)
    return found


def test_the_rows_behind_a_number_are_listed_by_table_kind_and_page(complete: Path):
    Organization.objects.bulk_create(
        Organization(id=f"n{n:03}", name=f"N{n}", slug=f"n{n}") for n in range(120)
    )
    last = listed(complete, "--rows=organizations", "--kind=lost", "--page=3")
    assert (last["page"], last["pages"], last["total"], len(last["rows"])) == (3, 3, 120, 20)
    assert last["rows"][0]["key"] == {"id": "n100"}
    status, said, _ = ended("restore_plan", complete, "--rows=organizations", "--kind=lost")
    assert (status, "1 to 50 of 120" in said) == (0, True)
    for odd in ("0", "4", "-1"):
        status, _, objected = ended(
            "restore_plan", complete, "--rows=organizations", "--kind=lost", f"--page={odd}"
        )
        assert (status, "There are 3 pages" in objected) == (2, True)
    assert AuditEvent.objects.filter(action="plan.look", outcome="looked").count() == 2


def test_a_listed_change_shows_both_sides_and_nothing_that_a_terminal_obeys(complete: Path):
    Organization.objects.update(name="a\x1b[2J\u202e\n\\n")
    table = Organization._meta.db_table
    status, said, _ = ended("restore_plan", complete, f"--rows={table}")
    assert status == 0
    assert r'"a\x1b[2J\u202e\n\\n" → "סטודיו' in said
    assert "\x1b" not in said and "\u202e" not in said
    (row,) = listed(complete, f"--rows={table}")["rows"]
    assert [cell["column"] for cell in row["cells"]] == ["name"]


def test_the_command_shows_no_secret(complete: Path):
    User.objects.update(password="canary-of-a-secret")
    for more in ([], ["--json"]):
        status, said, _ = ended("restore_plan", complete, "--rows=users", *more)
        assert status == 0
        assert "canary-of-a-secret" not in said and PASSWORD not in said
        assert "differs" in said


def test_rows_of_a_table_that_is_not_in_the_plan_end_with_2(complete: Path):
    for name in ("nothing", "django_admin_log"):
        status, _, objected = ended("restore_plan", complete, f"--rows={name}")
        assert (status, "no such table" in objected) == (2, True)


def test_plan_restore_and_undo_say_first_which_database_is_overwritten(complete: Path):
    info = connection.cursor().connection.info
    named = f"database {info.dbname} on "
    plan = json.loads(ended("restore_plan", complete, "--json")[1])
    assert (plan["target"]["database"], plan["target"]["port"]) == (info.dbname, info.port)
    assert plan["target"]["installation"] == installation.name()
    assert named in ended("restore_plan", complete)[1]
    for command in (["restore_apply", complete], ["restore_undo"]):
        program = manage(*command)
        assert program.returncode == 1
        assert named in program.stderr.splitlines()[0]
        assert "Code: restore.unconfirmed" in program.stderr


def test_a_plan_of_another_database_is_not_applied(complete: Path, tmp_path: Path):
    plan = json.loads(ended("restore_plan", complete, "--json")[1])
    path = tmp_path / "plan.json"
    for target, wanted in ((plan["target"] | {"database": "another"}, 1), (None, 0)):
        path.write_text(json.dumps(plan | {"target": target}))
        status, _, objected = ended("restore_apply", complete, PHRASE, f"--plan={path}")
        assert (status, "another database" in objected) == (wanted, bool(wanted))


def test_a_stored_backup_is_named_by_its_number_and_the_printed_undo_works(tmp_path: Path):
    backup = back_up(COMPLETE)
    Asset.objects.all().delete()
    assert ended("backup_inspect", backup.pk[:12])[0] == 0
    status, said, _ = ended("restore_plan", backup.pk[:12])
    assert status == 0
    status, said, objected = ended(*typed(said))
    assert (status, objected.count("Code:")) == (0, 0)
    assert (Asset.objects.count(), RestoreRun.objects.get().backup) == (2, backup.pk)
    assert vault.path_of(backup.artifact).exists()
    status, said, _ = ended(*typed(said))
    assert (status, Asset.objects.count()) == (0, 0)
    assert typed(said)[0] == "restore_undo"


def test_a_file_comes_before_a_number_and_no_number_is_told(tmp_path: Path, monkeypatch):
    backup = back_up(COMPLETE)
    monkeypatch.chdir(tmp_path)
    Path(backup.pk[:8]).write_text("a file of that name")
    status, _, objected = ended("backup_inspect", backup.pk[:8])
    assert (status, "Code: artifact.format" in objected) == (2, True)
    status, _, objected = ended("restore_plan", "0000000000")
    assert (status, "Code: run.unknown" in objected) == (2, True)


def typed(text: str) -> list[str]:
    """The last command that was printed, as a shell reads it."""
    return shlex.split(text.rsplit("manage.py ", 1)[1].splitlines()[0])
