"""The folder of the artifacts: private, durable, and nothing in it looks like a backup too early."""

import errno
import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from backups.errors import ArtifactError, BackupSystemError, StorageFailure
from backups.services import vault
from backups.wording import _
from tests.backups.artifact.documents import document

pytestmark = pytest.mark.usefixtures("folders")
PLAIN = document({"people": [b'{"id":"1","name":"Noa"}']})


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names() -> list[str]:
    return sorted(path.name for path in vault.folder().iterdir())


@pytest.fixture
def open_umask():
    former = os.umask(0)
    yield
    os.umask(former)


@pytest.fixture
def kept() -> str:
    with vault.draft("a") as draft:
        draft.stream.write(zstandard.compress(PLAIN))
        return vault.keep(draft, lambda _: None)


def throw(error: BaseException) -> None:
    raise error


def refusal(call, *arguments) -> BackupSystemError:
    with pytest.raises(BackupSystemError) as refused:
        call(*arguments)
    return refused.value


@pytest.mark.usefixtures("open_umask")
def test_files_are_0600_and_folders_0700_whatever_the_umask(tmp_path):
    assert mode(vault.folder()) == 0o700
    with vault.draft("a") as draft, vault.spool("b") as spool:
        assert mode(draft.path) == 0o600
        assert mode(spool.path("x").parent) == 0o700
        draft.stream.write(zstandard.compress(PLAIN))
        name = vault.keep(draft, lambda _: None)
    assert mode(vault.path_of(name)) == 0o600
    vault.copy_out(name, tmp_path / "plain.json")
    assert mode(tmp_path / "plain.json") == 0o600
    assert mode(vault.folder() / vault.take_in(tmp_path / "plain.json", "c")) == 0o600


@pytest.mark.usefixtures("open_umask")
def test_a_file_made_the_ordinary_way_would_be_readable_by_all(tmp_path):
    (tmp_path / "ordinary").write_text("")
    assert mode(tmp_path / "ordinary") == 0o666


def test_a_draft_has_no_name_of_a_backup_until_it_was_verified():
    with vault.draft("a") as draft:
        draft.stream.write(b"x")
        seen = []
        name = vault.keep(draft, lambda stored: seen.extend([stored.read(), names()]))
    assert seen == [b"x", [".partial-a"]]
    assert names() == [name]
    assert vault.path_of(name).read_bytes() == b"x"


def test_names_of_backups_are_random_and_cannot_be_guessed():
    made = set()
    for run in ("a", "b"):
        with vault.draft(run) as draft:
            made.add(vault.keep(draft, lambda _: None))
    assert len(made) == 2
    assert {len(name) - len(vault.SUFFIX) for name in made} == {32}


def test_a_draft_that_does_not_verify_is_removed():
    def disagree(found: object) -> None:
        throw(ArtifactError("artifact.damaged", _("Damaged."), hint=_("None.")))

    with pytest.raises(ArtifactError), vault.draft("a") as draft:
        vault.keep(draft, disagree)
    assert names() == []


def test_a_draft_is_removed_when_its_writer_fails_or_gives_up():
    with pytest.raises(RuntimeError), vault.draft("a"):
        throw(RuntimeError())
    with vault.draft("b"):
        pass
    assert names() == []


def test_a_spool_goes_with_all_it_holds():
    with vault.spool("a") as spool:
        spool.path("x").write_bytes(b"x")
    assert names() == []


def test_a_sweep_leaves_what_somebody_writes(kept: str):
    with vault.draft("a"), vault.spool("b"):
        assert vault.sweep() == 0
        assert names() == sorted([".partial-a", ".spool-b", kept])


def test_without_the_locks_a_sweep_would_take_a_living_draft(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    with vault.draft("a"):
        assert vault.sweep() == 1


def test_a_sweep_removes_what_the_dead_left_and_nothing_else(kept: str):
    (vault.folder() / ".partial-dead").write_bytes(b"x")
    (vault.folder() / ".spool-dead").mkdir()
    (vault.folder() / ".spool-dead" / "x").write_bytes(b"x")
    (vault.folder() / "a note of somebody").write_bytes(b"x")
    assert vault.sweep() == 2
    assert names() == sorted([kept, "a note of somebody"])


def test_a_killed_writer_leaves_a_draft_that_the_next_sweep_removes():
    program = (
        "import django, sys; django.setup()\n"
        "from backups.services import vault\n"
        "with vault.draft('dead') as draft, vault.spool('dead'):\n"
        "    print('writing', flush=True); sys.stdin.read()"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert writer.stdout and writer.stdout.readline() == b"writing\n"
    assert vault.sweep() == 0
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert names() == [".partial-dead", ".spool-dead"]
    assert vault.sweep() == 2
    assert names() == []


def test_a_sweep_between_making_and_locking_costs_a_writer_nothing(
    monkeypatch: pytest.MonkeyPatch,
):
    lock, sweeps = fcntl.flock, iter([True, False, True, False])

    def late(file: int, how: int) -> None:
        if next(sweeps, False):
            for path in vault.folder().iterdir():
                path.rmdir() if path.is_dir() else path.unlink()
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with vault.draft("a") as draft:
        assert draft.path.exists()
    sweeps = iter([True])
    with vault.spool("b") as spool:
        spool.path("x").write_bytes(b"x")


def test_a_plain_copy_is_the_document(kept: str, tmp_path: Path):
    vault.copy_out(kept, tmp_path / "plain.json")
    assert (tmp_path / "plain.json").read_bytes() == PLAIN
    assert json.loads(PLAIN)["type"] == "complete"


def test_a_plain_copy_that_fails_leaves_the_former_file_and_no_draft(kept: str, tmp_path: Path):
    target = tmp_path / "out" / "plain.json"
    target.parent.mkdir()
    target.write_text("former")
    stored = vault.path_of(kept)
    stored.write_bytes(stored.read_bytes()[:-8])
    assert refusal(vault.copy_out, kept, target).code == "artifact.truncated"
    assert target.read_text() == "former"
    assert list(target.parent.iterdir()) == [target]


def test_a_plain_copy_that_cannot_be_written_does_not_blame_the_backups(kept: str, tmp_path: Path):
    refused = refusal(vault.copy_out, kept, tmp_path / "nowhere" / "plain.json")
    assert (refused.code, "ENOENT" in refused.message) == ("output.failed", True)
    assert names() == [kept]


@pytest.mark.parametrize("name", ["", "nothing", ".", "..", "../installation.key", "/etc/passwd"])
def test_a_name_that_is_no_file_of_the_folder_is_refused(name: str, folders):
    folders.key.write_text("secret")
    assert refusal(vault.path_of, name).code == "storage.missing"


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path):
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(StorageFailure) as refused, vault.reader(path):
            pass
        assert refused.value.code == "storage.unreadable"
        assert refusal(vault.take_in, path, "a").code == "storage.unreadable"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "storage.full"),
        (errno.EDQUOT, "storage.full"),
        (errno.EACCES, "storage.failed"),
        (errno.EIO, "storage.failed"),
    ],
)
def test_what_the_disk_says_becomes_an_error_that_helps(number: int, code: str, folders):
    with pytest.raises(StorageFailure) as refused, vault.disk_errors():
        throw(OSError(number, os.strerror(number), str(folders.backups)))
    assert refused.value.code == code
    assert refused.value.hint
    assert str(folders.backups) not in refused.value.message + refused.value.hint


def test_a_folder_that_cannot_be_made_is_a_storage_failure(folders):
    folders.backups.write_text("a file stands there")
    assert refusal(vault.folder).code == "storage.failed"


def test_a_full_disk_while_a_file_is_taken_in_leaves_no_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    (tmp_path / "given").write_bytes(b"x")
    monkeypatch.setattr(vault.copying.shutil, "copyfileobj", full)
    assert refusal(vault.take_in, tmp_path / "given", "a").code == "storage.full"
    assert names() == []


def test_deleting_twice_is_deleting_once(kept: str):
    vault.delete(kept)
    vault.delete(kept)
    assert names() == []
