"""The safety backup is a parachute and not a gate: what it will ask the plan asks before, and there is always
a chosen way on, which is written down."""

import json
import shutil

import pytest
from django.core.management import call_command
from django.db import connection

from backups.errors import RestoreError
from backups.models import AuditEvent, BackupRun, Purpose, State
from backups.registry import COMPLETE
from backups.services import auditing
from backups.services.obstacles import Obstacles
from backupsvc.studio.models import Account, ClientAccessToken, Contractor, User, VerificationToken
from restore.services.applying import applying
from restore.services.asking import requests, undoing
from restore.services.planning import files, foreseeing
from tests.restore.breaking import break_page, lose_a_piece, only_by_index, write_no_text
from tests.restore.steps import codes, plan_as, refusal, restore_as
from tests.restore.tables import changed_tables, rows_of_database
from tests.roundtrip.engine import back_up, stored

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


def test_a_damaged_index_is_worked_round(studio) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO zoo_vessel SELECT n, 'vessel' FROM generate_series(1, 2000) AS n"
        )
        # As the server does by itself sooner or later: from then on its planner looks into indexes.
        cursor.execute("ANALYZE zoo_vessel")
    rows, file = rows_of_database(), stored(back_up(COMPLETE))
    break_page("zoo_vessel_pkey", 1)
    only_by_index()
    plan = plan_as(file)
    assert codes(plan)["undo.index_damaged"] == "warning" and not plan.blocking
    run = restore_as(file, confirmed=plan)
    assert changed_tables(rows, rows_of_database()) == {}
    safety = BackupRun.objects.get(pk=run.safety_backup)
    assert safety.state == State.SUCCEEDED
    assert safety.statistics["sections"]["zoo.Vessel"]["rows"] == 2000


def test_a_torn_page_takes_its_rows_and_no_others(studio) -> None:
    """Enough rows for some pages; nobody can say which were on the torn one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO studio_ffesectionlibrary (id, name, default_order, applicable_room_types,"
            " is_global, created_at) SELECT 'row ' || n, repeat('n', 100) || n, 1, '{}', false, now()"
            " FROM generate_series(1, 500) AS n; SELECT count(*) FROM studio_ffesectionlibrary"
        )
        (count,) = cursor.fetchone()
    break_page("studio_ffesectionlibrary", 2)
    plan = plan_as(studio.complete, partial_undo=True)
    (table,) = [t for t in plan.tables if t.table == "studio_ffesectionlibrary"]
    assert 0 < table.now < count and not plan.blocking
    run = restore_as(studio.complete, partial_undo=True, confirmed=plan)
    (lacks,) = run.report["undo"]["lacks"]
    assert lacks["pages"] == 1 and lacks["rows"] == 0
    assert changed_tables(studio.rows, rows_of_database()) == {}
    statistics = BackupRun.objects.get(pk=run.safety_backup).statistics
    assert statistics["sections"]["ffeSectionLibrary"]["rows"] == table.now


def test_a_full_disk_is_no_reason_where_no_undo_is_wanted(studio, monkeypatch) -> None:
    usage = shutil.disk_usage("/")
    rows = 70 * 1024 * 1024
    monkeypatch.setattr(files.shutil, "disk_usage", lambda path: usage._replace(free=rows))
    monkeypatch.setattr(files, "_SPARE_BYTES", rows - 1000)
    assert codes(plan_as(studio.complete))["restore.disk_space"] == "error"
    assert "restore.disk_space" not in codes(plan_as(studio.complete, without_undo=True))


def test_a_folder_that_cannot_be_written_to_is_in_the_plan(studio, monkeypatch) -> None:
    monkeypatch.setattr(files.os, "access", lambda path, mode: False)
    assert codes(plan_as(studio.complete))["restore.not_writable"] == "error"


def test_a_secret_key_is_not_listed(studio) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE studio_verificationtoken DROP CONSTRAINT verification_token_unique_identifier_token"
        )
    VerificationToken.objects.create(
        identifier="x", token="secret-token", expires="2030-01-01T00:00:00Z"
    )
    lose_a_piece("studio_verificationtoken", "identifier", "secret-token", named="token")
    run = restore_as(studio.complete, partial_undo=True)
    assert run.report["undo"]["lacks"][0]["rows"] == 1
    assert "secret-token" not in json.dumps(run.report)


def test_without_the_question_the_plan_would_say_nothing(studio, monkeypatch) -> None:
    lose_a_piece(*OUTSIDE, first_key_of(OUTSIDE[0]))
    monkeypatch.setattr(foreseeing, "obstacles", lambda connection, read: Obstacles())
    assert "undo.unreadable" not in codes(plan_as(studio.safe))
    assert refusal(studio.safe) == "database.damaged"


def test_an_undo_can_go_on_over_damage_too(studio) -> None:
    run = restore_as(studio.complete)
    damage_a_contractor()
    with pytest.raises(RestoreError) as refused:
        undo_of(run)
    assert refused.value.code == "undo.unreadable" and undoing.was_obstructed(run)
    undo = undoing.request(run, auditing.COMMAND_LINE, without_undo=True)
    applying.carry_out(undo, requests.stored_file(undo))
    assert changed_tables(studio.rows, rows_of_database()) == {}


def test_the_command_says_that_there_is_no_undo_and_who_wanted_it(studio, capsys) -> None:
    call_command("restore_apply", studio.complete, confirm=requests.PHRASE, without_undo=True)
    assert "cannot be undone, as chosen by command line" in capsys.readouterr().out


def test_a_damaged_row_that_goes_with_its_target_is_counted_and_goes(studio) -> None:
    """A Safe restore takes rows of tables outside the file with it: the damaged one too."""
    somebody = User.objects.create(email="new@studio.example", name="New")
    account = Account.objects.create(
        user=somebody, type="oauth", provider="p", provider_account_id="1"
    )
    lose_a_piece("studio_account", "scope", account.pk)
    plan = plan_as(studio.safe, partial_undo=True)
    assert codes(plan)["undo.unreadable"] == "warning" and not plan.blocking
    (table,) = [t for t in plan.tables if t.table == "studio_account"]
    assert table.fate == "follows" and table.removed == 1
    run = restore_as(studio.safe, partial_undo=True, confirmed=plan)
    assert {item["table"]: item["rows"] for item in run.report["undo"]["lacks"]} == {
        "studio_account": 1
    }


def test_a_damaged_token_that_redaction_would_keep_is_made_anew(studio) -> None:
    token = ClientAccessToken.objects.first()
    lose_a_piece("studio_clientaccesstoken", "name", token.pk)
    plan = plan_as(studio.safe, partial_undo=True)
    (table,) = [t for t in plan.tables if t.table == "studio_clientaccesstoken"]
    assert table.refilled == 1 and table.changed == 1
    restore_as(studio.safe, partial_undo=True, confirmed=plan)
    assert ClientAccessToken.objects.get(pk=token.pk).token != token.token
