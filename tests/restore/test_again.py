"""What must come out equal by whatever way one gets there, on studios and damage that are made up."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as how
from hypothesis import strategies as st

from backups.registry import SAFE
from backupsvc.studio.models import User
from tests.databases import empty_folder
from tests.restore.comparing import miscounts, mistakes
from tests.restore.conftest import OWNER
from tests.restore.copies import become
from tests.restore.damage import Damage
from tests.restore.safe_rules import after_safe_restore
from tests.restore.steps import plan_as, restore_as
from tests.restore.tables import changed_tables, rows_of_database
from tests.roundtrip.engine import back_up, data_part, document, parsed, stored


@pytest.mark.parametrize("scope", ["safe", pytest.param("complete", marks=pytest.mark.battery)])
def test_restoring_twice_equals_once(damaged_studio, scope) -> None:
    restore_as(getattr(damaged_studio, scope))
    once = rows_of_database()
    plan = plan_as(getattr(damaged_studio, scope))
    assert [t.table for t in plan.tables if t.lost or t.added or t.refilled or t.set_null] == []
    restore_as(getattr(damaged_studio, scope))
    assert changed_tables(once, rows_of_database()) == {}


def test_safe_of_a_restored_complete_is_safe_of_the_original(damaged_studio, tmp_path) -> None:
    restore_as(damaged_studio.complete)
    restored = data_part(document(back_up(SAFE)))
    become("seeded")
    assert data_part(document(back_up(SAFE))) == restored


def test_safe_of_a_restored_safe_is_that_safe(damaged_studio) -> None:
    restore_as(damaged_studio.safe)
    restored = parsed(back_up(SAFE))
    become("seeded")
    seeded = parsed(back_up(SAFE))
    assert without_altered(restored, seeded) == without_altered(seeded, seeded)


def without_altered(document: dict, file: dict) -> dict:
    """The rows; texts with a live secret are not in the file, so that a restore keeps today's."""
    altered = {(cell["section"], cell["key"], cell["column"]) for cell in file["altered"]}
    assert altered
    return {
        key: [
            {c: v for c, v in row.items() if (key, row.get("id"), c) not in altered} for row in rows
        ]
        for key, rows in document["data"].items()
    }


def check(seed: int, before: int, after: int, folder: Path) -> None:
    """A studio that ``before`` steps made, backed up; ``after`` steps of life; a Safe restore."""
    become("seeded")
    life = Damage(seed)
    life.anything(before, spare=OWNER)
    file = rows_of_database()
    path = Path(shutil.copy(stored(back_up(SAFE)), folder))
    life.anything(after, spare=OWNER)
    now = rows_of_database()
    expected = after_safe_restore(file, now, OWNER)
    plan = plan_as(path)
    assert not plan.blocking
    assert miscounts(plan, expected, file, now) == []
    run = restore_as(path, confirmed=plan)
    assert mistakes(expected, rows_of_database()) == []
    run.refresh_from_db()
    assert run.report["tables"] == run.plan["tables"]
    assert User.objects.get(email=OWNER).is_superuser
    empty_folder(Path(settings.BACKUPS_ROOT))


lives = given(seed=st.integers(0, 2**32), before=st.integers(0, 150), after=st.integers(1, 400))
# A failing life is named by three numbers; making it smaller would take longer than reading it.
ways: Any = {
    "deadline": None,
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],
    "suppress_health_check": list(HealthCheck),
    "database": None,
}


@lives
@how(max_examples=3, derandomize=True, **ways)
def test_a_safe_restore_does_what_the_rules_say(studio, tmp_path_factory, seed, before, after):
    check(seed, before, after, tmp_path_factory.mktemp("life"))


@pytest.mark.battery
@lives
@how(max_examples=60, **ways)
def test_many_lives(studio, tmp_path_factory, seed, before, after):
    check(seed, before, after, tmp_path_factory.mktemp("life"))
