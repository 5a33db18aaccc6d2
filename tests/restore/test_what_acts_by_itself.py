"""Triggers, rules and materialised views around what a restore writes: none acts, and all are as before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backupsvc.studio.models import RoomFFEInstance, RoomFFESection
from restore.database import aftermath, catalogue
from restore.services.applying import problems
from tests.restore.breaking import as_administrator
from tests.restore.copies import Moment, become, moment
from tests.restore.steps import plan_as, refusal, restore_as
from tests.roundtrip.dump import differences, dump_data, dump_schema
from tests.roundtrip.engine import back_up, stored, writing
from tests.zoo import rows

pytestmark = pytest.mark.usefixtures("changing_schema")
SECTIONS, INSTANCES = RoomFFESection._meta.db_table, RoomFFEInstance._meta.db_table
PARTITIONS = ("zoo_reading_old", "zoo_reading_new", "zoo_reading")


@pytest.fixture(scope="module")
def filled(prepared, django_db_blocker, tmp_path_factory) -> Iterator[tuple[Moment, Path]]:
    """A studio with animals, and its backup; the readings are partitioned by year."""
    with django_db_blocker.unblock():
        become("seeded")
        with writing() as cursor:
            rows.fill(cursor)
            for table in PARTITIONS[:2]:
                cursor.execute(f"SELECT count(*) FROM {table}")
                assert cursor.fetchone() != (0,)
        file = stored(back_up())
        with moment("filled", tmp_path_factory.mktemp("filled") / "backups") as there:
            yield there, file


@pytest.fixture
def zoo(transactional_db, filled) -> Path:
    """The backup; the database is that of which it was made."""
    there, file = filled
    there.come_back()
    return file


def _sql(*statements: str) -> None:
    with writing() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _refusing(name: str, table: str, state: str) -> tuple[str, str]:
    """A trigger that refuses each row, so that nobody overlooks whether it acts."""
    return (
        f"CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION zoo_refuse()",
        f"ALTER TABLE {table} {state} TRIGGER {name}",
    )


STATES = {
    "origin": "ENABLE",
    "always": "ENABLE ALWAYS",
    "replica": "ENABLE REPLICA",
    "off": "DISABLE",
}


@pytest.mark.parametrize("table", PARTITIONS)
def test_a_trigger_acts_on_no_row_and_keeps_its_state(zoo, table: str) -> None:
    for name, state in STATES.items():
        _sql(*_refusing(name, table, state))
    data, schema = dump_data(), dump_schema()
    restore_as(zoo)
    assert differences(data, dump_data()) == []
    assert dump_schema() == schema


def test_a_trigger_of_all_partitions_may_stand_otherwise_on_one(zoo) -> None:
    _sql(
        *_refusing("on_all", "zoo_reading", "ENABLE"),
        "ALTER TABLE zoo_reading_old DISABLE TRIGGER on_all",
        "ALTER TABLE zoo_reading_new ENABLE ALWAYS TRIGGER on_all",
    )
    schema = dump_schema()
    restore_as(zoo)
    assert dump_schema() == schema


def test_a_rule_of_a_partition_keeps_its_state(zoo) -> None:
    for table in PARTITIONS:
        _sql(f"CREATE RULE none AS ON INSERT TO {table} DO INSTEAD NOTHING")
    _sql(
        "ALTER TABLE zoo_reading_old ENABLE ALWAYS RULE none",
        "ALTER TABLE zoo_reading_new DISABLE RULE none",
    )
    data, schema = dump_data(), dump_schema()
    restore_as(zoo)
    assert differences(data, dump_data()) == []
    assert dump_schema() == schema


def test_of_a_trigger_that_was_not_silenced_the_restore_would_end(zoo, monkeypatch) -> None:
    """The twin: were partitions not looked at, the trigger would refuse the rows."""
    _sql(*_refusing("on_one", "zoo_reading_old", "ENABLE"))
    every = catalogue.switches
    monkeypatch.setattr(
        "restore.database.detaching.switches",
        lambda *given: [s for s in every(*given) if s.table != "zoo_reading_old"],
    )
    assert refusal(zoo) != ""


def _published_without_identity() -> None:
    """Rows outside the file that lead nowhere, so that they go; nobody may remove any from their table."""
    as_administrator(
        "SET session_replication_role = replica",
        f"DELETE FROM {INSTANCES} WHERE id = (SELECT min(instance_id) FROM {SECTIONS})",
        "SET session_replication_role = origin",
    )
    _sql(
        f"CREATE PUBLICATION others FOR TABLE {SECTIONS}, studio_user",
        f"ALTER TABLE {SECTIONS} REPLICA IDENTITY NOTHING",
        "ALTER TABLE studio_user REPLICA IDENTITY NOTHING",
    )


def test_rows_of_a_published_table_that_nothing_tells_apart_may_go(studio) -> None:
    _published_without_identity()
    schema = dump_schema()
    plan = plan_as(studio.safe)
    assert not plan.blocking
    assert next(t for t in plan.tables if t.table == SECTIONS).removed > 0
    restore_as(studio.safe, confirmed=plan)
    assert dump_schema() == schema


def test_without_another_identity_the_database_would_refuse(studio, monkeypatch) -> None:
    monkeypatch.setattr("restore.database.detaching.without_identity", lambda *_given: [])
    _published_without_identity()
    assert refusal(studio.safe) == "database.error"


@pytest.fixture
def views(zoo):
    """``second`` reads ``first`` through a view, and is older; ``third`` lies in another schema and reads
    ``second`` through a function; one was never filled; one cannot be."""
    count = "SELECT count(*) AS n FROM zoo_serial"
    _sql(
        f"CREATE MATERIALIZED VIEW first AS {count}",
        "CREATE VIEW between AS SELECT n FROM first",
        f"CREATE MATERIALIZED VIEW second AS {count}",
        "CREATE SCHEMA elsewhere",
        "CREATE FUNCTION elsewhere.counted() RETURNS bigint LANGUAGE sql"
        " BEGIN ATOMIC SELECT n FROM public.second; END",
        f"CREATE MATERIALIZED VIEW elsewhere.third AS {count}",
        f"CREATE MATERIALIZED VIEW unfilled AS {count} WITH NO DATA",
        "CREATE MATERIALIZED VIEW broken AS SELECT 1 / (count(*) - 1) AS n FROM zoo_serial",
    )
    yield zoo
    _sql("DROP SCHEMA elsewhere CASCADE")


def _older_reads_newer() -> None:
    """What a dump or a replaced view brings about: the order of making is not that of reading."""
    _sql(
        "DROP MATERIALIZED VIEW elsewhere.third, second CASCADE",
        "CREATE MATERIALIZED VIEW second AS SELECT n FROM between",
        "CREATE FUNCTION elsewhere.counted() RETURNS bigint LANGUAGE sql"
        " BEGIN ATOMIC SELECT n FROM public.second; END",
        "CREATE MATERIALIZED VIEW elsewhere.third AS SELECT elsewhere.counted() AS n",
        "CREATE MATERIALIZED VIEW last AS SELECT count(*) AS n FROM zoo_serial",
        "CREATE OR REPLACE VIEW between AS SELECT n FROM last",
    )


def test_views_are_refreshed_in_the_order_in_which_they_read_one_another(views) -> None:
    _older_reads_newer()
    _sql("DELETE FROM zoo_serial")
    _sql("REFRESH MATERIALIZED VIEW last", "REFRESH MATERIALIZED VIEW second")
    _sql("REFRESH MATERIALIZED VIEW elsewhere.third")
    run = restore_as(views)
    report = run.report["aftermath"]
    order = [name for name in report["views_refreshed"] if name not in ("first", "broken")]
    assert order == ["last", "second", "elsewhere.third"]
    with writing() as cursor:
        cursor.execute(
            "SELECT count(*), (SELECT n FROM last), (SELECT n FROM second),"
            " (SELECT n FROM elsewhere.third) FROM zoo_serial"
        )
        assert len(set(cursor.fetchone() or ())) == 1
        cursor.execute("SELECT relispopulated FROM pg_class WHERE relname = 'unfilled'")
        assert cursor.fetchone() == (False,)


def test_a_view_that_cannot_be_refreshed_is_named_and_the_others_are_refreshed(
    views, monkeypatch
) -> None:
    _sql("DROP MATERIALIZED VIEW broken")
    _sql(
        "CREATE MATERIALIZED VIEW broken AS SELECT 1 / n AS n FROM (VALUES (1)) AS v(n)",
        'ALTER MATERIALIZED VIEW broken RENAME TO "can\'t"',
    )
    query = aftermath._MATERIALIZED.replace("n.nspname, c.relname", "'nowhere', c.relname", 1)
    monkeypatch.setattr(
        aftermath, "_MATERIALIZED", f"({query}) UNION ALL ({aftermath._MATERIALIZED})"
    )
    run = restore_as(views)
    said = problems.of_report(run.report)
    assert len(said) == len(run.report["aftermath"]["views_refreshed"]) == 4
    assert any("can't" in sentence for sentence in said)
