"""The oddest tables a database can have, taken into Safe: composite keys, children of tables, rows that
point at themselves, generated columns, keys that nothing has validated."""

from dataclasses import replace

import pytest

from backups.registry import COMPLETE, SAFE, Omit, registry
from backupsvc.studio.models import (
    ChecklistItem,
    ClientAccessToken,
    Organization,
    RoomFFEInstance,
    RoomFFESection,
    User,
)
from restore.services.planning import counting
from tests.restore.conftest import OWNER
from tests.restore.steps import plan_as, refusal, restore_as
from tests.roundtrip.dump import differences, dump_data
from tests.roundtrip.engine import back_up, stored, writing
from tests.zoo import rows


@pytest.fixture
def safe_zoo(studio, monkeypatch):
    """The zoo's tables are in Safe, with every column."""
    sections = [
        replace(
            section,
            scopes=frozenset({SAFE, COMPLETE}),
            safe_columns=tuple(f.name for f in section.model._meta.local_concrete_fields),
        )
        if section.model._meta.app_label == "zoo"
        else section
        for section in registry.sections
    ]
    monkeypatch.setattr(registry, "_sections", sections)
    with writing() as cursor:
        rows.fill(cursor)


@pytest.mark.parametrize("scope", [SAFE, pytest.param(COMPLETE, marks=pytest.mark.battery)])
def test_they_come_back_through_either_scope(safe_zoo, scope) -> None:
    before = dump_data()
    path = stored(back_up(scope))
    with writing() as cursor:
        for table in (*rows.PLAIN, "zoo_altered", "zoo_pointer", "zoo_everytype"):
            quoted = table.replace('"', '""')
            cursor.execute(f'TRUNCATE "{quoted}" CASCADE')
    plan = plan_as(path)
    assert not plan.blocking
    assert sum(t.added for t in plan.tables if t.table.startswith(("zoo", "Weird"))) > 50
    restore_as(path, confirmed=plan)
    assert differences(before, dump_data()) == []


def test_rows_of_a_tree_outside_the_file_follow_to_the_last_leaf(studio) -> None:
    """Parents, children of children, and a cycle of two tables: none of them is in Safe, and none is
    touched, as nothing of theirs has gone."""
    with writing() as cursor:
        rows.fill(cursor)
    before = dump_data()
    restore_as(studio.safe)
    assert differences(before, dump_data()) == []


def test_a_kept_reference_into_the_file_is_cleared_where_its_target_is_not_there(
    studio, monkeypatch
) -> None:
    """A table may leave out a reference to a table that is in Safe itself."""
    sections = [
        replace(
            section,
            safe_columns=tuple(name for name in section.safe_columns if name != "org"),
            redact={**section.redact, "org": Omit()},
        )
        if section.model is User
        else section
        for section in registry.sections
    ]
    monkeypatch.setattr(registry, "_sections", sections)
    path = stored(back_up(SAFE))
    newer = Organization.objects.create(name="Newer", slug="newer")
    moved, stayed = User.objects.filter(org__isnull=False).order_by("pk")[:2]
    User.objects.filter(pk=moved.pk).update(org=newer)
    plan = plan_as(path)
    users = next(t for t in plan.tables if t.table == "studio_user")
    assert (users.kept, users.set_null) == (16, 1)
    restore_as(path, confirmed=plan)
    assert User.objects.get(pk=moved.pk).org_id is None
    assert User.objects.get(pk=stayed.pk).org_id == stayed.org_id


def test_rows_outside_the_file_that_led_nowhere_before_are_planned_to_go(studio) -> None:
    """A key that is NOT VALID lets them be; the delete rule does not ask since when they do."""
    sections, instances = RoomFFESection._meta.db_table, RoomFFEInstance._meta.db_table
    with writing() as cursor:
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = %s::regclass AND confrelid = %s::regclass",
            [sections, instances],
        )
        name, definition = cursor.fetchone()
        cursor.execute(f'ALTER TABLE {sections} DROP CONSTRAINT "{name}"')
        cursor.execute(
            f"DELETE FROM {instances} WHERE id = (SELECT min(instance_id) FROM {sections})"
        )
        cursor.execute(f'ALTER TABLE {sections} ADD CONSTRAINT "{name}" {definition} NOT VALID')
    plan = plan_as(studio.safe)
    assert next(t for t in plan.tables if t.table == sections).removed > 0
    restore_as(studio.safe, confirmed=plan)


@pytest.mark.usefixtures("changing_schema")
def test_of_two_keys_over_one_column_each_row_counts_once(studio):
    """What the plan says of rows outside of the file is what is done, and both keys come back."""
    file = stored(back_up(SAFE))
    leaver = User.objects.exclude(email=OWNER).first()
    leaver.pk, leaver.email = "leaver", "leaver@studio.example"
    leaver.save(force_insert=True)
    ChecklistItem.objects.filter(pk=ChecklistItem.objects.first().pk).update(completed_by=leaver)
    keys = (
        "SELECT c.oid::regclass::text, pg_get_constraintdef(k.oid) FROM pg_constraint k"
        " JOIN pg_class c ON c.oid = k.conrelid WHERE k.contype = 'f' AND relname LIKE 'studio\\_%'"
    )
    with writing() as cursor:
        cursor.execute(keys)
        for number, (table, text) in enumerate(cursor.fetchall()):
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT again_{number} {text}")
        cursor.execute(keys)
        both = sorted(cursor.fetchall())
    plan = plan_as(file)
    assert [t.set_null for t in plan.tables if t.table == "studio_checklistitem"] == [1]
    restore_as(file, confirmed=plan)
    assert not ChecklistItem.objects.filter(completed_by="leaver").exists()
    with writing() as cursor:
        cursor.execute(keys)
        assert sorted(cursor.fetchall()) == both


@pytest.mark.usefixtures("changing_schema")
def test_rows_that_share_a_declared_key_are_told_before_anything_is_mixed_up(studio, monkeypatch):
    """As in tables that others made: of whom a token is that the file leaves out, nobody could say then."""
    table = ClientAccessToken._meta.db_table
    with writing() as cursor:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey CASCADE")
        cursor.execute(f"CREATE TEMPORARY TABLE again AS SELECT * FROM {table} ORDER BY id LIMIT 1")
        cursor.execute(f"UPDATE again SET token = 'again'; INSERT INTO {table} TABLE again")
    safe, complete = (stored(back_up(scope)) for scope in (SAFE, COMPLETE))
    told = [f.table for f in plan_as(safe).findings if f.code == "restore.duplicate"]
    assert told == [table]
    assert not plan_as(complete).blocking
    monkeypatch.setattr(counting, "untold", lambda *_: [])
    assert not plan_as(safe).blocking and refusal(safe)
