"""Many small questions are asked in one statement; what is said of a rule is as if each stood alone."""

import random
from contextlib import closing

from django.db import connection

from backups.database import introspection
from backups.database.connection import connect
from restore.database import rules, side_by_side, waiting_tables
from restore.services.planning import sieving
from tests.faults.statements import Statements
from tests.restore.forging import foreign, ours
from tests.restore.steps import codes, plan_as

RULES = (
    "ALTER TABLE studio_contractor ADD CONSTRAINT fails CHECK (1 / (length(business_name) - 6) < 2)",
    "ALTER TABLE studio_contractor ADD CONSTRAINT no_bananas CHECK (business_name <> 'Banana')",
    "ALTER TABLE studio_tag ADD CONSTRAINT no_names CHECK (length(name) < 2) NOT VALID",
)


def test_a_plan_asks_many_tables_at_once(studio, monkeypatch) -> None:
    statements = Statements(monkeypatch)
    plan = plan_as(studio.complete)
    # A table has a dozen rules, and its rows to be compared with those of now.
    assert len(statements.log) < 4 * len(plan.tables)


def test_a_question_that_fails_takes_no_other_along(studio, changing_schema, tmp_path) -> None:
    with connection.cursor() as cursor:
        for rule in RULES:
            cursor.execute(rule)
    file = ours(
        studio.complete,
        tmp_path / "f.json",
        lambda document: document.change_first("contractors", business_name="Banana"),
    )
    plan = plan_as(file)
    assert {(f.code, f.table) for f in plan.findings} >= {
        ("restore.rule_unasked", "studio_contractor"),
        ("restore.check", "studio_contractor"),
        ("restore.check", "studio_tag"),
    }
    told = " ".join(finding.message for finding in plan.findings)
    assert all(name in told for name in ("fails", "no_bananas", "no_names"))


def test_a_value_too_wide_for_an_index_is_found_without_building_all(
    studio, tmp_path, monkeypatch
) -> None:
    wide = "".join(random.Random(1).choices("0123456789abcdefghij", k=20_000))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE studio_tag ALTER COLUMN name TYPE text")
        cursor.execute("CREATE INDEX by_name ON studio_tag (name)")
    file = foreign(
        studio.complete,
        tmp_path / "f.json",
        lambda document: document.change_first("tags", name=wide),
    )
    assert codes(plan_as(file, accept_foreign=True))["restore.too_large"] == "error"
    # Where a row finds no room in a waiting table for narrow ones, it waits in another.
    monkeypatch.setattr(waiting_tables, "_NARROW_BYTES", 10**6)
    assert codes(plan_as(file, accept_foreign=True))["restore.too_large"] == "error"
    # Without a look at the width of entries, an index of that kind would be taken to hold anything.
    monkeypatch.setattr(sieving, "_SHARE_OF_A_PAGE", 0.001)
    assert "restore.too_large" not in codes(plan_as(file, accept_foreign=True))


def test_rows_that_cannot_be_put_side_by_side_are_compared_apart(
    damaged_studio, monkeypatch
) -> None:
    known = plan_as(damaged_studio.complete)
    assert any(table.changed and table.dropped and table.added for table in known.tables)

    def impossible(*_):
        return []

    monkeypatch.setattr(side_by_side, "compare_if_possible", impossible)
    assert plan_as(damaged_studio.complete).tables == known.tables


INDEXES = {
    "plain (a)": True,
    "of_two (a, n)": True,
    'sorted_otherwise (a COLLATE "C")': True,
    "by_pattern (a text_pattern_ops)": True,
    "an_expression (lower(a))": False,
    "partial (a) WHERE n > 1": False,
    "with_more (n) INCLUDE (a)": False,
    "of_elements (many)": False,
}
UNIQUE = {
    "unique_one (a)": True,
    'unique_otherwise (a COLLATE "C")': False,
    "unique_pattern (a text_pattern_ops)": False,
}


def test_only_indexes_that_take_any_narrow_value_are_sure(studio, changing_schema) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE thing (a text, n integer, many text[])")
        for index in INDEXES:
            cursor.execute("CREATE INDEX {} ON thing {}".format(*index.split(" ", 1)))
        for index in UNIQUE:
            cursor.execute("CREATE UNIQUE INDEX {} ON thing {}".format(*index.split(" ", 1)))
        cursor.execute("CREATE INDEX hashed ON thing USING hash (n)")
    with closing(connect(purpose="look")) as session:
        table = introspection.live_tables(session)["thing"]
        sure = rules.sure_indexes(session, [table]).names
    wanted = {name.split()[0] for name, is_sure in (INDEXES | UNIQUE).items() if is_sure}
    assert sure == {("thing", name) for name in wanted}
