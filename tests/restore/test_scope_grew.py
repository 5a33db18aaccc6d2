"""Tables that came into the Safe scope later: a Safe file of before leaves their rows alone."""

from pathlib import Path

import pytest

from backups.registry import COMPLETE
from backupsvc.studio.models import Contractor, Project, ProjectContractor, Task
from restore.services.planning import matching
from tests.restore.forging import Document, ours
from tests.restore.steps import codes, plan_as, restore_as
from tests.restore.tables import changed_tables, rows_of_database

LATER = {"tasks": "studio_task", "projectContractors": "studio_projectcontractor"}


def without(document: Document) -> None:
    for key in LATER:
        document.remove_section(key)


@pytest.fixture
def of_before(studio, tmp_path) -> Path:
    """A Safe file of the days when both tables were in Complete files only."""
    assert Task.objects.exists() and ProjectContractor.objects.exists()
    return ours(studio.safe, tmp_path / "before.json", without)


@pytest.fixture
def newcomer(of_before) -> Project:
    """A project that the file does not have, with a contractor and a task."""
    project = Project.objects.order_by("pk").first()
    project.pk = "newcomer"
    project.save(force_insert=True)
    ProjectContractor.objects.create(
        id="new", project=project, contractor=Contractor.objects.order_by("pk").first()
    )
    Task.objects.create(id="new", title="of the newcomer", project_id=project.pk)
    return project


def test_their_rows_stay(of_before) -> None:
    before = rows_of_database()
    plan = plan_as(of_before)
    assert not any(finding.blocking for finding in plan.findings), codes(plan)
    restore_as(of_before, confirmed=plan)
    assert changed_tables(before, rows_of_database()).keys() & LATER.values() == set()


def test_the_plan_says_so(of_before) -> None:
    said = {str(sentence) for sentence in plan_as(of_before).schema}
    for table in LATER.values():
        assert any(
            sentence.startswith(f"{table} is not in the file, whose Safe") for sentence in said
        )


def test_rows_whose_target_goes_follow_their_own_rule_and_are_counted(of_before, newcomer) -> None:
    plan = plan_as(of_before)
    table = next(t for t in plan.tables if t.table == LATER["projectContractors"])
    assert (str(table.fate), table.removed, table.after) == ("follows", 1, table.now - 1)
    restore_as(of_before, confirmed=plan)
    assert not Project.objects.filter(pk=newcomer.pk).exists()
    assert not ProjectContractor.objects.filter(pk="new").exists()
    assert Task.objects.get(pk="new").project_id == "newcomer"  # an id without a constraint


def test_a_file_of_today_replaces_them(studio) -> None:
    Task.objects.update(title="changed")
    ProjectContractor.objects.all().delete()
    before = rows_of_database()
    restore_as(studio.safe)
    assert changed_tables(before, rows_of_database()).keys() >= set(LATER.values())
    assert not Task.objects.filter(title="changed").exists()
    assert ProjectContractor.objects.exists()


def test_without_the_rule_both_tables_would_be_emptied(of_before, monkeypatch) -> None:
    monkeypatch.setattr(matching, "COMPLETE", matching.SAFE)
    monkeypatch.setattr(matching, "reading", _reading_complete)
    restore_as(of_before)
    assert not Task.objects.exists() and not ProjectContractor.objects.exists()


_real_reading = matching.reading


def _reading_complete(section, scope, tables):
    """The stand-in above takes Safe for Complete; what a section is read by stays as it was."""
    return _real_reading(section, COMPLETE, tables)
