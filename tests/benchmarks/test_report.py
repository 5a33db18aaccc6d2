"""A report says how much it may be believed, and computes what it claims to."""

import json
from dataclasses import replace
from types import MappingProxyType

import pytest

from benchmarks import contenders as c
from benchmarks.measuring import Measurement
from benchmarks.ratios import RATIOS
from benchmarks.report import FEWEST_ROUNDS, Facts, Report, Rounds, median_of
from benchmarks.restoring import AFTER, AWAY

EVERYONE = (
    *(c.COPY, c.PG_DUMP, c.PG_DUMP_FC, c.PG_DUMP_Z1, c.PG_DUMP_ZSTD, c.PG_RESTORE),
    *(c.DUMPDATA, c.LOADDATA, c.START, c.SAFE, c.SAFE_PLAIN, c.SAFE_UNHUNTED, c.COMPLETE),
    *(c.INSPECT_OWN, c.INSPECT_FOREIGN, c.PLAN, *c.RESTORES),
)
ONE = Measurement(2.0, 1.0, 0.5, 50_000_000)
RESTORED = replace(ONE, parts={"loading": 1.2, AWAY: 1.5, AFTER: 0.5})


def report(rounds: int, changed: Rounds = MappingProxyType({}), *, part: int = 0) -> Report:
    stands_for = dict.fromkeys(EVERYONE, 1000)
    if part:
        stands_for |= {c.DUMPDATA: part}
    facts = Facts(
        rows=1000,
        stands_for=stands_for,
        document_bytes={c.SAFE: 10_000_000, c.COMPLETE: 20_000_000},
        absent={c.DBBACKUP: "not installed here"},
        tool_peak_bytes=40_000_000,
        made_at="2030-01-02T03:04:05+00:00",
        commit="abcdef0123",
        machine={"cores": 2},
        versions={"python": "3"},
    )
    taken = {name: [RESTORED if name in c.RESTORES else ONE] * rounds for name in EVERYONE}
    return Report(facts, {**taken, **changed})


def walls(*seconds: float) -> list[Measurement]:
    return [replace(ONE, wall_seconds=one) for one in seconds]


@pytest.mark.parametrize("rounds", range(1, FEWEST_ROUNDS))
def test_a_report_of_too_few_rounds_says_so_in_the_page_the_data_and_the_name(tmp_path, rounds):
    page = report(rounds).write(tmp_path)
    assert "Not a result" in page.read_text()
    assert json.loads(page.with_suffix(".json").read_text())["conclusive"] is False
    assert page.name.startswith("trial-")


def test_a_report_of_enough_rounds_claims_to_be_a_result(tmp_path):
    page = report(FEWEST_ROUNDS).write(tmp_path)
    assert "Not a result" not in page.read_text()
    assert json.loads(page.with_suffix(".json").read_text())["conclusive"] is True
    assert page.name.startswith("result-")


def test_one_contender_with_too_few_rounds_is_enough_to_say_so():
    assert not report(FEWEST_ROUNDS, {c.COPY: walls(1.0)}).conclusive


def test_a_median_is_each_figure_s_own():
    taken = [Measurement(1, 9, 5, 10), Measurement(2, 8, 6, 30), Measurement(9, 7, 7, 20)]
    assert median_of(taken) == Measurement(2, 8, 6, 20)


def test_the_server_s_cpu_is_missing_where_one_round_lacks_it():
    taken = [ONE, replace(ONE, server_cpu_seconds=None), ONE]
    assert median_of(taken).server_cpu_seconds is None
    without = report(FEWEST_ROUNDS, {c.COPY: taken})
    assert "has no /proc" in without.as_markdown()


def test_a_part_is_extrapolated_less_its_start_and_the_report_says_so():
    made = report(FEWEST_ROUNDS, {c.START: walls(0.5, 0.5, 0.5)}, part=100)
    assert made.medians()[c.DUMPDATA].wall_seconds == pytest.approx(0.5 + 1.5 * 10)
    text = made.as_markdown()
    assert "dumpdata (extrapolated)" in text
    assert "measured on 100 rows and extrapolated to 1,000" in text


def test_what_was_measured_whole_is_not_called_extrapolated():
    made = report(FEWEST_ROUNDS)
    assert made.medians()[c.DUMPDATA].wall_seconds == ONE.wall_seconds
    assert "extrapolated" not in made.as_markdown()


def test_a_peak_that_may_be_the_tool_s_own_is_told_as_a_bound():
    rows = report(1, {c.COPY: [replace(ONE, peak_bytes=39_000_000)]}).as_markdown().split("\n")
    [copied] = [row for row in rows if row.startswith(f"| {c.COPY} ")]
    [restored] = [row for row in rows if row.startswith(f"| {c.RESTORE} ")]
    assert "| at most 39 |" in copied
    assert "| 50 |" in restored


def test_who_is_absent_is_named_with_the_reason():
    assert "django-dbbackup: not measured, not installed here." in report(1).as_markdown()


def test_every_ratio_can_be_had_and_those_less_the_start_leave_it_out():
    made = report(FEWEST_ROUNDS, {c.START: walls(0.5, 0.5, 0.5)})
    values = {(r.what, r.against): r.value(made.medians()) for r in RATIOS}
    assert None not in values.values()
    assert values["Safe backup as stored, less start", c.PG_DUMP_FC] == pytest.approx(0.75)
    assert values["time the site is away", c.PG_RESTORE] == pytest.approx(0.75)


def test_a_ratio_to_what_was_not_measured_is_none():
    nobody = report(FEWEST_ROUNDS, {c.PG_RESTORE: [replace(ONE, server_cpu_seconds=None)] * 3})
    values = {(r.what, r.against): r.value(nobody.medians()) for r in RATIOS}
    assert values["server CPU of the restore", c.PG_RESTORE] is None


def test_a_time_that_drowns_in_the_start_of_a_command_gives_no_ratio():
    made = report(FEWEST_ROUNDS, {c.START: walls(3.0, 3.0, 3.0)})
    values = {(r.what, r.against): r.value(made.medians()) for r in RATIOS}
    assert values["Safe backup as stored, less start", c.PG_DUMP_FC] is None


def test_the_stages_of_the_restore_are_listed_with_the_time_away():
    text = report(FEWEST_ROUNDS).as_markdown()
    assert "| loading | 1.20 |" in text
    assert f"| **{AWAY}**: first lock that stops writers, to commit | 1.50 |" in text
    assert f"| **{AFTER}**: statistics, views, caches | 0.50 |" in text


def test_a_restore_is_compared_until_its_commit():
    made = report(FEWEST_ROUNDS, {c.RESTORE: [RESTORED] * 3, c.PG_RESTORE: [ONE] * 3})
    values = {(r.what, r.against): r.value(made.medians()) for r in RATIOS}
    assert values["restore, from file to commit", c.PG_RESTORE] == (2.0 - 0.5) / 2.0
