"""``backup_coverage``: three forms of one report, and an exit status for machines."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from tests.backups.programs import manage

pytestmark = pytest.mark.django_db(transaction=True)


def said(*options: str) -> str:
    out = StringIO()
    call_command("backup_coverage", *options, stdout=out)
    return out.getvalue()


def test_the_table_has_a_row_for_every_section_and_a_line_for_every_exclusion():
    table = said()
    for words in ("clientAccessTokens", "studio_clientaccesstoken", "not backed up: django_migrat"):
        assert words in table
    assert "users" in table


def test_the_json_form_is_json_and_nothing_else():
    whole = json.loads(said("--format=json"))
    assert [s["key"] for s in whole["sections"]][:2] == ["organizations", "users"]
    assert whole["sections"][1] == {
        "model": "studio.User",
        "table": "studio_user",
        "key": "users",
        "group": "Core Data",
        "safe": True,
        "complete": True,
        "omitted_in_safe": ["password"],
        "file_locators": ["image"],
        "rows": 0,
    }


def test_the_markdown_form_is_the_users_document():
    assert said("--format=markdown").startswith("# Backup System Coverage Report\n")


@pytest.fixture
def bare_table():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE drill_bare (id int)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE drill_bare")


@pytest.mark.usefixtures("bare_table")
@pytest.mark.parametrize("form", ["table", "markdown", "json"])
def test_every_form_names_what_is_uncovered_and_check_ends_with_1(form: str):
    assert "backups.E101" in said(f"--format={form}")
    with pytest.raises(SystemExit) as ended:
        said(f"--format={form}", "--check")
    assert ended.value.code == 1


@pytest.mark.usefixtures("bare_table")
def test_as_a_program_it_ends_with_1_and_with_0_where_all_is_covered():
    assert manage("backup_coverage", "--check").returncode == 1
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE drill_bare")
    try:
        ended = manage("backup_coverage", "--check", "--format=json")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE drill_bare (id int)")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["findings"] == []
