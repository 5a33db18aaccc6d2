"""What a plan says of a storage that says nothing."""

from pathlib import Path
from typing import Any

import pytest

from backups.errors import RestoreError
from backups.findings import Severity
from restore.plan import Choices
from restore.services.planning.counting import plan_file
from tests.roundtrip.dump import differences, dump_data
from tests.roundtrip.engine import back_up, restore, stored
from tests.storages import misbehaving
from tests.storages.conftest import become
from tests.storages.kinds import Kind, on_a_shelf
from tests.storages.shelves import CONTENT, fill


@pytest.fixture
def backup(surroundings: None, settings: Any) -> Path:
    """Made while the storage was well."""
    kind: Kind = on_a_shelf(misbehaving.Shelf)
    become(settings, kind)
    fill(kind)
    return stored(back_up())


def said(backup: Path) -> dict[str, Severity]:
    found = plan_file(backup, Choices()).findings
    return {f.code: f.severity for f in found if f.code.startswith("restore.storage")}


@pytest.mark.parametrize("bad", [misbehaving.Away, misbehaving.Unmade])
def test_a_storage_that_is_away_blocks_the_restore(bad: type, backup: Path, settings: Any) -> None:
    rows = dump_data()
    become(settings, on_a_shelf(bad))
    assert said(backup) == {"restore.storage_away": Severity.ERROR}
    with pytest.raises(RestoreError) as refused:
        restore(backup)
    assert refused.value.code == "restore.storage_away"
    assert differences(rows, dump_data()) == []


def test_of_names_that_it_may_not_speak_of_the_plan_says_so(backup: Path, settings: Any) -> None:
    become(settings, on_a_shelf(misbehaving.MayNotListNorOpen))
    misbehaving.SHELF.clear()
    assert said(backup) == {"restore.storage_unsure": Severity.WARNING}
    files = plan_file(backup, Choices()).files
    assert files.unsure == files.renamed > 0
    restore(backup)
    assert set(misbehaving.SHELF.values()) == set(CONTENT.values())


def test_of_a_storage_that_is_well_it_says_nothing(backup: Path) -> None:
    assert said(backup) == {}
