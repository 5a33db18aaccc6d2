"""What was in the database goes back into it, whatever the database's rules say of it: rules are taken off
and put back as they were, and what has been put back without being validated is said."""

import re
from contextlib import closing

import pytest
from django.db import connection
from django.template.loader import render_to_string

from backups.registry import COMPLETE
from backups.services import auditing
from backupsvc.studio.models import Contractor, Organization
from restore.database.detaching import Detached
from restore.services.applying import applying
from restore.services.asking import undoing
from restore.views.live import context_of
from tests.databases import superuser
from tests.restore.copies import become
from tests.restore.forging import foreign
from tests.restore.steps import codes, plan_as, refusal, restore_as
from tests.restore.tables import changed_tables, rows_of_database
from tests.roundtrip.engine import back_up, stored, writing
from tests.zoo import rows

pytestmark = pytest.mark.usefixtures("changing_schema")


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def with_keys_off(*statements: str) -> None:
    """As an import does that loads tables in any order."""
    connection.close()
    with closing(superuser()) as session, session, session.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)


def rules() -> dict[str, tuple[str, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid), convalidated"
            " FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
        )
        return {name: (definition, valid) for name, definition, valid in cursor.fetchall()}


def test_a_rule_that_was_never_validated_comes_back_as_it_was(studio) -> None:
    execute(
        "ALTER TABLE studio_contractor ADD CONSTRAINT later CHECK (business_name = '') NOT VALID"
    )
    before, rows = rules(), rows_of_database()
    file = stored(back_up(COMPLETE))
    plan = plan_as(file)
    assert codes(plan)["restore.check"] == "warning" and not plan.blocking
    Contractor.objects.filter(pk__in=Contractor.objects.values("pk")[:1]).delete()
    run = restore_as(file, confirmed=plan_as(file))
    assert rules() == before and changed_tables(rows, rows_of_database()) == {}
    assert run.report["rules_left_off"] == []


FUNCTION = """
CREATE FUNCTION known_project(wanted text) RETURNS boolean LANGUAGE sql
AS $$ SELECT EXISTS (SELECT FROM studio_project WHERE id = wanted) $$
"""


def _of_readings() -> set[tuple[str, bool, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, convalidated, conislocal FROM pg_constraint"
            " WHERE conname = 'few'"
        )
        return {*cursor.fetchall()}


def _proven_of_one_partition(studio) -> set[tuple[str, bool, bool]]:
    with writing() as cursor:
        rows.fill(cursor)
        cursor.execute("ALTER TABLE zoo_reading ADD CONSTRAINT few CHECK (number < 1e9) NOT VALID")
        cursor.execute("ALTER TABLE zoo_reading_old VALIDATE CONSTRAINT few")
    before = _of_readings()
    file = stored(back_up(COMPLETE))
    with writing() as cursor:
        cursor.execute("TRUNCATE zoo_reading")
    restore_as(file)
    return before


def test_a_rule_that_was_proven_of_one_partition_alone_is_so_again(studio) -> None:
    before = _proven_of_one_partition(studio)
    assert ("zoo_reading_old", True, False) in before
    assert ("zoo_reading", False, True) in before
    assert _of_readings() == before


def test_a_partition_would_follow_its_table(studio, monkeypatch) -> None:
    monkeypatch.setattr(Detached, "_holds", lambda *_: True)
    assert _proven_of_one_partition(studio) != _of_readings()


def test_a_rule_that_reads_another_table_is_asked_when_that_is_filled(studio) -> None:
    execute(
        FUNCTION,
        "ALTER TABLE studio_task ADD CONSTRAINT of_a_project"
        " CHECK (project_id IS NULL OR known_project(project_id))",
    )
    before, rows = rules(), rows_of_database()
    file = stored(back_up(COMPLETE))
    assert codes(plan_as(file))["restore.rule_unasked"] == "warning"
    run = restore_as(file)
    assert rules() == before and changed_tables(rows, rows_of_database()) == {}
    assert run.report["rules_left_off"] == []


def broken_reference() -> tuple[str, str]:
    """One project points to nowhere. Returns the table and its key."""
    found = r"studio_project (\S+)", r"FOREIGN KEY \((\w+)\)"
    for name, (definition, _valid) in rules().items():
        key, column = (re.match(*pair) for pair in zip(found, (name, definition), strict=True))
        if key and column:
            with_keys_off(
                f"UPDATE studio_project SET {column[1]} = 'nowhere'"
                " WHERE id = (SELECT min(id) FROM studio_project)"
            )
            return "studio_project", key[1]
    raise LookupError("no project points anywhere")


def test_a_reference_that_was_broken_comes_back_and_its_key_is_not_validated(studio) -> None:
    table, key = broken_reference()
    before, rows = rules(), rows_of_database()
    file = stored(back_up(COMPLETE))
    assert codes(plan_as(file))["restore.reference"] == "warning"
    run = restore_as(file)
    assert changed_tables(rows, rows_of_database()) == {}
    assert run.report["rules_left_off"] == [[table, key]]
    page = render_to_string("restore/_report.html", context_of(run))
    assert f"<code>{table}</code>: <code>{key}</code>" in page
    now = rules()
    definition, valid = now.pop(f"{table} {key}")
    assert definition == before.pop(f"{table} {key}")[0] + " NOT VALID" and not valid
    assert now == before


def test_an_undo_gives_back_rows_that_break_rules(studio) -> None:
    """Another file is restored, then undone; the rows broke a rule, a key and a rule over a function."""
    execute(
        "CREATE FUNCTION never(text) RETURNS boolean LANGUAGE sql AS 'SELECT false'",
        "ALTER TABLE studio_task ADD CONSTRAINT impossible CHECK (never(id)) NOT VALID",
        "ALTER TABLE studio_contractor ADD CONSTRAINT later CHECK (business_name = '') NOT VALID",
    )
    broken_reference()
    rows = rows_of_database()
    run = restore_as(studio.complete)
    assert changed_tables(rows, rows_of_database()) != {}
    undo = undoing.request(run, auditing.COMMAND_LINE)
    applying.carry_out(undo, stored(undoing.safety_backup_of(run)))
    assert changed_tables(rows, rows_of_database()) == {}


def test_without_putting_rules_off_the_undo_would_be_refused(studio, monkeypatch) -> None:
    broken_reference()
    file = stored(back_up(COMPLETE))
    attach = Detached.attach
    monkeypatch.setattr(Detached, "attach", lambda self, lenient: attach(self, lambda *_: False))
    before = rows_of_database()
    assert refusal(file) == "restore.reference"
    assert changed_tables(before, rows_of_database()) == {}


def test_rows_of_another_installation_must_keep_the_rules(studio, tmp_path) -> None:
    broken_reference()
    file = foreign(stored(back_up(COMPLETE)), tmp_path / "f.json")
    assert codes(plan_as(file, accept_foreign=True))["restore.reference"] == "error"


CONSTANTS = ["true", "1", "NULL::text", "'x'::text"]


@pytest.fixture(scope="module")
def with_constants(prepared, django_db_blocker) -> tuple[dict[str, str], dict[str, bool]]:
    """What a restore changed where each of them is a unique rule, and which of these are valid afterwards."""
    with django_db_blocker.unblock():
        become("seeded")
        for number, constant in enumerate(CONSTANTS):
            execute(
                f"CREATE UNIQUE INDEX constant_{number} ON studio_task (({constant}))"
                " WHERE title = 'the only one'"
            )
        rows = rows_of_database()
        file = stored(back_up(COMPLETE))
        plan = plan_as(file)
        assert not plan.blocking and "restore.rule_unasked" not in codes(plan)
        restore_as(file, confirmed=plan)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_get_indexdef(indexrelid), indisvalid AND indisunique FROM pg_index"
                " WHERE indexrelid::regclass::text LIKE 'constant_%'"
            )
            valid = dict(cursor.fetchall())
        return changed_tables(rows, rows_of_database()), valid


@pytest.mark.parametrize("constant", CONSTANTS)
def test_a_unique_rule_over_a_constant_is_no_position(
    transactional_db, with_constants, constant
) -> None:
    changed, valid = with_constants
    assert changed == {}
    assert [holds for index, holds in valid.items() if f"(({constant})) WHERE" in index] == [True]


def test_two_rows_of_a_table_with_one_row_are_in_the_plan(studio) -> None:
    file = stored(back_up(COMPLETE))
    execute(
        "DELETE FROM studio_notificationsend",
        "CREATE UNIQUE INDEX ON studio_notificationsend ((1))",
    )
    plan = plan_as(file)
    assert ("restore.duplicate", "studio_notificationsend") in {
        (f.code, f.table) for f in plan.blocking
    }


def test_a_rewrite_rule_changes_nothing_of_what_comes_back(studio) -> None:
    execute("CREATE RULE nothing AS ON INSERT TO studio_organization DO INSTEAD NOTHING")
    rows = rows_of_database()
    restore_as(stored(back_up(COMPLETE)))
    assert changed_tables(rows, rows_of_database()) == {}
    organizations = Organization.objects.count()
    execute(
        "INSERT INTO studio_organization (id, name, slug, created_at, updated_at)"
        " VALUES ('new', 'n', 'n', now(), now())"
    )
    assert Organization.objects.count() == organizations


def repeated_values() -> None:
    """As an index is left by a change of its language: two rows have what may stand once."""
    organization = Organization.objects.order_by("pk").first()
    with_keys_off(
        "UPDATE pg_index SET indisready = false, indisvalid = false"
        " WHERE indrelid = 'studio_organization'::regclass AND NOT indisprimary AND indisunique",
        "INSERT INTO studio_organization SELECT (jsonb_populate_record(o, jsonb_build_object('id',"
        f" 'again'))).* FROM studio_organization AS o WHERE id = '{organization.pk}'",
        "UPDATE pg_index SET indisready = true, indisvalid = true"
        " WHERE indrelid = 'studio_organization'::regclass AND NOT indisprimary AND indisunique",
    )


def test_of_repeated_values_the_first_comes_back_where_that_was_chosen(studio) -> None:
    repeated_values()
    file = stored(back_up(COMPLETE))
    assert codes(plan_as(file))["restore.duplicate"] == "error"
    assert refusal(file) == "restore.duplicate"
    plan = plan_as(file, drop_duplicates=True)
    assert not plan.blocking
    assert {t.table: t.left_out for t in plan.tables if t.left_out} == {"studio_organization": 1}
    assert refusal(file, confirmed=plan, drop_duplicates=True) == ""
    assert not Organization.objects.filter(pk="again").exists()


def test_an_undo_leaves_repeated_values_out_by_itself(studio) -> None:
    repeated_values()
    run = restore_as(studio.complete)
    undo = undoing.request(run, auditing.COMMAND_LINE)
    applying.carry_out(undo, stored(undoing.safety_backup_of(run)))
    left_out = {t["table"]: t["left_out"] for t in undo.report["tables"] if t["left_out"]}
    assert left_out == {"studio_organization": 1}
