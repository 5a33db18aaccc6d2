"""All the way with every storage: backup, plan, restore, undo, sweep.

The storages are in ``kinds`` and ``misbehaving``; any other Django storage can be added there.
"""

import datetime

import pytest
from django.utils import timezone

from backups.models import BackupRun, State
from backups.services import auditing
from restore.models import RestoreRun
from restore.plan import Choices
from restore.services.applying import applying, superseded
from restore.services.asking import requests, undoing
from restore.services.planning.counting import plan_file
from tests.roundtrip.engine import back_up, restore, stored, writing
from tests.storages.kinds import Kind
from tests.storages.misbehaving import KEEP_WHAT_IS_DELETED
from tests.storages.shelves import CONTENT, NEWER, fill, led_to


@pytest.fixture(autouse=True)
def rows(surroundings: None, kind: Kind) -> None:
    fill(kind)


def test_a_backup_holds_every_file(kind: Kind) -> None:
    backup = back_up()
    assert (backup.state, backup.statistics["files"]["gaps"]) == (State.SUCCEEDED, 0)
    assert backup.statistics["files"]["embedded"] == len(CONTENT)
    assert backup.statistics["files"]["embedded_bytes"] == sum(map(len, CONTENT.values()))


def test_a_missing_file_is_a_gap_and_never_an_empty_file(kind: Kind) -> None:
    kind.empty()
    backup = back_up()
    assert (backup.state, backup.statistics["files"]["embedded"]) == (State.INCOMPLETE, 0)


def test_rows_lead_to_their_files_after_a_restore_and_after_its_undo(kind: Kind) -> None:
    """One file has gone, one is newer now, one was made since, and two are as they were."""
    before = led_to()
    backup = stored(back_up())
    kind.empty()
    kept = {"nothing.txt": CONTENT["nothing.txt"], "C d é.PNG": CONTENT["C d é.PNG"]}
    for name, content in ({"a.png": NEWER["a.png"], "since.png": b"made since"} | kept).items():
        kind.put(name, content)
    with writing() as cursor:
        cursor.execute("UPDATE zoo_album SET cover = 'since.png' WHERE number = 2")
        cursor.execute("UPDATE zoo_album SET pages = '{}', layout = NULL WHERE number = 1")
    today, files = led_to(), kind.files()

    plan = plan_file(backup, Choices()).files
    assert kind.files() == files  # a plan writes nothing
    first = restore(backup)
    assert led_to() == before
    assert files.items() <= kind.files().items()
    assert (first.report["files"]["kept"], plan.stay) == (plan.stay, 2)

    second = _undo(first)
    assert led_to() == today
    _expire(first, second, restore(backup))
    removed = superseded.sweep()
    assert (removed == 0) == (kind.name in KEEP_WHAT_IS_DELETED)
    assert ("since.png" in kind.files()) == (kind.name in KEEP_WHAT_IS_DELETED)
    assert led_to() == before


def _undo(run: RestoreRun) -> RestoreRun:
    asked = undoing.request(run, auditing.COMMAND_LINE)
    return applying.carry_out(asked, requests.stored_file(asked))


def _expire(*restores: RestoreRun) -> None:
    past = timezone.now() - datetime.timedelta(seconds=1)
    for run in restores:
        BackupRun.objects.filter(pk=run.safety_backup).update(keep_until=past)
    undoing.prune_expired()
