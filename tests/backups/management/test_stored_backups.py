"""The commands for backups that are stored: list, verify, delete, pin, export."""

import json
import shlex
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from backups.management import numbers
from backups.models import AuditEvent, BackupRun, State
from backups.services import keeping, vault

pytestmark = pytest.mark.django_db
PLAIN = b'{"rows": 1,\n"integrity": {}}\n'


def stored(number: str = "a" * 32, **fields: Any) -> BackupRun:
    name = f"{number}.json.zst"
    (vault.folder() / name).write_bytes(PLAIN)
    values = {"scope": "safe", "state": State.SUCCEEDED, "artifact": name, "digest": "0" * 64}
    return BackupRun.objects.create(pk=number, **(values | fields))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings) -> Path:
    settings.BACKUPS_ROOT = tmp_path / "backups"
    return tmp_path


def ended(command: str, *arguments: Any) -> tuple[int, str, str]:
    said, warned = StringIO(), StringIO()
    try:
        call_command(command, *map(str, arguments), stdout=said, stderr=warned)
    except CommandError as error:
        return error.returncode, said.getvalue(), str(error)
    except SystemExit as end:
        return int(end.code or 0), said.getvalue(), warned.getvalue()
    return 0, said.getvalue(), warned.getvalue()


def typed(text: str) -> list[str]:
    """The last command that was printed, as a shell reads it."""
    return shlex.split(text.rsplit("manage.py ", 1)[1].splitlines()[0])


def told(action: str) -> list[str]:
    events = AuditEvent.objects.filter(action=action, person_name="command line")
    return [event.outcome for event in events.order_by("at")]


def test_the_list_says_what_opens_an_encrypted_backup():
    told = [{"name": "safe", "fingerprint": "ab 01", "public_key": "age1"}]
    stored("a" * 32, encryption="recipients", encrypted_to=told, stored_sha256="c" * 64)
    stored("b" * 32, encryption="passphrase")
    stored("d" * 32, encryption="installation", encrypted_to=told)
    stored("e" * 32)
    said = ended("backup_list")[1]
    lines = said.splitlines()
    opened = {n: next(line for line in lines if n * 12 in line) for n in "abde"}
    assert "safe (ab 01)" in opened["a"] and "passphrase" in opened["b"]
    assert "this installation" in opened["d"] and " no " in opened["e"]
    facts = {run["number"][:1]: run for run in json.loads(ended("backup_list", "--json")[1])}
    assert (facts["a"]["encryption"], facts["a"]["encrypted_to"]) == ("recipients", told)
    assert (facts["a"]["stored_sha256"], facts["e"]["encryption"]) == ("c" * 64, "")


def test_the_list_has_numbers_states_and_names_newest_first():
    stored("a" * 32, note="before the move", pinned=True)
    stored("b" * 32, scope="complete", error_code="artifact.damaged")
    BackupRun.objects.create(pk="c" * 32, scope="safe", state=State.FAILED)
    status, said, _ = ended("backup_list")
    assert status == 0
    assert said.index("c" * 12) < said.index("b" * 12) < said.index("a" * 12)
    for word in ("before the move", "pinned", "damaged", "no file"):
        assert word in said
    listed = json.loads(ended("backup_list", "--json", "--stored", "--scope=safe")[1])
    assert [(run["number"], run["name"]) for run in listed] == [("a" * 32, "before the move")]


def test_an_empty_list_says_how_to_make_a_backup():
    assert typed(ended("backup_list")[1])[:2] == ["backup_create", "--scope"]


def test_a_name_cannot_drive_the_terminal():
    stored(note="a\x1b[2Jb")
    assert "\x1b" not in ended("backup_list")[1]


def test_the_beginning_of_a_number_will_do_where_it_is_unique():
    stored("aaaa1" + "0" * 27)
    stored("aaaa2" + "0" * 27)
    assert ended("backup_pin", "aaaa1")[0] == 0
    assert BackupRun.objects.get(pinned=True).pk.startswith("aaaa1")
    for given, code in (("aaaa", "run.ambiguous"), ("bbbb", "run.unknown"), ("aaa", "run.unknown")):
        status, _, objected = ended("backup_pin", given)
        assert (status, f"Code: {code}" in objected) == (1, True), given


@pytest.mark.parametrize("given", ["%", "____", "aaaa%", "../x", "AAAA"])
def test_what_is_no_number_finds_nothing(given):
    stored()
    assert ended("backup_delete", given, "--yes")[0] == 1
    assert BackupRun.objects.exists()


def test_nothing_is_deleted_without_a_yes_and_the_command_says_how():
    run = stored()
    status, _, objected = ended("backup_delete", run.pk)
    assert (status, BackupRun.objects.count()) == (1, 1)
    assert ended(*typed(objected))[0] == 0
    assert not BackupRun.objects.exists() and not list(vault.folder().iterdir())
    assert told("backup.delete") == ["done"]


def test_a_pinned_backup_is_not_deleted_until_it_is_released():
    run = stored()
    status, said, _ = ended("backup_pin", run.pk, "--name", " before\tthe  move ")
    assert status == 0
    status, _, objected = ended("backup_delete", run.pk, "--yes")
    assert (status, "Code: backup.kept" in objected) == (1, True)
    run.refresh_from_db()
    assert run.note == "before the move"
    assert ended(*typed(said))[0] == 0
    assert ended("backup_delete", run.pk, "--yes")[0] == 0
    assert told("backup.pin") + told("backup.name") + told("backup.release") == ["done"] * 3


def test_a_name_that_is_too_long_is_refused():
    run = stored()
    status, _, objected = ended("backup_pin", run.pk, "--name", "x" * 81)
    assert (status, "Code: backup.name" in objected) == (1, True)
    run.refresh_from_db()
    assert (run.note, run.pinned) == ("", False)
    assert keeping.fitting_name("x" * 80) == "x" * 80


def test_an_export_is_private_told_and_overwrites_nothing(folder):
    run, out = stored(), folder / "a b.json"
    status, said, _ = ended("backup_export", run.pk, "--output", out)
    assert status == 0
    assert (out.read_bytes(), stat.S_IMODE(out.stat().st_mode)) == (PLAIN, 0o600)
    assert typed(said) == ["backup_inspect", str(out)]
    assert told("backup.download") == ["served"]
    status, _, objected = ended("backup_export", run.pk, "--output", out)
    assert (status, "Code: output.exists" in objected) == (1, True)
    again = folder / "as-stored"
    assert ended("backup_export", run.pk, "--as-stored", "--output", again)[0] == 0
    assert again.read_bytes() == PLAIN
    assert ended("backup_export", run.pk, "--output", folder / "no" / "x")[0] == 1


def test_an_export_of_a_file_that_is_cut_short_is_none(folder):
    run = stored()
    vault.path_of(run.artifact).write_bytes(PLAIN[:-5])
    status, _, objected = ended("backup_export", run.pk, "--output", folder / "out.json")
    assert (status, "Code: artifact.truncated" in objected) == (1, True)
    assert sorted(path.name for path in folder.iterdir()) == ["backups"]


def test_a_damaged_backup_is_told_so_and_ends_with_2():
    run = stored()
    status, _, objected = ended("backup_verify", run.pk)
    assert (status, "Not sound: safe backup" in objected) == (2, True)
    assert f"Code: {BackupRun.objects.get().error_code}" in objected
    assert ended("backup_verify", "--all")[0] == 2


def test_with_no_backup_there_is_nothing_to_verify():
    status, _, objected = ended("backup_verify")
    assert (status, "Code: backup.none" in objected) == (2, True)
    assert numbers.short("ab" * 16) == "ab" * 6
