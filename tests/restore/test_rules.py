"""Rules that a table has beyond those of its models: CHECK constraints, unique expressions, partial ones."""

import pytest
from django.db import connection

from backups.registry import COMPLETE
from backupsvc.studio.models import Project
from restore.database import questions
from tests.restore.forging import Document, encoded, foreign, ours
from tests.restore.steps import codes, plan_as, refusal, restore_as
from tests.restore.tables import changed_tables, rows_of_database
from tests.roundtrip.engine import back_up, stored

RULES = (
    "ALTER TABLE studio_contractor ADD CONSTRAINT no_bananas CHECK (business_name <> 'Banana')",
    "CREATE UNIQUE INDEX ON studio_organization (lower(slug))",
    "CREATE UNIQUE INDEX ON studio_project (lower(name)) WHERE name ILIKE 'only%'",
)


@pytest.fixture
def stricter(studio, changing_schema):
    with connection.cursor() as cursor:
        for rule in RULES:
            cursor.execute(rule)
    return studio


def break_a_check(document: Document) -> None:
    document.change_first("contractors", business_name="Banana")


def repeat_an_expression(document: Document) -> None:
    again = document.read("organizations")[0]
    another = again | {"id": "another", "slug": again["slug"].upper()}
    document.rows["organizations"].append(encoded(another))


def repeat_a_conditional(document: Document) -> None:
    first, second = document.read("projects")[:2]
    document.change(
        "projects",
        lambda row: row.update(
            name={first["id"]: "Only one", second["id"]: "ONLY ONE"}.get(row["id"], row["name"])
        ),
    )


BREAKS = {
    "check": (break_a_check, "restore.check", "broken"),
    "expression": (repeat_an_expression, "restore.duplicate", "repeated"),
    "condition": (repeat_a_conditional, "restore.duplicate", "repeated"),
}


@pytest.mark.parametrize("maker", [ours, foreign], ids=["ours", "foreign"])
def test_each_broken_rule_is_in_the_plan(stricter, tmp_path, maker) -> None:
    def spoil(document: Document) -> None:
        break_a_check(document)
        repeat_an_expression(document)

    plan = plan_as(maker(stricter.complete, tmp_path / "f.json", spoil), accept_foreign=True)
    found = {(f.code, f.table, f.count, f.blocking) for f in plan.findings}
    assert {
        # Rows of a backup that was made here come back whatever rule they break.
        ("restore.check", "studio_contractor", 1, maker is foreign),
        ("restore.duplicate", "studio_organization", 1, True),
    } <= found
    told = " ".join(f.message for f in plan.findings)
    assert "no_bananas" in told and "row 1" in told and "Banana" not in told


def test_a_partial_index_is_asked_of_its_rows_alone(stricter) -> None:
    Project.objects.update(name="The same")
    file = stored(back_up(COMPLETE))
    plan = plan_as(file)
    assert not plan.blocking
    restore_as(file, confirmed=plan)


@pytest.mark.parametrize(
    "what", ["check", "condition", pytest.param("expression", marks=pytest.mark.battery)]
)
def test_what_the_plan_does_not_ask_the_database_refuses(
    stricter, tmp_path, monkeypatch, what
) -> None:
    spoil, code, question = BREAKS[what]
    file = foreign(stricter.complete, tmp_path / "f.json", spoil)
    assert code in codes(plan_as(file, accept_foreign=True))
    monkeypatch.setattr(questions, question, lambda *a: 0)
    # What no question finds, the trial of the index on the waiting rows still would.
    monkeypatch.setattr(questions, "try_index", lambda *a: None)
    assert code not in codes(plan_as(file, accept_foreign=True))
    before = rows_of_database()
    assert refusal(file, accept_foreign=True) == code
    assert changed_tables(before, rows_of_database()) == {}
