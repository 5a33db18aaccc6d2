"""What a plan finds in a file, and that it neither writes anything nor lets a blocked file through."""

import time
from collections import namedtuple

import pytest
from django.db import connection
from psycopg2 import sql

from backups.registry import registry
from backups.registry.checks import fields_of
from restore.database import questions, redacted
from restore.database.transaction import RestoreTransaction
from restore.plan import Plan
from restore.services.planning import files as file_plan
from restore.services.planning.scanning import SectionScan
from tests.restore.damage import Damage
from tests.restore.forging import Document, encoded, foreign, ours
from tests.restore.steps import codes, plan_as, refusal, restore_as
from tests.restore.tables import changed_tables, rows_of_database

MAKERS = {"foreign": foreign, "ours": ours}


def found(plan: Plan) -> dict[tuple[str, str], tuple[str, int]]:
    """Severity and count by code and table; every finding says something and helps."""
    assert all(f.message.endswith(".") and f.hint.endswith(".") for f in plan.findings)
    return {(f.code, f.table): (str(f.severity), f.count) for f in plan.findings}


# Faults in rows


def spoil_rows(document: Document) -> None:
    for column in document.section("contractors")["columns"]:
        if column["name"] == "business_name":
            column["type"] = "character varying(60)"
    document.change_first("contractors", business_name="x" * 61)
    document.change_first("projects", name=None)
    document.change_first("clients", org_id="nowhere")
    document.rows["tags"].append(document.rows["tags"][0])
    document.change("organizations", lambda row: row.update(slug="the same"))
    mention = document.read("chatMentions")[0]
    document.rows["chatMentions"].append(encoded(mention | {"id": "zz"}))
    document.change("rooms", lambda row: row.update(status="MELTED"))


FAULTS = {
    ("restore.too_long", "studio_contractor"): ("error", 1),
    ("restore.null", "studio_project"): ("error", 1),
    ("restore.reference", "studio_client"): ("error", 1),
    ("restore.duplicate", "studio_tag"): ("error", 1),
    ("restore.duplicate", "studio_organization"): ("error", 1),
    ("restore.duplicate", "studio_chatmention"): ("error", 1),
    ("restore.choice_unknown", "studio_room"): ("warning", 72),
}


@pytest.mark.parametrize(
    ("maker", "scope"),
    [
        ("foreign", "safe"),
        ("ours", "complete"),
        pytest.param("foreign", "complete", marks=pytest.mark.battery),
        pytest.param("ours", "safe", marks=pytest.mark.battery),
    ],
)
def test_each_fault_of_a_row_is_found(studio, changing_schema, tmp_path, maker, scope) -> None:
    _shorten_a_column()
    file = MAKERS[maker](getattr(studio, scope), tmp_path / "f.json", spoil_rows)
    plan = plan_as(file, accept_foreign=True)
    errors = {k: v for k, v in found(plan).items() if v[0] == "error"} | {
        k: v for k, v in found(plan).items() if k in FAULTS
    }
    expected = dict(FAULTS)
    if maker == "ours":
        # Of a backup that was made here, the row comes back and the key is put back NOT VALID.
        expected["restore.reference", "studio_client"] = ("warning", 1)
    assert errors == expected
    before = rows_of_database()
    assert refusal(file, accept_foreign=True) in {code for code, _ in FAULTS}
    assert changed_tables(before, rows_of_database()) == {}


def _shorten_a_column() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE studio_contractor ALTER business_name TYPE varchar(60)")


def test_a_value_of_another_form_is_found_once(studio, tmp_path) -> None:
    """And not again at everything that points to the table."""
    file = foreign(
        studio.safe, tmp_path / "f.json", lambda d: d.change_first("users", created_at="someday")
    )
    plan = plan_as(file, accept_foreign=True)
    errors = [f for f in plan.findings if f.blocking and f.code != "restore.no_owner"]
    assert [(f.code, f.table) for f in errors] == [("restore.malformed", "studio_user")]
    assert "someday" not in str(plan.as_dict())
    assert refusal(file, accept_foreign=True)


Twin = namedtuple("Twin", "owner name stand_in code")
TWINS = [
    Twin(SectionScan, "_examine", lambda *a: None, "restore.null"),
    Twin(questions, "dangling", lambda *a: 0, "restore.reference"),
    Twin(questions, "repeated", lambda *a: 0, "restore.duplicate"),
]


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.name)
def test_what_a_plan_without_a_guard_lets_through_the_database_refuses(
    studio, tmp_path, monkeypatch, twin
) -> None:
    def spoil(document: Document) -> None:
        if twin.code == "restore.null":
            document.change_first("projects", name=None)
        elif twin.code == "restore.reference":
            document.change_first("comments", author_id="nobody")
        else:
            document.rows["commentLikes"].append(document.rows["commentLikes"][0])

    file = foreign(studio.safe, tmp_path / "f.json", spoil)
    assert twin.code in codes(plan_as(file, accept_foreign=True))
    monkeypatch.setattr(twin.owner, twin.name, twin.stand_in)
    # The index that is tried on the waiting rows would still tell.
    monkeypatch.setattr(questions, "try_index", lambda *a: None)
    assert twin.code not in codes(plan_as(file, accept_foreign=True))
    before = rows_of_database()
    assert refusal(file, accept_foreign=True) == twin.code
    assert changed_tables(before, rows_of_database()) == {}


# Differences of the schema


def spoil_schema(document: Document) -> None:
    document.head["sections"].append(
        {
            "key": "wallpapers",
            "table": "studio_wallpaper",
            "primary_key": ["id"],
            "columns": [{"name": "id", "type": "text", "encoding": "native"}],
            "redacted": [],
            "generated": [],
        }
    )
    document.rows["wallpapers"] = [encoded({"id": "1"})]
    document.add_column("clients", "shoe_size", "integer", 42)
    document.drop_column("projects", "name")
    for column in document.section("rooms")["columns"]:
        if column["name"] == "order":
            column["type"] = "text"
    document.change("rooms", lambda row: row.update(order=str(row["order"])))
    document.section("tags")["primary_key"] = ["name"]


def test_each_difference_of_the_schema_is_found(studio, tmp_path) -> None:
    file = foreign(studio.complete, tmp_path / "f.json", spoil_schema)
    all_found = found(plan_as(file, accept_foreign=True))
    expected = {
        ("restore.unknown_section", "studio_wallpaper"): ("error", 1),
        ("restore.column_gone", "studio_client"): ("warning", 1),
        ("restore.column_missing", "studio_project"): ("error", 1),
        ("restore.column_type", "studio_room"): ("error", 1),
        ("restore.primary_key", "studio_tag"): ("error", 1),
    }
    assert expected.items() <= all_found.items()
    before = rows_of_database()
    assert refusal(file, accept_foreign=True) in {code for code, _ in expected}
    assert changed_tables(before, rows_of_database()) == {}


def test_a_section_that_is_left_out_leaves_no_reference_to_it(studio, tmp_path) -> None:
    file = foreign(studio.complete, tmp_path / "f.json", lambda d: d.remove_section("rooms"))
    plan = plan_as(file, accept_foreign=True)
    assert found(plan)["restore.reference", "studio_stage"] == ("error", 432)
    rooms = next(t for t in plan.tables if t.table == "studio_room")
    assert (str(rooms.fate), rooms.after, rooms.lost) == ("emptied", 0, 72)


# The surroundings


def test_a_full_disk_is_found_before_it_is_full(studio, monkeypatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(file_plan.shutil, "disk_usage", lambda path: usage(10, 9, 1))
    assert codes(plan_as(studio.safe))["restore.disk_space"] == "error"
    assert refusal(studio.safe) == "restore.disk_space"


def test_planning_writes_nothing_and_leaves_nothing(studio) -> None:
    before = _everything_written()
    plan_as(studio.complete)
    plan_as(studio.safe)
    assert _everything_written() == before
    assert _temporary_tables() == 0


def _everything_written() -> dict[str, int]:
    """Rows written ever, by table, once sessions that have ended have said all that they wrote."""
    last, now = None, _told_so_far()
    while now != last:
        time.sleep(1.1)  # a session tells at most once a second
        last, now = now, _told_so_far()
    return now


def _told_so_far() -> dict[str, int]:
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables")
        return dict(cursor.fetchall())


def _temporary_tables() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relpersistence = 't'")
        return cursor.fetchone()[0]


# Between the plan and the restore


def test_other_losses_than_the_confirmed_ones_stop_the_restore(studio) -> None:
    plan = plan_as(studio.safe)
    Damage(5).clone(_model("studio_client"))
    before = rows_of_database()
    assert refusal(studio.safe, confirmed=plan) == "restore.plan_changed"
    assert changed_tables(before, rows_of_database()) == {}


def test_a_change_that_loses_no_more_does_not_stop_it(studio) -> None:
    """What is missing now comes back whether it went before the plan or after it."""
    plan = plan_as(studio.complete)
    sent = _model("studio_notificationsend").objects
    key = sent.values_list("pk", flat=True)[0]
    sent.filter(pk=key).delete()
    assert refusal(studio.complete, confirmed=plan) == ""
    assert sent.filter(pk=key).exists()


def _model(table: str):
    return registry.by_table()[table].model


def _one_less_kept(monkeypatch) -> None:
    insert = redacted.insert_filled
    monkeypatch.setattr(
        redacted, "insert_filled", lambda *a: tuple(n - i for i, n in enumerate(insert(*a)))
    )


def _one_more_removed(monkeypatch) -> None:
    remove = RestoreTransaction.remove_followers

    def remove_and_miscount(self, key):
        removed = remove(self, key)
        return removed + (removed > 0)

    monkeypatch.setattr(RestoreTransaction, "remove_followers", remove_and_miscount)


def _one_row_too_few(monkeypatch) -> None:
    attach = RestoreTransaction.attach
    lost = "DELETE FROM studio_notificationsend WHERE id = (SELECT min(id) FROM studio_notificationsend)"

    def lose_a_row(self, lenient):
        self._execute(sql.SQL(lost))
        return attach(self, lenient)

    monkeypatch.setattr(RestoreTransaction, "attach", lose_a_row)


@pytest.mark.parametrize(
    "sabotage",
    [
        _one_less_kept,
        pytest.param(_one_more_removed, marks=pytest.mark.battery),
        pytest.param(_one_row_too_few, marks=pytest.mark.battery),
    ],
)
def test_an_outcome_that_is_not_the_planned_one_is_undone(
    damaged_studio, damaged, monkeypatch, sabotage
) -> None:
    sabotage(monkeypatch)
    assert refusal(damaged_studio.safe) == "restore.not_as_planned"
    assert changed_tables(damaged, rows_of_database()) == {}


# What was revoked


@pytest.mark.parametrize("scope", [pytest.param("safe", marks=pytest.mark.battery), "complete"])
def test_what_is_revoked_now_stays_so_where_that_was_chosen(studio, scope) -> None:
    revoked = _revoke_one_of_each(scope)
    assert len(revoked) == {"safe": 1, "complete": 4}[scope]
    file = getattr(studio, scope)
    assert _revoked_in(plan_as(file)) == {}
    assert _revoked_in(plan_as(file, keep_revoked=True)) == dict.fromkeys(revoked, 1)
    restore_as(file, keep_revoked=True)
    after = rows_of_database()
    touched = {
        (table, column)
        for table, rows in after.items()
        for key, row in rows.items()
        for column in row
        if studio.rows[table][key][column] != row[column]
    }
    assert touched == {(table, column) for table, columns in revoked.items() for column in columns}
    restore_as(file)
    assert changed_tables(studio.rows, rows_of_database()) == {}


def _revoke_one_of_each(scope: str) -> dict[str, list[str]]:
    """One row of each table that can be revoked is revoked now. Returns the columns by table."""
    done = {}
    for section in registry.sections:
        if not section.revoked or scope not in {s.value for s in section.scopes}:
            continue
        fields = {
            name: fields_of(section.model)[name].to_python(value.title())
            for name, value in section.revoked.items()
        }
        row = section.model.objects.exclude(**fields).order_by("pk").first()
        assert row is not None, section.key
        section.model.objects.filter(pk=row.pk).update(**fields)
        done[section.table] = list(fields)
    return done


def _revoked_in(plan: Plan) -> dict[str, int]:
    return {table.table: table.revoked for table in plan.tables if table.revoked}
