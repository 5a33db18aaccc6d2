"""Bad names in every place that tidying reads: each is logged with its run and passed over, and what comes
behind it is tidied all the same."""

import contextlib
import datetime
import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as live_settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.utils import timezone

from backups import conf, jobs
from backups.files import storage
from backups.models import BackupRun, KeyRequest, Purpose, State
from backups.services import audit_proof, audit_watch, creating, runs, vault
from restore.models import PlanRun, Rehearsal, RestoreRun, Upload
from restore.services.applying import superseded
from restore.services.asking import first_start, kept_rows, kits, requests, undoing, uploads
from tests.roundtrip.engine import back_up, restore, stored, writing
from tests.storages.shelves import COLUMNS
from tests.zoo.rows import insert

LONG = "x" * 10_000
BAD: dict[str, list[Any]] = {
    "leads out": ["default", "../../evil.png"],
    "leads out by backslashes": ["default", "..\\..\\evil.png"],
    "empty": ["default", ""],
    "NUL": ["default", "a\0b"],
    "a folder": ["default", "folder"],
    "an alias that has gone": ["gone", "good.png"],
    "10,000 characters": ["default", LONG],
    "absolute": ["default", "/etc/hostname"],
    "a number": ["default", 7],
    "too short": ["default"],
    "no list": {"default": "good.png"},  # type: ignore[dict-item]
    "half a surrogate": ["default", "\ud800.png"],
}
NAMES = ["../evil.png", "../../evil.png", "", "a\\b", "folder", LONG, "/etc/hostname", ".", ".."]


@pytest.fixture(autouse=True)
def places(surroundings: None, caplog: pytest.LogCaptureFixture) -> Iterator[Path]:
    """A good file, a folder, and something outside that a bad name could mean."""
    caplog.set_level(logging.WARNING, "backups")
    media = Path(live_settings.MEDIA_ROOT)
    evil = media.parent / "evil.png"
    evil.write_bytes(b"outside")
    default_storage.save("good.png", ContentFile(b"good"))
    (media / "folder").mkdir()
    (vault.folder() / "folder").mkdir()
    yield evil
    assert evil.read_bytes() == b"outside"
    assert (media / "folder").is_dir()
    assert (vault.folder() / "folder").is_dir()
    evil.unlink()


def a_restore(**values: Any) -> RestoreRun:
    return RestoreRun.objects.create(**{"state": State.FAILED, "scope": "complete"} | values)


def planted(path: Path, *lines: Any) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def is_good_there() -> bool:
    return default_storage.exists("good.png")


def clear_up(caplog: pytest.LogCaptureFixture) -> str:
    """As every worker does. Returns what it logged; no part of it may have been given up."""
    jobs.clear_up()
    assert "clearing up failed" not in caplog.text
    assert "evil" not in caplog.text and LONG not in caplog.text
    return caplog.text


@pytest.mark.parametrize("bad", BAD)
def test_in_the_journal_of_a_restore_that_failed(bad: str, caplog: Any) -> None:
    run = a_restore()
    path = vault.folder() / f".restored-{run.pk}"
    planted(path, BAD[bad], ["default", "good.png"])
    assert run.pk in clear_up(caplog)
    assert (path.exists(), is_good_there()) == (False, False)


@pytest.mark.parametrize("bad", BAD)
def test_in_the_list_of_files_left_for_an_undo(bad: str, caplog: Any) -> None:
    run = a_restore(state=State.SUCCEEDED)
    path = vault.folder() / f"superseded-{run.pk}"
    planted(path, BAD[bad], ["default", "good.png"])
    assert run.pk in clear_up(caplog) or bad == "an alias that has gone"
    # A storage may come back, so that its names are tried again; of the others nothing is left.
    assert path.exists() == (bad == "an alias that has gone")
    assert not is_good_there()


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:20] or "empty")
def test_in_the_row_of_an_upload(name: str, caplog: Any) -> None:
    for stored_as in (name[:32], "upload-good"):
        upload = Upload.objects.create(name="x", size_bytes=1, stored=stored_as)
        Upload.objects.filter(pk=upload.pk).update(
            touched_at=timezone.now() - datetime.timedelta(days=2)
        )
    (vault.folder() / "upload-good").write_bytes(b"x")
    clear_up(caplog)
    assert not (vault.folder() / "upload-good").exists()
    assert not Upload.objects.exists()


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:20] or "empty")
def test_in_the_row_of_a_restore_or_a_safety_backup(name: str, caplog: Any) -> None:
    past = timezone.now() - datetime.timedelta(seconds=1)
    for artifact in (name, "good"):
        a_restore(artifact=artifact[:100])
        BackupRun.objects.create(
            scope="complete", purpose=Purpose.SAFETY, keep_until=past,
            artifact=artifact[:100], state=State.SUCCEEDED,
        )  # fmt: skip
    (vault.folder() / "good").write_bytes(b"x")
    clear_up(caplog)
    assert not (vault.folder() / "good").exists()


@pytest.mark.parametrize("name", [*NAMES, "é", "a\0b"], ids=lambda name: name[:20] or "empty")
def test_in_the_note_of_a_backup_whose_worker_died(name: str, caplog: Any) -> None:
    (vault.folder() / ".named-bad").write_text(name)
    (vault.folder() / ".named-folder").mkdir()
    (vault.folder() / ".named-good").write_text("good")
    (vault.folder() / "good").write_bytes(b"x")
    assert "run folder" in clear_up(caplog)
    assert not (vault.folder() / "good").exists()


def planted_everywhere(name: str) -> None:
    """The name in each file and row that a look reads, as what it says and, where a disk takes it, as what
    something is called."""
    folder = vault.folder()
    raw = name.encode(errors="surrogatepass")
    # What is noted of the audit trail, beside it when it was verified, and the code of the first start.
    for path in (conf.audit_head_file(), audit_proof._look_file(), folder / first_start.FILE_NAME):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(raw)
    # Beside an upload: its kit, and the rows of its plan.
    upload = Upload.objects.create(
        name=name[:40].replace("\0", ""), size_bytes=1, stored="upload-bad"
    )
    for end in ("", kits.SUFFIX, kept_rows.SUFFIX):
        (folder / f"upload-bad{end}").write_bytes(raw)
    long_ago = timezone.now() - datetime.timedelta(days=2)
    Upload.objects.filter(pk=upload.pk).update(touched_at=long_ago)
    # Held mail, what was fetched, and the journals of runs that no row knows.
    for part in ("held-mail", ".fetched", ".fetched/entries", ".fetched/contents"):
        (folder / part).mkdir(exist_ok=True)
        (folder / part / "bad").write_bytes(raw)
    (folder / "held-mail" / ".partial-bad").write_bytes(raw)
    for prefix in (".restored-", "superseded-", ".named-"):
        (folder / f"{prefix}{'0' * 32}").write_bytes(raw + b"\n")
        with contextlib.suppress(OSError, ValueError):
            (folder / f"{prefix}{name.replace('/', '_').replace('evil', 'odd')}").write_bytes(raw)
    # Rows of every kind of run that a look goes through.
    said = name.replace("\0", "")[:100]
    for model in (RestoreRun, PlanRun, Rehearsal):
        for state in (State.QUEUED, State.RUNNING):
            model._default_manager.create(state=state, job_id=said[:32] or " ")
    KeyRequest.objects.create(run=said[:32], public_key="", asked_at=long_ago)


@pytest.mark.parametrize("name", [*NAMES, "a\0b"], ids=lambda name: ascii(name[:20]))
def test_in_whatever_a_look_reads(name: str, caplog: Any) -> None:
    planted_everywhere(name)
    for look in jobs.AFTER_A_DEATH:
        if isinstance(look, audit_watch.Daily):
            look._not_before = 0  # as in a process that has just begun
    (vault.folder() / ".named-good").write_text("good")
    (vault.folder() / "good").write_bytes(b"x")
    clear_up(caplog)
    assert not (vault.folder() / "good").exists() and not Upload.objects.exists()
    assert not RestoreRun.objects.filter(state__in=(State.QUEUED, State.RUNNING)).exists()
    assert audit_proof.last_look() is not None
    clear_up(caplog)


def test_a_look_that_trusts_is_seen(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    """The twin: one that takes what was noted for what it should be."""
    planted_everywhere(LONG)
    monkeypatch.setattr(jobs, "AFTER_A_DEATH", [lambda: int(conf.audit_head_file().read_text())])
    with pytest.raises(AssertionError):
        clear_up(caplog)


def test_odd_things_in_the_folder_of_the_backups(caplog: Any) -> None:
    folder = vault.folder()
    for prefix in (".restored-", "superseded-", "upload-", ".named-", ".partial-", ".spool-"):
        (folder / f"{prefix}folder").mkdir()
        (folder / f"{prefix}nowhere").symlink_to("/nowhere/at/all")
    for prefix in (".partial-", ".spool-"):
        os.mkfifo(folder / f"{prefix}pipe")
    os.utime(folder / "upload-folder", (1, 1))
    a_restore(pk="folder", state=State.SUCCEEDED)
    (folder / ".partial-zzz").write_bytes(b"x")
    forged = "x\nERROR everything is lost"
    a_restore(pk=forged[:32], state=State.SUCCEEDED)
    for prefix in (".restored-", "superseded-"):
        planted(folder / f"{prefix}{forged[:32]}", "no name")
        planted(folder / f"{prefix}{forged}", "no name")
    clear_up(caplog)
    said = [record.getMessage() for record in caplog.records]
    assert any("x\\nERROR" in line for line in said) and "\n" not in "".join(said)
    assert not (folder / ".partial-zzz").exists()
    assert not (folder / ".partial-pipe").exists()


def test_a_picture_with_such_a_name_and_an_undo_that_expires(caplog: Any) -> None:
    """An admin gives a picture the name, somebody restores, a week goes by: workers go on."""
    backup = stored(back_up())
    with writing() as cursor:
        insert(cursor, "zoo_album", COLUMNS, [
            ("x", 1, "", "../../evil.png", "good.png", [LONG, "folder", "%00"], None, None)
        ])  # fmt: skip
    run = restore(backup)
    past = timezone.now() - datetime.timedelta(seconds=1)
    BackupRun.objects.filter(pk=run.safety_backup).update(keep_until=past)
    assert run.pk in clear_up(caplog)
    assert not is_good_there()
    assert not (vault.folder() / f"superseded-{run.pk}").exists()


def test_without_the_guard_the_sweep_ends_at_the_first_bad_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = a_restore(state=State.SUCCEEDED)
    planted(
        vault.folder() / f"superseded-{run.pk}",
        ["default", "../../evil.png"],
        ["default", "good.png"],
    )

    def trusting(target: Any) -> None:
        storage.storages[target.alias].delete(target.name)

    monkeypatch.setattr(storage, "delete", trusting)
    superseded.sweep()
    assert is_good_there()


def test_what_a_storage_fails_to_delete_is_tried_again_an_hour_later(
    monkeypatch: pytest.MonkeyPatch, no_pauses: list[float]
) -> None:
    run = a_restore(state=State.SUCCEEDED)
    path = vault.folder() / f"superseded-{run.pk}"
    planted(path, ["default", "good.png"])

    def away(*_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "delete", away)
        assert superseded.sweep() == 0
        assert json.loads(path.read_text()) == ["default", "good.png", 1]
    assert superseded.sweep() == 0 and is_good_there()
    os.utime(path, (1, 1))
    assert superseded.sweep() == 1 and not is_good_there()


def test_but_not_for_ever(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    run = a_restore(state=State.SUCCEEDED)
    path = vault.folder() / f"superseded-{run.pk}"
    planted(path, ["default", "good.png", superseded.TRIES - 1])
    os.utime(path, (1, 1))
    monkeypatch.setattr(FileSystemStorage, "delete", lambda *_: 1 / 0)
    assert superseded.sweep() == 0
    assert run.pk in caplog.text and not path.exists()


LOOKS: list[Callable[[], object]] = [
    vault.sweep, creating.drop_unnamed, requests.end_abandoned, undoing.prune_expired,
    superseded.sweep, uploads.sweep, lambda: runs.end_abandoned(BackupRun),
]  # fmt: skip


def test_whatever_one_look_raises_the_others_follow(
    monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    seen = []

    def broken() -> None:
        raise MemoryError

    monkeypatch.setattr(jobs, "AFTER_A_DEATH", [broken, lambda: seen.append(1)])
    jobs.clear_up()
    assert seen == [1]
    assert "MemoryError" in caplog.text


def test_every_look_is_one_of_those_that_were_tried() -> None:
    assert {look for look in LOOKS if look.__name__ != "<lambda>"} <= set(jobs.AFTER_A_DEATH)
