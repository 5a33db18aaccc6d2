"""The stages of all runs: each is begun by some code, listed by some page, and has words of its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from backups.models import BackupRun
from backups.stages import PARTS, Stage
from backups.views import runs as backup_pages
from restore.models import PlanRun, Rehearsal, RestoreRun
from restore.views import going as restore_pages
from tests.docs.pages import ROOT

# What begins a stage, its first argument.
BEGINNING = {"stage", "begin_reading", "end_reading"}
# Before the first stage and behind the last: nobody begins these.
NEVER_BEGUN = {Stage.QUEUED, Stage.DONE}


def sources() -> Iterator[Path]:
    for app in ("backups", "restore"):
        yield from (ROOT / app).rglob("*.py")


def code() -> Iterator[ast.AST]:
    for path in sources():
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def bare_names(nodes: Iterator[ast.AST]) -> list[str]:
    """Texts that begin a stage, or that a run's stage is compared with or set to."""
    found = []
    for node in nodes:
        match node:
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[first, *_]):
                found += [ast.unparse(first)] if name in BEGINNING and is_text(first) else []
            case ast.Compare(left=ast.Attribute(attr="stage"), comparators=others):
                found += [ast.unparse(other) for other in others if is_text(other)]
            case ast.Assign(targets=[ast.Attribute(attr="stage")], value=value):
                found += [ast.unparse(value)] if is_text(value) else []
            case ast.keyword(arg="stage", value=value):
                found += [ast.unparse(value)] if is_text(value) else []
    return found


def is_text(node: ast.AST) -> bool:
    is_str = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return is_str or isinstance(node, ast.JoinedStr)


def begun(nodes: Iterator[ast.AST]) -> set[Stage]:
    """Every member that is an argument of what begins a stage, or stands in a class as its stage."""
    found = set()
    for node in nodes:
        match node:
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[first, *_]):
                found |= members(first) if name in BEGINNING else set()
            case ast.Assign(targets=[ast.Name(id="stage")], value=value):
                found |= members(value)
    return found


def members(node: ast.AST) -> set[Stage]:
    match node:
        case ast.Attribute(value=ast.Name(id="Stage") | ast.Attribute(attr="Stage"), attr=name):
            return {Stage[name]} if name in Stage.__members__ else set()
    return set()


def test_no_text_is_taken_for_a_stage():
    assert bare_names(code()) == []


@pytest.mark.parametrize(
    "line",
    [
        'progress.stage("rows", rows_total=1)',
        'self._progress.stage(f"rows {x}")',
        'begin_reading("rows", path, watch)',
        'run.stage == "rows"',
        'run.stage = "rows"',
        'filter(stage="rows")',
    ],
)
def test_a_text_that_is_taken_for_a_stage_would_be_found(line):
    assert bare_names(ast.walk(ast.parse(line)))


def test_every_stage_is_begun_by_some_code():
    assert set(Stage) - begun(code()) == NEVER_BEGUN


def test_a_stage_that_nothing_begins_would_be_found():
    assert begun(ast.walk(ast.parse("x = Stage.ROWS; work.stage(Stage.FILES)"))) == {Stage.FILES}


def test_every_stage_is_listed_by_the_page_of_some_run_or_is_a_part_of_one_that_is():
    listed = set(backup_pages.order_of(BackupRun(scope="complete")))
    for model in (PlanRun, RestoreRun, Rehearsal):
        listed |= set(restore_pages.order_of(model()))
    assert listed == set(Stage) - {Stage.DONE, *PARTS}
    assert {part.whole for part in PARTS} <= listed


def test_a_backup_without_files_content_does_not_list_their_fetching():
    for run in (BackupRun(scope="safe"), BackupRun(scope="complete", purpose="safety")):
        order = backup_pages.order_of(run)
        assert Stage.FETCHING not in order and Stage.LOCATORS in order


def test_every_stage_has_words_of_its_own_and_fits_its_column():
    words = [str(stage.label) for stage in Stage]
    assert all(words) and len(set(words)) == len(words)
    assert max(map(len, Stage.values)) <= BackupRun._meta.get_field("stage").max_length


def test_a_stage_is_measured_by_a_counter_that_moves_in_it():
    run = BackupRun()
    for stage in Stage:
        assert stage.measure in ("", *stage.counters)
        for counter in stage.counters:
            assert getattr(run, f"{counter}_done") == getattr(run, f"{counter}_total") == 0


def test_a_stage_is_found_by_what_stands_in_a_row_and_by_nothing_else():
    assert [Stage.of(stage.value) for stage in Stage] == list(Stage)
    assert Stage.of("of a former version") is None
