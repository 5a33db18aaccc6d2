"""The whole measurement, small: every contender once, on servers of its own."""

import json
import subprocess
import sys

import pytest

from benchmarks import contenders as c
from benchmarks.data import ROOT, ROWS_PER_SCALE
from benchmarks.restoring import AWAY
from tests.benchmarks.test_report import EVERYONE

pytestmark = pytest.mark.battery


def test_it_measures_every_contender_and_says_that_one_round_is_no_result(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "--rows", "2000", "--rounds", "1"]
    outcome = subprocess.run(
        [*command, "--results", str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert outcome.returncode == 0, outcome.stderr
    [told] = [json.loads(path.read_text()) for path in tmp_path.glob("*.json")]
    assert told["rows"] == ROWS_PER_SCALE
    assert told["conclusive"] is False
    names = {contender["name"] for contender in told["contenders"]}
    assert names | set(told["absent"]) == {*EVERYONE, c.DBBACKUP}
    assert all(contender["median"]["wall_seconds"] > 0 for contender in told["contenders"])
    assert "Not a result" in outcome.stdout
    [restore] = [one for one in told["contenders"] if one["name"] == c.RESTORE]
    parts = restore["median"]["parts"]
    assert 0 < parts[AWAY] < restore["median"]["wall_seconds"]
    assert {"inspecting", "planning", "safety backup", "loading", "committing"} <= parts.keys()
