"""Rows that break a rule of a column's domain come back, and the rule is put back as it was."""

import pytest
from django.db import connection

from backups.registry import COMPLETE, SAFE
from backupsvc.studio.models import Asset, ClientAccessToken, Contractor
from restore.database import detaching, domains, waiting_tables
from tests.restore.forging import foreign
from tests.restore.steps import codes, plan_as, refusal, restore_as
from tests.restore.tables import changed_tables, rows_of_database
from tests.restore.test_rows_that_break_rules import execute
from tests.roundtrip.dump import differences, dump_data, dump_schema
from tests.roundtrip.engine import back_up, document, stored

pytestmark = pytest.mark.usefixtures("changing_schema")

SECRET = "1234506789"
DOMAIN = (
    "CREATE DOMAIN label AS text",
    "ALTER TABLE studio_contractor ALTER COLUMN business_name TYPE label",
)


def rules() -> dict[str, tuple[str, bool, str | None]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid), convalidated,"
            " obj_description(oid, 'pg_constraint') FROM pg_constraint"
            " WHERE contypid = 'label'::regtype AND contype = 'c'"
        )
        return {name: tuple(facts) for name, *facts in cursor.fetchall()}


def test_a_rule_of_a_domain_that_was_never_validated_comes_back_as_it_was(studio) -> None:
    execute(
        *DOMAIN,
        "ALTER DOMAIN label ADD CONSTRAINT short CHECK (VALUE = '') NOT VALID",
        "COMMENT ON CONSTRAINT short ON DOMAIN label IS 'none is'",
    )
    before, rows = rules(), rows_of_database()
    run = back_up(COMPLETE)
    said = [(found["rule"], found["rows"]) for found in run.statistics["rules_broken"]]
    assert ("short", Contractor.objects.count()) in said
    plan = plan_as(stored(run))
    assert codes(plan)["restore.check"] == "warning" and not plan.blocking
    Contractor.objects.filter(pk__in=Contractor.objects.values("pk")[:1]).delete()
    restored = restore_as(stored(run), confirmed=plan_as(stored(run)))
    assert rules() == before and changed_tables(rows, rows_of_database()) == {}
    assert restored.report["rules_left_off"] == []


def test_a_rule_of_a_domain_whose_function_answers_otherwise_today_gives_way(studio) -> None:
    execute(
        "CREATE FUNCTION fits(text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        *DOMAIN,
        "ALTER DOMAIN label ADD CONSTRAINT fitting CHECK (fits(VALUE))",
        "CREATE OR REPLACE FUNCTION fits(text) RETURNS boolean LANGUAGE sql AS 'SELECT false'",
    )
    rows = rows_of_database()
    run = restore_as(stored(back_up(COMPLETE)))
    assert changed_tables(rows, rows_of_database()) == {}
    assert run.report["rules_left_off"] == [["studio_contractor", "fitting"]]
    assert rules()["fitting"][1] is False


def null_in_a_domain() -> None:
    execute(
        *DOMAIN,
        "ALTER TABLE studio_contractor ALTER COLUMN business_name DROP NOT NULL",
        "ALTER DOMAIN label SET NOT NULL",
        "UPDATE studio_contractor SET business_name ="
        " (SELECT business_name FROM studio_contractor WHERE false)"
        " WHERE id = (SELECT min(id) FROM studio_contractor)",
    )


def test_a_null_of_a_domain_that_takes_none_comes_back(studio) -> None:
    null_in_a_domain()
    rows = rows_of_database()
    file = stored(back_up(COMPLETE))
    assert codes(plan_as(file))["restore.check"] == "warning"
    Contractor.objects.filter(pk__in=Contractor.objects.values("pk")[:1]).delete()
    restore_as(file)
    assert changed_tables(rows, rows_of_database()) == {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT typnotnull FROM pg_type WHERE oid = 'label'::regtype")
        assert cursor.fetchone() == (True,)


def test_a_composite_of_nothing_in_a_domain_is_no_null(studio) -> None:
    execute(
        "CREATE TYPE two AS (one text, other integer)",
        "CREATE DOMAIN pair AS two",
        "ALTER TABLE studio_contractor ALTER COLUMN business_name TYPE pair USING ROW(NULL, NULL)::two",
    )
    rows = rows_of_database()
    restore_as(stored(back_up(COMPLETE)))
    assert changed_tables(rows, rows_of_database()) == {}


WITHIN = {
    "a_text_array": ("label[]", """'{longer,NULL,"a\\"b"}'"""),
    "a_text": ("labels", "'{longer,x}'"),
    "a_zoo_nest": ("pair", """ROW('longer', 7, '{longer}')"""),
    "a_zoo_pair_array": ("pair[]", """ARRAY[ROW('longer', 7, NULL)::pair, NULL]"""),
    "a_int4range": ("counted", "'[1,9)'"),
}


def domains_within() -> None:
    """Columns in which the domain stands within something else, with rows that break its rule."""
    execute(
        "CREATE DOMAIN label AS text",
        "CREATE DOMAIN labels AS label[]",
        "CREATE DOMAIN tally AS integer",
        "CREATE TYPE counted AS RANGE (subtype = tally)",
        "CREATE TYPE pair AS (a label, n tally, more label[])",
        *(
            f"ALTER TABLE zoo_everytype ALTER COLUMN {column} TYPE {kind} USING NULL"
            for column, (kind, _) in WITHIN.items()
        ),
        f"INSERT INTO zoo_everytype ({', '.join(WITHIN)})"
        f" VALUES ({', '.join(value for _, value in WITHIN.values())})",
        "ALTER DOMAIN label ADD CONSTRAINT short CHECK (length(VALUE) < 3) NOT VALID",
        "ALTER DOMAIN labels ADD CONSTRAINT few CHECK (cardinality(VALUE) < 2) NOT VALID",
        "ALTER DOMAIN tally ADD CONSTRAINT low CHECK (VALUE < 5) NOT VALID",
    )


def test_rules_of_domains_within_arrays_composites_and_ranges(studio, tmp_path) -> None:
    domains_within()
    before, schema = dump_data(), dump_schema()
    run = back_up(COMPLETE)
    said = {(found["table"], found["rule"]) for found in run.statistics["rules_broken"]}
    assert said >= {("zoo_everytype", rule) for rule in ("short", "few", "low")}
    execute("DELETE FROM zoo_everytype")
    plan = plan_as(stored(run))
    assert not plan.blocking and codes(plan)["restore.check"] == "warning"
    restore_as(stored(run), confirmed=plan)
    assert differences(before, dump_data()) == [] and dump_schema() == schema
    same = plan_as(stored(run))
    assert not [t for t in same.tables if t.table == "zoo_everytype" and (t.changed or t.added)]
    others = plan_as(foreign(stored(run), tmp_path / "f.json"), accept_foreign=True)
    assert codes(others)["restore.check"] == "error"


def test_without_waiting_as_text_such_rows_could_not_even_be_planned(studio, monkeypatch) -> None:
    domains_within()
    file = stored(back_up(COMPLETE))
    monkeypatch.setattr(waiting_tables, "without_domain", lambda cell, _: cell)
    assert codes(plan_as(file))["restore.check"] == "error"


def test_a_foreign_file_must_keep_the_rules_of_domains(studio, tmp_path) -> None:
    execute(*DOMAIN, "ALTER DOMAIN label ADD CONSTRAINT short CHECK (VALUE = '') NOT VALID")
    file = foreign(stored(back_up(COMPLETE)), tmp_path / "f.json")
    assert codes(plan_as(file, accept_foreign=True))["restore.check"] == "error"


def test_without_taking_them_off_such_rows_would_be_refused(studio, monkeypatch) -> None:
    execute(*DOMAIN, "ALTER DOMAIN label ADD CONSTRAINT short CHECK (VALUE = '') NOT VALID")
    file = stored(back_up(COMPLETE))
    monkeypatch.setattr(detaching, "domain_rules", lambda *_: [])
    assert refusal(file) == "restore.check"


def test_without_a_query_that_has_no_rows_such_a_null_would_be_refused(studio, monkeypatch) -> None:
    null_in_a_domain()
    file = stored(back_up(COMPLETE))
    monkeypatch.setattr(domains, "as_own", lambda _table, _column, cell: cell)
    monkeypatch.setattr("restore.database.redacted.as_own", domains.as_own)
    assert refusal(file) == "restore.null"


def test_a_secret_in_a_domain_of_numbers_leaves_the_safe_file_one_that_can_be_restored(studio):
    execute(
        "CREATE DOMAIN amount AS integer",
        "ALTER TABLE studio_asset ALTER COLUMN size TYPE amount",
    )
    ClientAccessToken.objects.filter(pk=ClientAccessToken.objects.first().pk).update(token=SECRET)
    asset = Asset.objects.order_by("pk").first()
    Asset.objects.filter(pk=asset.pk).update(size=int(SECRET))
    rows = rows_of_database()
    run = back_up(SAFE)
    assert SECRET.encode() not in document(run)
    restore_as(stored(run))
    assert changed_tables(rows, rows_of_database()) == {}
