"""The way back: it restores what was there, and waits as long as was promised."""

import datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from backups.errors import RestoreError
from backups.models import BackupRun
from backups.services import auditing
from backupsvc.studio.models import Asset
from restore.models import RestoreRun
from restore.services.applying import applying, superseded
from restore.services.asking import requests, undoing
from tests.battery.state import leftovers, stored_files
from tests.roundtrip.dump import differences, dump_data
from tests.roundtrip.engine import restore

NEW = "studio/made-since.png"


@pytest.fixture(autouse=True)
def as_shipped(settings) -> None:
    settings.BACKUPS_LEAVE_EQUAL_TABLES = True


def undo(run: RestoreRun) -> RestoreRun:
    asked = undoing.request(run, auditing.COMMAND_LINE)
    return applying.carry_out(asked, requests.stored_file(asked))


def expire(run: RestoreRun) -> None:
    past = timezone.now() - datetime.timedelta(seconds=1)
    BackupRun.objects.filter(pk=run.safety_backup).update(keep_until=past)
    assert undoing.prune_expired() == [run.safety_backup]


@pytest.fixture
def new_file(studio) -> None:
    """Today a row points to a file that nobody knew when the backup was made."""
    default_storage.save(NEW, ContentFile(b"new"))
    some = Asset.objects.first()
    Asset.objects.filter(pk=some.pk).update(url=NEW, type="IMAGE")


def exists() -> bool:
    return (Path(settings.MEDIA_ROOT) / NEW).exists()


def test_it_gives_back_what_was_there_and_can_be_undone_itself(studio, new_file) -> None:
    before = dump_data()
    files = stored_files()
    run = restore(studio.complete)
    assert differences(studio.then, dump_data()) == []
    back = undo(run)
    assert differences(before, dump_data()) == []
    assert files.items() <= stored_files().items()
    assert back.undo_of == run.pk
    undo(back)
    assert differences(studio.then, dump_data()) == []
    assert leftovers() == []


@pytest.mark.battery
def test_it_is_kept_for_a_week_at_least(studio) -> None:
    run = restore(studio.complete)
    safety = BackupRun.objects.get(pk=run.safety_backup)
    assert safety.is_kept
    assert safety.keep_until > timezone.now() + datetime.timedelta(days=6, hours=23)
    assert undoing.prune_expired() == []
    assert undoing.can_undo(run)


def test_an_expired_one_is_refused(studio) -> None:
    run = restore(studio.complete)
    expire(run)
    assert not undoing.can_undo(run)
    with pytest.raises(RestoreError) as refused:
        undo(run)
    assert refused.value.code == "undo.none"


def test_files_that_only_it_needs_go_when_it_has_expired(studio, new_file) -> None:
    run = restore(studio.complete)
    assert run.report["files_left_for_undo"] == 1
    assert superseded.sweep() == 0 and exists()
    expire(run)
    assert superseded.sweep() == 1 and not exists()
    assert leftovers() == []
    assert studio.files_today.items() <= stored_files().items()


@pytest.mark.battery
def test_files_that_a_row_points_to_again_stay(studio, new_file) -> None:
    run = restore(studio.complete)
    Asset.objects.filter(pk=Asset.objects.first().pk).update(url=NEW, type="IMAGE")
    expire(run)
    assert superseded.sweep() == 0 and exists()


@pytest.mark.battery
def test_files_that_another_undo_waits_for_stay(studio, new_file) -> None:
    first = restore(studio.complete)
    undo_run = undo(first)
    again = restore(studio.complete)
    expire(first)
    assert superseded.sweep() == 0 and exists()
    expire(undo_run)
    expire(again)
    assert superseded.sweep() == 1 and not exists()


@pytest.mark.battery
def test_a_sweep_that_does_not_look_at_rows_is_seen(studio, new_file, monkeypatch) -> None:
    run = restore(studio.complete)
    Asset.objects.filter(pk=Asset.objects.first().pk).update(url=NEW, type="IMAGE")
    expire(run)
    monkeypatch.setattr(superseded, "_pointed_to", lambda candidates: set())
    superseded.sweep()
    assert not exists()
