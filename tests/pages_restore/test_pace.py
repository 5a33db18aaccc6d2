"""How far, how fast, how long: what the live pages of plans, restores and test restores tell."""

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from backups.models import BackupRun, State
from backups.stages import Stage
from backups.views.going import Pace, pace_of, standings
from restore.models import PlanRun, Rehearsal, RestoreRun, Upload
from restore.services.planning import plan_runs
from restore.services.planning.watching import Watch
from restore.views.going import order_of
from tests.pages_restore.conftest import bring

NOW = timezone.now()


def at_work(model=RestoreRun, *, seconds=10, **fields):
    began = NOW - datetime.timedelta(seconds=seconds)
    return model(state=State.RUNNING, stage_began_at=began, **fields)


def listed(run):
    return standings(run, order_of(run))


def test_reading_is_measured_by_the_files_bytes():
    run = at_work(PlanRun, stage="inspecting", bytes_done=250, bytes_total=1000)
    assert pace_of(run, NOW) == Pace(0.25, bytes_rate=25, seconds_left=30)


def test_writing_tells_rows_and_bytes_a_second():
    run = at_work(stage="loading", bytes_done=500, bytes_total=1000, rows_done=70, rows_total=99)
    assert pace_of(run, NOW) == Pace(0.5, bytes_rate=50, rows_rate=7, seconds_left=10)


def test_reading_back_is_measured_by_its_rows():
    run = at_work(stage="verifying", bytes_done=9, bytes_total=9, rows_done=20, rows_total=100)
    assert pace_of(run, NOW) == Pace(0.2, rows_rate=2, seconds_left=40)


def test_a_safety_backup_is_measured_by_the_rows_it_has_read():
    run = at_work(BackupRun, stage="rows", rows_done=50, rows_total=200, bytes_done=1000)
    assert pace_of(run, NOW) == Pace(0.25, bytes_rate=100, rows_rate=5, seconds_left=30)


@pytest.mark.parametrize("stage", ["", "waiting", "planning", "references", "committing"])
def test_where_nothing_tells_nothing_is_claimed(stage):
    assert pace_of(at_work(stage=stage, rows_done=5, rows_total=10), NOW) == Pace()


def test_nothing_is_foretold_at_the_very_beginning():
    run = at_work(seconds=1, stage="inspecting", bytes_done=10, bytes_total=1000)
    assert pace_of(run, NOW).seconds_left is None
    assert pace_of(at_work(stage="inspecting"), NOW) == Pace()


def test_it_never_says_that_all_is_done():
    run = at_work(stage="inspecting", bytes_done=1001, bytes_total=1000)
    assert pace_of(run, NOW).percent == 99


def test_what_has_ended_goes_at_no_pace():
    run = at_work(stage="loading", bytes_done=500, bytes_total=1000)
    run.state = State.FAILED
    assert pace_of(run, NOW) == Pace()


def test_a_part_of_a_stage_is_named_while_it_lasts():
    stages = listed(PlanRun(stage="rewriting"))
    assert [stage.state for stage in stages] == ["done", "current", "ahead", "ahead"]
    assert "orderly copy" in stages[1].part
    assert not listed(PlanRun(stage="inspecting"))[1].part


@pytest.mark.parametrize("model", [PlanRun, RestoreRun, Rehearsal])
def test_each_stage_is_the_current_one_in_its_turn(model):
    order = order_of(model())
    for place, stage in enumerate(order):
        states = [item.state for item in listed(model(stage=stage.value))]
        ahead = len(order) - place - 1
        assert states == ["done"] * place + ["current"] + ["ahead"] * ahead, stage


def test_of_one_that_succeeded_every_stage_is_done_and_of_one_that_failed_one_has_ended():
    assert {item.state for item in listed(RestoreRun(stage="done"))} == {"done"}
    failed = listed(RestoreRun(stage="loading", state=State.FAILED))
    assert [item.stage for item in failed if item.state == "ended"] == [Stage.LOADING]


def test_of_a_stage_that_a_former_version_called_otherwise_nothing_is_claimed():
    former = listed(Rehearsal(stage="files", state=State.FAILED))
    assert {item.state for item in former} == {"ahead"}
    assert {item.state for item in listed(RestoreRun(stage="no such"))} == {"ahead"}
    assert pace_of(at_work(stage="no such", bytes_done=1, bytes_total=2), NOW) == Pace()


class Noted(Watch):
    def __init__(self) -> None:
        self.stages: list[str] = []
        self.most: dict[str, int] = {}
        self.total: dict[str, int] = {}

    def check(self) -> None: ...

    def stage(self, stage, **values) -> None:
        self.stages.append(stage)
        self.total[stage] = values["bytes_total"]

    def at(self, bytes_done) -> None:
        self.most[self.stages[-1]] = bytes_done


@pytest.fixture
def noted(monkeypatch):
    found = Noted()
    real = plan_runs.plan_file
    monkeypatch.setattr(
        plan_runs,
        "plan_file",
        lambda path, choices, watch, **more: real(path, choices, watch=found, **more),
    )
    return found


def test_a_plan_tells_each_byte_of_the_file_that_it_reads(owner, files, noted):
    upload = bring(owner, files.complete)
    plan_runs.carry_out(plan_runs.latest(upload))
    assert noted.stages == ["inspecting", "locating", "counting"]
    size = upload.size_bytes
    # The file is read once: what rows lead to is located by what that left.
    assert noted.total == {"inspecting": size, "locating": 0, "counting": 0}
    assert noted.most["inspecting"] == size


def test_a_file_of_another_installation_is_read_no_more_often(owner, files, noted):
    plan_runs.carry_out(plan_runs.latest(bring(owner, files.foreign)))
    assert noted.stages == ["inspecting", "locating", "counting"]


def test_the_page_of_a_plan_under_way_shows_how_much_was_read(owner, files):
    upload = bring(owner, files.complete)
    begun = timezone.now() - datetime.timedelta(seconds=20)
    PlanRun.objects.update(
        stage="inspecting",
        state=State.QUEUED,
        stage_began_at=begun,
        started_at=begun,
        bytes_done=3_000_000,
        bytes_total=4_000_000,
    )
    for name in ("restore_plan", "restore_progress"):
        page = owner.get(reverse(f"admin:{name}", args=[upload.pk])).content.decode()
        for words in ("75 %", "MB", "KB/s", "about 7 s", "Reading and checking the file"):
            assert words in page, words


def test_the_page_of_a_test_restore_says_its_stages_in_words(owner):
    run = Rehearsal.objects.create(backup="x", state=State.QUEUED, stage="throwaway database")
    page = owner.get(reverse("admin:restore_rehearsal_status", args=[run.pk])).content.decode()
    assert 'aria-current="step"' in page and "Making the throwaway database" in page
    assert not Upload.objects.exists()
