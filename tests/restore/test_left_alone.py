"""Tables whose rows are those of the file are left alone, and everything else is written as ever."""

from dataclasses import dataclass

import pytest
from django.conf import settings
from django.db import connection

from backups.database.table_reading import column_of
from backups.registry import SAFE, StoragePath, registry
from backupsvc.studio.models import User
from restore.services.applying import ahead, applying, left_alone
from restore.services.applying.writing import Writer
from tests.restore.breaking import as_administrator
from tests.restore.copies import become
from tests.restore.steps import plan_as, refusal, restore_as
from tests.restore.tables import changed_tables, rows_of_database
from tests.roundtrip.engine import back_up, stored

pytestmark = pytest.mark.usefixtures("changing_schema")

TAGS = "studio_tag"
# Django fills these by itself.
FRAMEWORK = {"django_content_type", "auth_permission", "django_site"}
GENERATED = {
    section.table
    for section in registry.sections
    if any(field.generated for field in section.model._meta.local_fields)
}
FIRST = f"(SELECT min(id) FROM {TAGS})"
# Each kind in a table of its own.
EDITS = {
    "a cell": (TAGS, "UPDATE {table} SET name = name || '!' WHERE id = {first}"),
    "a blank": (
        "studio_projectmilestone",
        "UPDATE {table} SET name = name || ' ' WHERE id = {first}",
    ),
    "NULL": (
        "studio_ffetemplatesection",
        "UPDATE {table} SET description = NULL"
        " WHERE id = (SELECT min(id) FROM {table} WHERE description IS NOT NULL)",
    ),
    "a moment": (
        "studio_ffetemplate",
        "UPDATE {table} SET created_at = created_at + interval '1 microsecond' WHERE id = {first}",
    ),
    "a row less": ("studio_notification", "DELETE FROM {table} WHERE id = {first}"),
    "a row more": (
        "studio_issue",
        "INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object('id', id || '!'))).*"
        " FROM {table} AS t WHERE id = {first}",
    ),
    "a key": (
        "studio_drawingchecklistitem",
        "UPDATE {table} SET id = id || '!' WHERE id = {first}",
    ),
    "two cells exchanged": (
        "studio_task",
        "UPDATE {table} AS t SET title = o.title FROM {table} AS o"
        " WHERE t.id <> o.id AND ARRAY[t.id, o.id] <@ (SELECT ARRAY[min(id), max(id)] FROM {table})",
    ),
}


@pytest.fixture(autouse=True)
def as_shipped(settings) -> None:
    del settings.BACKUPS_LEAVE_EQUAL_TABLES


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def edit(kind: str) -> None:
    table, statement = EDITS[kind]
    execute(statement.format(table=table, first=f"(SELECT min(id) FROM {table})"))


def without_rules(table: str = TAGS) -> None:
    """Rows may be what no rule of the application's lets them be."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname)"
            " FROM pg_constraint WHERE confrelid = %s::regclass OR conrelid = %s::regclass AND contype = 'u'",
            [table, table],
        )
        execute(*(statement for (statement,) in cursor.fetchall()))


def storages() -> dict[str, int]:
    """Where each table's rows lie: somewhere else once it was emptied."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relfilenode FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE relkind = 'r' AND nspname = 'public'"
        )
        return dict(cursor.fetchall())


def rewritten(before: dict[str, int]) -> set[str]:
    now = storages()
    return {name for name, place in before.items() if now[name] != place}


def test_where_all_is_as_in_the_file_only_the_accounts_are_written(studio) -> None:
    before = storages()
    report = restore_as(studio.complete).report
    # Of generated columns no file says anything: where such a table has a page it is written.
    assert rewritten(before) - GENERATED == {User._meta.db_table}
    assert changed_tables(studio.rows, rows_of_database()) == {}
    assert set(report["left_alone"]) == {
        section.key
        for section in registry.of_project
        if not section.accounts and section.table not in GENERATED
    }
    # All are in the report, and only those with new rows have new statistics.
    assert len(report["sections"]) == len(registry.of_project)
    assert report["aftermath"]["tables_analysed"] < 10


@dataclass(frozen=True)
class Edited:
    """Tables that differed before a restore, that it wrote, and that differed behind it."""

    before: set[str]
    written: set[str]
    behind: set[str]


@pytest.fixture(scope="module")
def edited(prepared, django_db_blocker) -> Edited:
    """One restore over all of them."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        patch.delattr(settings, "BACKUPS_LEAVE_EQUAL_TABLES", raising=False)
        become("seeded")
        for kind, (table, _) in EDITS.items():
            without_rules(table)
            edit(kind)
        before = set(changed_tables(prepared.rows, rows_of_database()))
        places = storages()
        restore_as(prepared.complete)
        behind = set(changed_tables(prepared.rows, rows_of_database()))
        return Edited(before, rewritten(places), behind)


@pytest.mark.parametrize("kind", EDITS)
def test_one_row_that_differs_has_its_table_written(transactional_db, edited, kind) -> None:
    table, _ = EDITS[kind]
    assert table in edited.before and table in edited.written and table not in edited.behind
    # And these alone: else it would have been written in any case.
    tables = {table for table, _ in EDITS.values()}
    assert edited.before == tables and edited.behind == set()
    assert edited.written - GENERATED == tables | {User._meta.db_table}


def test_what_was_edited_behind_the_first_look_is_written(studio, monkeypatch) -> None:
    """The look from before the locks stands for tables that nobody has touched since, and no others."""
    monkeypatch.setattr(ahead, "ROWS_WORTH_READING_AHEAD", 0)
    look = applying._Restore._look_ahead

    def look_and_edit(self, *args):
        answers = look(self, *args)
        edit("a cell")
        return answers

    monkeypatch.setattr(applying._Restore, "_look_ahead", look_and_edit)
    restore_as(studio.complete)
    assert changed_tables(studio.rows, rows_of_database()) == {}


def test_of_another_installation_s_file_every_table_is_written(studio, settings, tmp_path) -> None:
    settings.BACKUPS_KEY_FILE = tmp_path / "another.key"
    report = restore_as(studio.complete, accept_foreign=True, grant_roles=("owner",)).report
    assert report["left_alone"] == []


def test_where_a_safe_file_left_something_out_the_table_is_written(studio) -> None:
    report = restore_as(stored(back_up(SAFE))).report
    redacted = {s.key for s in registry.in_scope(SAFE) if s.redact}
    assert redacted and redacted.isdisjoint(report["left_alone"])
    assert "tags" in report["left_alone"]


def new_column() -> None:
    """Newer than the file, with another value than rows get that come without one."""
    execute(f"ALTER TABLE {TAGS} ADD COLUMN later text NOT NULL DEFAULT 'anew'")
    execute(f"UPDATE {TAGS} SET later = 'edited'")


def generated_column() -> None:
    """Generated by a function that has become another since."""
    says = "CREATE OR REPLACE FUNCTION says(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT '{}' $$"
    execute(
        says.format("edited"),
        f"ALTER TABLE {TAGS} ADD COLUMN later text GENERATED ALWAYS AS (says(name)) STORED",
        says.format("anew"),
    )


def later() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT later FROM {TAGS}")
        return {value for (value,) in cursor.fetchall()}


@pytest.mark.parametrize("add", [new_column, generated_column], ids=["new", "generated"])
def test_a_column_that_the_file_does_not_have_is_filled_as_ever(studio, monkeypatch, add) -> None:
    """And the twin: without the question whether all is compared it would stay."""
    add()
    with monkeypatch.context() as patch:
        patch.setattr(left_alone, "_is_wholly_compared", lambda *_: True)
        restore_as(studio.complete, partial_undo=True)
        assert later() == {"edited"}
    restore_as(studio.complete, partial_undo=True)
    assert later() == {"anew"}


def test_of_a_rule_that_gives_way_no_table_is_left_alone(studio, monkeypatch) -> None:
    """Rows that no backup reads break a key to the tags; the plan says that it comes back without having been
    validated."""
    execute(f"CREATE SCHEMA other CREATE TABLE label (tag text CONSTRAINT leads REFERENCES {TAGS})")
    as_administrator(
        "SET session_replication_role = replica", "INSERT INTO other.label VALUES ('nowhere')"
    )
    with monkeypatch.context() as patch:
        patch.setattr(left_alone, "_where_rules_give_way", lambda *_: set())
        assert restore_as(studio.complete, partial_undo=True).report["rules_left_off"] == []
    report = restore_as(studio.complete, partial_undo=True).report
    assert report["rules_left_off"] == [["other.label", "leads"]]
    assert "tags" not in report["left_alone"]


def test_a_table_with_a_row_twice_is_written(studio) -> None:
    """Rows are compared by their key, which something has to keep from standing twice."""
    without_rules()
    execute(
        f"ALTER TABLE {TAGS} DROP CONSTRAINT {TAGS}_pkey",
        f"INSERT INTO {TAGS} SELECT * FROM {TAGS} WHERE id = {FIRST}",
    )
    with connection.cursor() as cursor:
        restore_as(studio.complete)
        cursor.execute(f"SELECT count(*) - count(DISTINCT id) FROM {TAGS}")
        assert cursor.fetchone() == (0,)


def test_a_setting_has_all_of_them_written(studio, settings) -> None:
    settings.BACKUPS_LEAVE_EQUAL_TABLES = False
    before = storages()
    assert restore_as(studio.complete).report["left_alone"] == []
    assert TAGS in rewritten(before)


def file_columns() -> list[tuple[str, str]]:
    """Tables with rows that name files, each with the column."""
    named = [
        (section.table, column_of(section.model, locator.field))
        for section in registry.of_project
        for locator in section.files
        if isinstance(locator, StoragePath) and not section.accounts
    ]
    return [(table, column) for table, column in named if names_in(table, column)]


def names_in(table: str, column: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{column}" FROM "{table}" WHERE "{column}" <> \'\' ORDER BY 1')
        return [name for (name,) in cursor.fetchall()]


def test_files_that_nothing_points_to_any_more_are_listed_and_no_others(studio) -> None:
    (table, column), (other, names), *_ = file_columns()
    keys = {section.table: section.key for section in registry.sections}
    row = f'"{column}" = (SELECT min("{column}") FROM "{table}" WHERE "{column}" <> \'\')'

    def left_after_naming(name: str) -> int:
        execute(f'UPDATE "{table}" SET "{column}" = \'{name}\' WHERE {row}')
        report = restore_as(studio.complete).report
        assert keys[table] not in report["left_alone"] and keys[other] in report["left_alone"]
        return report["files_left_for_undo"]

    assert left_after_naming("only/here.png") == 1
    # What a row in a table that is left alone points to, is in use.
    assert left_after_naming(names_in(other, names)[0]) == 0


def test_a_plan_that_missed_a_difference_would_be_believed(studio, monkeypatch) -> None:
    """The twin: what is left alone rests on the plan's own comparison, so that has to be right."""
    edit("a cell")
    monkeypatch.setattr(left_alone, "_is_without_difference", lambda table: True)
    assert refusal(studio.complete) == ""
    assert list(changed_tables(studio.rows, rows_of_database())) == [TAGS]


def test_restoring_into_an_empty_database_writes_every_table(empty_studio) -> None:
    alone: list[frozenset[str]] = []
    write = Writer.write

    def written(self, *args):
        alone.append(self.left_alone)
        return write(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Writer, "write", written)
        restore_as(empty_studio.complete, acting="")
    with_rows = {name for name, rows in empty_studio.rows.items() if rows} - FRAMEWORK
    assert alone and alone[0].isdisjoint(with_rows)
    assert not [t for t in plan_as(empty_studio.complete, acting="").tables if t.changed or t.lost]
