"""Files that are not whole backups: refused by name before anything is written.

That every bit and every length is noticed is shown in tests/backups/artifact; here, that a restore
then has done nothing.
"""

import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from backups.errors import BackupSystemError
from backups.models import BackupRun, State
from restore.models import RestoreRun
from tests.roundtrip import dump
from tests.roundtrip.dump import Dump, differences, dump_data
from tests.roundtrip.engine import back_up, document, restore, stored, writing
from tests.zoo import rows

NOT_WHOLE = {"artifact.truncated", "artifact.damaged", "artifact.manifest"}
PLACES = (0.1, 0.5, 0.9, 0.999)


@pytest.fixture
def backup(surroundings: None) -> BackupRun:
    with writing() as cursor:
        rows.fill(cursor)
    return back_up()


def test_a_damaged_file_changes_nothing(backup: BackupRun, tmp_path: Path) -> None:
    before = dump_data()
    for name, whole in {"stored": stored(backup).read_bytes(), "plain": document(backup)}.items():
        for share in PLACES:
            place = int(len(whole) * share)
            flipped = whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :]
            for damaged in (whole[:place], flipped):
                assert _code(damaged, tmp_path, before) in NOT_WHOLE, (name, share)


def test_a_backup_damaged_in_its_head_is_not_called_something_else(
    backup: BackupRun, tmp_path: Path
) -> None:
    broken = document(backup).replace(b'"type":"complete"', b'"type":"complete', 1)
    assert _code(broken, tmp_path, dump_data()) == "artifact.manifest"


def test_another_format_is_refused_by_name(backup: BackupRun, tmp_path: Path) -> None:
    before = dump_data()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("photo.png", b"\x89PNG\r\n\x1a\n" + bytes(99))
    foreign = {
        "a dump": dump.pg_dump("--format=custom"),
        "a dump in SQL": dump.pg_dump(),
        "a ZIP archive of something": archive.getvalue(),
        "a gzip file of something": gzip.compress(b"[1]"),
        "other JSON": json.dumps({"users": [{"id": 1}], "data": {}}).encode(),
        "other JSON on several lines": json.dumps({"users": [{"id": 1}]}, indent=2).encode(),
        "a JSON list": b"[1, 2, 3]",
        "nothing": b"",
        "blanks": b" \n \n",
        "noise": bytes(range(256)) * 9,
        "a picture": b"\x89PNG\r\n\x1a\n" + bytes(99),
    }
    for name, content in foreign.items():
        assert _code(content, tmp_path, before) == "artifact.format", name


def test_a_later_version_of_the_format_is_refused_by_name(
    backup: BackupRun, tmp_path: Path
) -> None:
    later = document(backup).replace(b'"backupsvc/1"', b'"backupsvc/2"', 1)
    assert _code(later, tmp_path, dump_data()) == "artifact.version"


def test_the_command_says_what_is_wrong_and_ends_with_2(
    backup: BackupRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_bytes(document(backup)[:5000])
    with pytest.raises(CommandError) as refusal:
        call_command("backup_inspect", file)
    assert refusal.value.returncode == 2
    assert "ends too early" in str(refusal.value)
    with pytest.raises(SystemExit) as ending:
        call_command("backup_inspect", file, "--json")
    assert ending.value.code == 2
    said = json.loads(capsys.readouterr().out)
    assert [f["code"] for f in said["findings"]] == ["artifact.truncated"]


def _code(content: bytes, folder: Path, before: Dump) -> str:
    """What a restore of these bytes is refused with, after looking that it did nothing."""
    file = folder / "file"
    file.write_bytes(content)
    safety_backups = BackupRun.objects.count()
    with pytest.raises(BackupSystemError) as refusal:
        restore(file)
    assert refusal.value.hint
    run = RestoreRun.objects.latest("requested_at")
    assert (run.state, run.error_code) == (State.FAILED, refusal.value.code)
    assert BackupRun.objects.count() == safety_backups
    assert differences(before, dump_data()) == []
    return refusal.value.code
