"""A file holds sections of its own scope: what signs people in does not come with a Safe file."""

from pathlib import Path

import pytest

from backupsvc.studio.models import PasswordResetToken, User
from restore.services.planning import matching
from tests.restore.forging import Document, foreign, ours
from tests.restore.steps import codes, plan_as, refusal
from tests.restore.tables import changed_tables, rows_of_database

SMUGGLED = "passwordResetTokens"
TABLE = PasswordResetToken._meta.db_table


def _smuggle(complete: Path):
    """Let a Safe file bring sign-in links as a Complete one holds them."""
    source = Document(complete)

    def edit(document: Document) -> None:
        document.head["sections"].append(source.section(SMUGGLED))
        document.rows[SMUGGLED] = source.rows[SMUGGLED]

    return edit


@pytest.mark.parametrize("maker", [foreign, ours])
def test_a_safe_file_with_sign_in_links_is_refused(studio, tmp_path, maker) -> None:
    assert User.objects.exists() and Document(studio.complete).rows[SMUGGLED]
    file = maker(studio.safe, tmp_path / "f.json", _smuggle(studio.complete))
    plan = plan_as(file, accept_foreign=True)
    assert codes(plan)["restore.section_scope"] == "error"
    assert [f.table for f in plan.findings if f.code == "restore.section_scope"] == [TABLE]
    before = rows_of_database()
    assert refusal(file, accept_foreign=True) == "restore.section_scope"
    assert changed_tables(before, rows_of_database()) == {}


def test_without_the_rule_they_come(studio, tmp_path, monkeypatch) -> None:
    """The twin of the test above."""
    monkeypatch.setattr(matching, "_is_in_scope", lambda section, scope: True)
    file = foreign(studio.safe, tmp_path / "f.json", _smuggle(studio.complete))
    PasswordResetToken.objects.all().delete()
    assert refusal(file, accept_foreign=True) == ""
    assert PasswordResetToken.objects.exists()


@pytest.mark.parametrize("table", ["pg_authid", "backups_auditevent", "studio_client"])
def test_a_section_under_the_name_of_another_table_is_refused(studio, tmp_path, table) -> None:
    def rename(document: Document) -> None:
        document.section("users")["table"] = table
        if table == "studio_client":
            document.section("clients")["table"] = "studio_once"

    plan = plan_as(foreign(studio.safe, tmp_path / "f.json", rename), accept_foreign=True)
    assert codes(plan)["restore.section_table"] == "error"


def test_a_table_may_have_had_another_name(studio, tmp_path) -> None:
    def rename(document: Document) -> None:
        document.section("clients")["table"] = "studio_once"

    plan = plan_as(ours(studio.safe, tmp_path / "f.json", rename))
    assert "restore.section_table" not in codes(plan)


def test_without_the_look_at_names_it_passes(studio, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(matching, "_may_be_called", lambda *_: True)

    def rename(document: Document) -> None:
        document.section("users")["table"] = "pg_authid"

    plan = plan_as(foreign(studio.safe, tmp_path / "f.json", rename), accept_foreign=True)
    assert not any(finding.blocking for finding in plan.findings)
