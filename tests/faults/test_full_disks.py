"""A disk that is full: the run fails by that name, nothing is left over, and all is as before."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as live_settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from backups.errors import BackupSystemError
from backups.models import BackupRun, State
from backupsvc.studio.models import User
from restore.models import RestoreRun
from restore.services.planning import files as file_plan
from tests.roundtrip.dump import differences, dump_data
from tests.roundtrip.engine import back_up, restore, stored, writing
from tests.zoo import rows

# Bytes that a process may write into one file, and that the small disk holds: less than the zoo takes.
LIMIT_BYTES = 12 * 1024
SMALL_DISK = "size=64k"


@pytest.fixture
def zoo(surroundings: None) -> None:
    with writing() as cursor:
        rows.fill(cursor)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own; only the superuser can have one."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", SMALL_DISK, "tmpfs", tmp_path],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("this account cannot mount a small disk")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


def test_a_backup_that_may_write_no_more_fails_by_name(zoo: None) -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", "backup_create", "--scope", "complete"],
        cwd=live_settings.BASE_DIR,
        # Python would leave bytecode cut short at the limit, and every later program would read it.
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, LIMIT_BYTES)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "storage.full" in ended.stderr
    assert list(Path(live_settings.BACKUPS_ROOT).iterdir()) == []
    assert BackupRun.objects.get().error_code == "storage.full"


def test_a_backup_onto_a_full_disk_fails_by_name(
    zoo: None, small_disk: Path, settings: Any
) -> None:
    settings.BACKUPS_ROOT = small_disk
    default_storage.save("noise.bin", ContentFile(os.urandom(80_000)))
    User.objects.create_user("a@example.org", image="noise.bin")
    assert _refusal(back_up) == "storage.full"
    assert list(small_disk.iterdir()) == []
    assert BackupRun.objects.get().state == State.FAILED


@pytest.fixture
def nobody_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan looks for room first; another process may fill the disk after that."""
    monkeypatch.setattr(file_plan, "_disk", lambda *_: [])


def test_the_plan_sees_that_there_is_no_room(zoo: None, small_disk: Path, settings: Any) -> None:
    file = stored(back_up())
    settings.BACKUPS_ROOT = small_disk
    assert _refusal(lambda: restore(file)) == "restore.disk_space"


def test_a_restore_whose_safety_backup_finds_no_room_changes_nothing(
    zoo: None, small_disk: Path, settings: Any, nobody_looked: None
) -> None:
    file = stored(back_up())
    before = dump_data()
    settings.BACKUPS_ROOT = small_disk
    (small_disk / "full").write_bytes(b"x" * 56_000)
    assert _refusal(lambda: restore(file)) == "storage.full"
    assert RestoreRun.objects.get().state == State.FAILED
    assert differences(before, dump_data()) == []
    assert [path.name for path in small_disk.iterdir()] == ["full"]


def test_a_restore_whose_files_find_no_room_changes_nothing(
    zoo: None, small_disk: Path, settings: Any, nobody_looked: None
) -> None:
    for name in ("a.bin", "b.bin"):
        default_storage.save(name, ContentFile(os.urandom(40_000)))
        User.objects.create_user(f"{name}@example.org", image=name)
    file = stored(back_up())
    before = dump_data()
    settings.MEDIA_ROOT = small_disk
    assert _refusal(lambda: restore(file)) == "restore.file_storage"
    assert differences(before, dump_data()) == []
    assert list(small_disk.rglob("*.bin")) == []


def _refusal(work: Callable[[], object]) -> str:
    with pytest.raises(BackupSystemError) as refusal:
        work()
    assert refusal.value.hint
    return refusal.value.code
