"""The safety backup is a parachute and not a gate: what it will ask the plan asks before, and there is always
a chosen way on, which is written down."""

import pytest
from django.db import connection

from backups.models import AuditEvent, BackupRun, Purpose, State
from backups.services import auditing
from backupsvc.studio.models import Contractor
from restore.services.applying import applying
from restore.services.asking import requests, undoing
from tests.restore.breaking import lose_a_piece, write_no_text
from tests.restore.steps import codes, plan_as, refusal, restore_as
from tests.restore.tables import changed_tables, rows_of_database

# What a Safe restore neither fills nor takes rows from.
OUTSIDE = ("studio_ffesectionlibrary", "description")

pytestmark = pytest.mark.usefixtures("changing_schema")


def first_key(model) -> str:
    return str(model.objects.order_by("pk").values_list("pk", flat=True).first())


def damage_a_contractor() -> str:
    key = first_key(Contractor)
    lose_a_piece("studio_contractor", "address", key)
    return key


def undo_of(run):
    undo = undoing.request(run, auditing.COMMAND_LINE)
    return applying.carry_out(undo, requests.stored_file(undo))


def test_a_rescue_copy_of_a_table_is_no_reason_not_to_restore(studio) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE task_rescue AS SELECT * FROM studio_task")
    plan = plan_as(studio.complete)
    assert codes(plan)["undo.uncovered"] == "warning" and not plan.blocking
    run = restore_as(studio.complete, confirmed=plan)
    assert [item["table"] for item in run.report["undo"]["lacks"]] == ["task_rescue"]
    safety = BackupRun.objects.get(pk=run.safety_backup)
    assert safety.state == State.SUCCEEDED
    assert safety.statistics["left_out"][0]["table"] == "task_rescue"
    undo_of(run)


def test_a_rescue_copy_that_loses_rows_with_the_restore_needs_a_choice(studio) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE task_rescue AS SELECT * FROM studio_task;"
            "ALTER TABLE task_rescue ADD FOREIGN KEY (project_id) REFERENCES studio_project"
        )
    assert codes(plan_as(studio.complete))["undo.uncovered"] == "error"
    assert refusal(studio.complete) == "undo.uncovered"
    assert codes(plan_as(studio.complete, partial_undo=True))["undo.uncovered"] == "warning"
    restore_as(studio.complete, partial_undo=True)


def test_a_damaged_value_is_said_in_the_plan_and_stops_the_restore(studio) -> None:
    damage_a_contractor()
    plan = plan_as(studio.complete)
    (finding,) = [f for f in plan.findings if f.code == "undo.unreadable"]
    assert finding.blocking and finding.table == "studio_contractor" and finding.count == 1
    assert refusal(studio.complete) == "undo.unreadable"
    assert not BackupRun.objects.filter(purpose=Purpose.SAFETY).exists()


def test_with_an_undo_that_lacks_the_row_the_restore_goes_on(studio) -> None:
    key = damage_a_contractor()
    plan = plan_as(studio.complete, partial_undo=True)
    assert not plan.blocking
    run = restore_as(studio.complete, partial_undo=True, confirmed=plan)
    assert changed_tables(studio.rows, rows_of_database()) == {}
    (lacks,) = run.report["undo"]["lacks"]
    assert lacks["section"] == "contractors" and lacks["rows"] == 1 and lacks["keys"] == [[key]]
    assert BackupRun.objects.get(pk=run.safety_backup).state == State.INCOMPLETE
    assert AuditEvent.objects.filter(action="restore.partial_undo", subject=run.pk).exists()


def test_its_undo_gives_back_all_other_rows(studio) -> None:
    key = damage_a_contractor()
    before = rows_but_damaged(key)
    run = restore_as(studio.complete, partial_undo=True)
    undo_of(run)
    after = rows_of_database()
    assert set(before["studio_contractor"]) == set(after["studio_contractor"])
    assert key not in {k[0] for k in after["studio_contractor"]}


def rows_but_damaged(key: str) -> dict:
    others = Contractor.objects.exclude(pk=key).values_list("pk", flat=True)
    return {"studio_contractor": {(str(pk),): {} for pk in others}}


def test_a_damaged_row_counts_as_changed_back_or_lost(studio) -> None:
    damage_a_contractor()
    new = Contractor.objects.last()
    new.pk, new.email = "new", "new@contractor.example"
    new.save(force_insert=True)
    lose_a_piece("studio_contractor", "address", "new")
    plan = plan_as(studio.complete, partial_undo=True)
    (table,) = [t for t in plan.tables if t.table == "studio_contractor"]
    assert (table.changed, table.dropped, table.added) == (1, 1, 0)
    assert table.now == table.after + 1


def test_without_undo_nothing_stands_in_the_way(studio) -> None:
    damage_a_contractor()
    plan = plan_as(studio.complete, without_undo=True)
    assert not plan.blocking and codes(plan)["undo.without"] == "warning"
    run = restore_as(studio.complete, without_undo=True, confirmed=plan)
    assert changed_tables(studio.rows, rows_of_database()) == {}
    assert run.safety_backup == "" and not undoing.can_undo(run)
    assert run.report["undo"]["chosen_by"] == "command line"
    assert not BackupRun.objects.filter(purpose=Purpose.SAFETY).exists()
    assert AuditEvent.objects.filter(action="restore.without_undo", subject=run.pk).exists()


def test_a_safe_restore_leaves_a_damaged_table_outside_of_it_alone(studio) -> None:
    """Its undo leaves it alone too, though the safety backup is a Complete one."""
    table, column = OUTSIDE
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table} ORDER BY id LIMIT 1")
        key = str(cursor.fetchone()[0])
        cursor.execute(f"SELECT count(*) FROM {table}")
        count = cursor.fetchone()[0]
    lose_a_piece(table, column, key)
    plan = plan_as(studio.safe)
    assert codes(plan)["undo.unreadable"] == "warning" and not plan.blocking
    run = restore_as(studio.safe, confirmed=plan)
    undo_of(run)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone()[0] == count


def test_bytes_that_are_no_text_are_found_by_the_plan(studio) -> None:
    write_no_text("studio_contractor", "address", first_key(Contractor))
    assert codes(plan_as(studio.complete))["undo.unreadable"] == "error"
    restore_as(studio.complete, partial_undo=True)
    assert changed_tables(studio.rows, rows_of_database()) == {}


def test_a_row_over_the_limit_is_found_by_the_plan(studio, settings) -> None:
    Contractor.objects.filter(pk=first_key(Contractor)).update(address="long" * 300_000)
    settings.BACKUPS_ROW_LIMIT_BYTES = 1_000_000
    assert codes(plan_as(studio.complete))["undo.unreadable"] == "error"
    run = restore_as(studio.complete, partial_undo=True)
    assert run.report["undo"]["lacks"][0]["rows"] == 1


def test_what_the_account_may_not_read_is_named(studio) -> None:
    with connection.cursor() as cursor:
        cursor.execute("REVOKE SELECT ON studio_ffesectionlibrary FROM CURRENT_USER")
    plan = plan_as(studio.safe)
    (finding,) = [f for f in plan.findings if f.code == "undo.unreadable"]
    assert not plan.blocking and finding.table == "studio_ffesectionlibrary"
    restore_as(studio.safe, confirmed=plan)


def test_damage_that_came_after_the_plan_stops_at_the_lock(studio) -> None:
    plan = plan_as(studio.complete)
    damage_a_contractor()
    with pytest.raises(Exception, match="cannot be read") as refused:
        restore_as(studio.complete, confirmed=plan)
    assert refused.value.code == "undo.unreadable"


def test_the_safety_backup_itself_finds_what_no_plan_read(studio) -> None:
    """A Safe restore's plan does not look into tables outside the file; the safety backup does."""
    lose_a_piece(*OUTSIDE, first_key_of(OUTSIDE[0]))
    run = restore_as(studio.safe)
    assert OUTSIDE[0] in {item["table"] for item in run.report["undo"]["lacks"]}


def first_key_of(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table} ORDER BY id LIMIT 1")
        return str(cursor.fetchone()[0])
