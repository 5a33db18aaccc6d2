"""The coverage report: values equal to the facts, words those of the users, nothing overstated."""

import re

import pytest
from django.db import connection

from backups.errors import ConfigurationError
from backups.registry import Registry, registry
from backups.services import coverage
from backups.services.coverage import CoverageReport
from backups.services.coverage_markdown import as_markdown, status
from backupsvc.studio.models import Organization, Tag
from tests.studio import facts

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = {row["model"]: row for row in facts.tables()}


@pytest.fixture
def report() -> CoverageReport:
    return coverage.report()


def of_the_studio(report: CoverageReport) -> list[dict[str, object]]:
    return [s for s in report.as_dict()["sections"] if s["model"].startswith("studio.")]


def test_the_json_form_has_exactly_these_members(report: CoverageReport):
    whole = report.as_dict()
    assert list(whole) == ["sections", "framework", "excluded", "findings"]
    for section in whole["sections"]:
        assert list(section) == [
            *("model", "table", "key", "group", "safe", "complete"),
            *("omitted_in_safe", "file_locators", "rows"),
        ]
    for excluded in whole["excluded"]:
        assert list(excluded) == ["table", "because"]
    assert whole["findings"] == []


def test_sections_are_what_the_facts_say_in_their_order(report: CoverageReport):
    assert [
        (s["model"], s["key"], s["group"], s["safe"], s["complete"]) for s in of_the_studio(report)
    ] == [
        (f"studio.{row['model']}", row["section"], row["group"], row["safe"] == "yes", True)
        for row in TABLES.values()
    ]


def test_omitted_columns_are_what_the_facts_say(report: CoverageReport):
    for section in of_the_studio(report):
        row = TABLES[str(section["model"]).removeprefix("studio.")]
        assert set(section["omitted_in_safe"]) == set(row["omitted_in_safe"].split())  # type: ignore[call-overload]


def test_file_locators_are_the_columns_that_the_facts_name(report: CoverageReport):
    columns = facts.columns()
    for section in of_the_studio(report):
        model = str(section["model"]).removeprefix("studio.")
        located = [c["column"] for c in columns[model] if c["file_locator"]]
        assert section["file_locators"] == tuple(located)


def test_82_tables_are_in_complete_backups_and_44_in_safe_ones(report: CoverageReport):
    studio = of_the_studio(report)
    assert (len(studio), sum(bool(s["safe"]) for s in studio)) == (82, 44)


def test_rows_are_counted_in_the_live_database():
    Organization.objects.create(id="a", name="Atelier", slug="a")
    rows = {s.key: s.rows for s in coverage.report().sections}
    assert (rows["organizations"], rows["users"]) == (1, 0)


def test_every_exclusion_has_its_reason(report: CoverageReport):
    assert all(len(excluded["because"]) > 10 for excluded in report.excluded)
    assert "django_migrations" in {excluded["table"] for excluded in report.excluded}


@pytest.fixture
def bare():
    """A table and a column that no model owns, until the end of the test."""
    statements = [
        ("CREATE TABLE drill_bare (id int)", "DROP TABLE drill_bare"),
        (
            "ALTER TABLE studio_organization ADD COLUMN drill text",
            "ALTER TABLE studio_organization DROP COLUMN drill",
        ),
    ]
    with connection.cursor() as cursor:
        for there, _ in statements:
            cursor.execute(there)
    yield
    with connection.cursor() as cursor:
        for _, gone in statements:
            cursor.execute(gone)


@pytest.mark.usefixtures("bare")
def test_what_no_model_owns_is_uncovered():
    found = coverage.report()
    assert not found.is_covered
    assert {(f.code, f.table) for f in found.findings} == {
        ("backups.E101", "drill_bare"),
        ("backups.E102", "studio_organization"),
    }


def test_a_table_that_is_named_with_its_schema_is_told_as_what_it_is(monkeypatch):
    monkeypatch.setattr(Tag._meta, "db_table", 'public"."studio_tag')
    found = {f.code: f for f in coverage.report().findings}
    assert "with a schema" in found["backups.E103"].message
    assert "search path" in found["backups.E103"].hint


def test_what_the_database_lacks_is_a_finding():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE studio_tag RENAME TO studio_gat")
    try:
        codes = {(f.code, f.table) for f in coverage.report().findings}
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE studio_gat RENAME TO studio_tag")
    assert codes == {("backups.E101", "studio_gat"), ("backups.E103", "studio_tag")}


def test_an_empty_registry_covers_nothing():
    assert {f.code for f in coverage.report(Registry()).findings} == {
        *("backups.E001", "backups.E101")
    }


def test_a_registry_with_findings_stops_a_backup_and_names_the_first():
    with pytest.raises(ConfigurationError) as refused:
        coverage.require_covered(Registry(), {}, [])
    assert refused.value.code == "coverage.uncovered"
    assert re.search(r"\(backups\.E001 and \d+ more\)", refused.value.message)


def test_the_markdown_has_the_groups_of_the_users_document_in_its_order(report: CoverageReport):
    headings = re.findall(r"^#### (.*)$", as_markdown(report), re.MULTILINE)
    assert [heading for heading in headings if heading not in ("Zoo", "Other")] == [
        "Core Data",
        "Chat & Messaging",
        "Activity & Audit Logs",
        "Notifications",
        "Email Logs",
        "Project Updates & Tasks",
        "Issues",
        "Tags & Metadata",
        "Assets & Files",
        "Approvals",
        "Authentication & Security",
        "Additional Complete Tables",
        "FFE System (Complete)",
        "Rendering & Drawings",
        "Spec Books",
        "CAD Preferences",
        "Room Configuration",
        "Columns that a Safe file leaves out",
    ]


def test_the_markdown_has_the_chapters_of_the_users_document(report: CoverageReport):
    text = as_markdown(report)
    chapters = [
        "# Backup System Coverage Report",
        "## What Gets Backed Up",
        "### 🔵 Safe Backup (Blue Button - Admin/Owner)",
        "### 🟠 Complete Backup (Orange Button - Owner Only)",
        "## What About Images?",
        "## Is My Database Safe?",
        "### During Backup:",
        "### During Restore:",
        "## What Is Not Backed Up",
        "## Findings",
    ]
    assert [line for line in text.split("\n") if line in chapters] == chapters


def test_the_markdown_names_every_table_once(report: CoverageReport):
    text = as_markdown(report)
    for section in report.sections:
        name = section.model.rsplit(".", 1)[-1]
        assert text.count(f"- ✅ {name}: `{section.key}`, ") == 1


def test_the_markdown_says_which_columns_a_safe_file_leaves_out(report: CoverageReport):
    text = as_markdown(report)
    assert "- ✅ User: `users`, 0 rows (without password)" in text
    assert "- ✅ ClientAccessToken: token" in text


def test_the_markdown_does_not_say_that_safe_is_everything_or_enough(report: CoverageReport):
    text = as_markdown(report)
    only_complete = sum(not section.safe for section in report.sections)
    assert f"{only_complete} tables are in Complete backups only" in text
    assert not re.search(r"sufficient|all data|\*\*EXCEPT\*\*", text.split("### During")[0])


def test_the_status_is_never_complete_while_something_is_uncovered(report: CoverageReport):
    assert status(report).startswith("✅ COMPLETE")
    assert status(coverage.report(Registry())).startswith("❌ NOT COMPLETE")


def test_a_column_that_a_safe_section_keeps_is_in_the_facts_as_kept():
    kept = {
        (s.model.__name__, s.model._meta.get_field(name).column)  # type: ignore[union-attr]
        for s in registry.sections
        if s.model._meta.app_label == "studio"
        for name in s.safe_columns
    }
    assert kept == {
        (model, column["column"])
        for model, columns in facts.columns().items()
        for column in columns
        if column["in_safe"] == "kept"
    }
