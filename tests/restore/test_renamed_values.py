"""A label renamed or a partition dropped since: the plan says it, and a declared step maps values."""

import pytest

from backups.registry import RenamedValue, registry
from restore.services.planning import drift
from restore.services.planning.examining import _Examination
from restore.services.planning.scanning import with_elements
from tests.restore.steps import codes, plan_as, refusal, restore_as
from tests.restore.tables import changed_tables, rows_of_database
from tests.roundtrip.engine import back_up, stored, writing
from tests.zoo import rows

pytestmark = pytest.mark.usefixtures("changing_schema")


def _sql(*statements: str) -> None:
    with writing() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _one(query: str) -> object:
    with writing() as cursor:
        cursor.execute(query)
        return (cursor.fetchone() or (None,))[0]


@pytest.fixture
def older(studio):
    """A backup of when the states of a room, and the marks of each, were labels of an enum."""
    labels = _one("SELECT string_agg(DISTINCT quote_literal(status), ', ') FROM studio_room")
    _sql(
        f"CREATE TYPE room_status AS ENUM ({labels})",
        "ALTER TABLE studio_room ALTER status DROP DEFAULT",
        "ALTER TABLE studio_room ALTER status TYPE room_status USING status::text::room_status",
    )
    return stored(back_up())


@pytest.fixture
def label(older) -> str:
    """What a room's state was called then; today it is called otherwise."""
    found = str(_one("SELECT min(status::text) FROM studio_room"))
    _sql(f"ALTER TYPE room_status RENAME VALUE '{found}' TO 'it''s \"new\"'")
    return found


def _declare(monkeypatch, *steps: tuple[str, str]) -> None:
    moves = [RenamedValue("rooms", "status", old, new, "2.0") for old, new in steps]
    monkeypatch.setattr(registry, "_moves", moves)


def test_the_plan_says_that_a_label_is_not_there_any_more(older, label: str) -> None:
    before = rows_of_database()
    assert codes(plan_as(older)).get("restore.malformed") == "error"
    assert refusal(older) == "restore.malformed"
    assert not changed_tables(before, rows_of_database())


def test_a_declared_step_puts_in_what_it_is_called_today(older, label: str, monkeypatch) -> None:
    before = rows_of_database()
    of_it = _one("SELECT count(*) FROM studio_room WHERE status::text = 'it''s \"new\"'")
    _declare(monkeypatch, (label, "meanwhile"), ("meanwhile", 'it\'s "new"'))
    plan = plan_as(older)
    assert not plan.blocking
    (said,) = (s for s in plan.schema if s.startswith("studio_room.status"))
    assert f"{of_it:,} row" in said and label in said and 'it\'s "new"' in said
    assert all(table.changed == 0 for table in plan.tables)
    restore_as(older, confirmed=plan)
    assert not changed_tables(before, rows_of_database())


def test_a_step_that_no_row_needs_changes_nothing_and_is_not_said(older, monkeypatch) -> None:
    _declare(monkeypatch, ("never there", "neither"))
    before = rows_of_database()
    plan = plan_as(older)
    assert not [s for s in plan.schema if "status" in s]
    restore_as(older, confirmed=plan)
    assert not changed_tables(before, rows_of_database())


def test_steps_follow_one_another_and_may_lead_back() -> None:
    rooms = registry.by_key()["rooms"]

    def today(*steps: tuple[str, str]) -> dict[str, str]:
        moves = [RenamedValue("rooms", "status", *step, "2.0") for step in steps]
        return drift.renamed_values(rooms, "status", moves)

    assert today(("a", "b"), ("b", "c")) == {"a": "c", "b": "c"}
    assert today(("a", "b"), ("b", "a")) == {"b": "a"}
    assert (
        drift.renamed_values(rooms, "name", [RenamedValue("rooms", "status", "a", "b", "2")]) == {}
    )


@pytest.mark.parametrize(
    ("cell", "now"),
    [
        ("{}", "{}"),
        ("{a,aa,NULL}", '{"b c",aa,NULL}'),
        ('{{"a"},{"x,a"}}', '{{"b c"},{"x,a"}}'),
        (r'{"\"a",a}', r'{"\"a","b c"}'),
        ("[0:1]={a,x}", '[0:1]={"b c",x}'),
    ],
)
def test_of_an_array_each_element_is_renamed(cell: str, now: str) -> None:
    assert with_elements(cell, {"a": "b c", "NULL": "never"})[0] == now


@pytest.fixture
def dropped(studio):
    """A backup of readings whose newer partition is dropped since."""
    with writing() as cursor:
        rows.fill(cursor)
    path = stored(back_up())
    assert _one("SELECT count(*) FROM zoo_reading_new")
    _sql("DROP TABLE zoo_reading_new")
    return path


def test_the_plan_says_that_rows_fit_no_partition(dropped) -> None:
    before = rows_of_database()
    plan = plan_as(dropped)
    (found,) = (f for f in plan.findings if f.code == "restore.no_partition")
    assert found.blocking and found.table == "zoo_reading" and "row 4" in found.message
    assert refusal(dropped) == "restore.no_partition"
    assert not changed_tables(before, rows_of_database())
    _sql("CREATE TABLE zoo_reading_new PARTITION OF zoo_reading DEFAULT")
    assert not plan_as(dropped).blocking
    # Of one without others the server knows no condition, here and for a key of it.
    _sql(
        "DROP TABLE zoo_reading_old",
        "ALTER TABLE zoo_reading_new ADD FOREIGN KEY (year, number) REFERENCES zoo_reading",
    )
    restore_as(dropped)


def test_without_that_the_day_would_end_in_a_refusal(dropped, monkeypatch) -> None:
    """The twin: nothing is said, and the database refuses the row."""
    monkeypatch.setattr(_Examination, "_partition", lambda *given: None)
    assert not plan_as(dropped).blocking
    assert refusal(dropped) == "restore.check"
