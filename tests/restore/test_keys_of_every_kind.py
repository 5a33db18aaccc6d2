"""Foreign keys that a project's models do not know, of every kind that the database has: rows outside the
file follow them as the database would let them, and others of like names are left alone."""

import pytest
from django.db import connection

from backups.database import rules
from backups.registry import registry
from backupsvc.studio.models import Organization
from tests.restore.steps import codes, plan_as, restore_as
from tests.restore.test_rows_that_break_rules import execute
from tests.roundtrip.dump import dump_data, dump_schema

pytestmark = pytest.mark.usefixtures("changing_schema")
TARGET, NEWER = "studio_organization", "newer"
TO = f"text REFERENCES {TARGET}"
# Of each the rows that stay. What leads to the newer organisation goes with it, or without it.
TABLES = {
    "key_plain": (f"(id int PRIMARY KEY, org {TO})", ["1\told"]),
    "key_nulled": (f"(id int PRIMARY KEY, org {TO} ON DELETE SET NULL)", ["1\told", "2\t\\N"]),
    # A key binds no row of those that inherit.
    "key_heir": ("(more text) INHERITS (key_plain)", ["1\told\t\\N", "2\tnewer\t\\N", "3\tnowhere\t\\N"]),
    "key_parts": ("(id int, org text) PARTITION BY LIST (id)", []),
    "key_part_1": ("PARTITION OF key_parts FOR VALUES IN (1, 3)", ["1\told", "3\tnowhere"]),
    "key_part_2": (f"PARTITION OF key_parts (FOREIGN KEY (org) REFERENCES {TARGET}) FOR VALUES IN (2)", []),
}  # fmt: skip
NEW = {
    # A key that is not enforced binds nobody, and spans of time are covered by more than one row.
    "key_lax": (f"(id int PRIMARY KEY, org {TO} NOT ENFORCED)", ["1\told", "2\tnewer", "3\tnowhere"]),
    "key_period": (
        f"(id int, org {TO}, span int4range, PRIMARY KEY (id, span WITHOUT OVERLAPS))",
        ["1\told\t[1,5)", "1\told\t[5,9)"],
    ),
    "key_during": (
        "(id int, of int, span int4range, FOREIGN KEY (of, PERIOD span) REFERENCES key_period)",
        ["1\t1\t[2,8)"],
    ),
}  # fmt: skip
ROWS = {
    "key_parts": [],
    "key_heir": [(1, "old", None), (2, "newer", None), (3, "nowhere", None)],
    "key_part_1": [(1, "old"), (3, "nowhere")],
    "key_part_2": [(2, "newer")],
    "key_lax": [(1, "old"), (2, "newer"), (3, "nowhere")],
    "key_period": [(1, "old", "[1,5)"), (1, "old", "[5,9)"), (2, "newer", "[1,9)")],
    "key_during": [(1, 1, "[2,8)"), (2, 2, "[2,8)")],
}


@pytest.fixture
def tables(studio, monkeypatch) -> dict[str, list[str]]:
    """Tables outside every file, each with a row that leads to an organisation of the file, and one that
    leads to a newer one. Returns what stays of each."""
    wanted = TABLES | (NEW if server_version() >= 180000 else {})
    excluded = registry.excluded_tables() | wanted.keys() | {"archive.*"}
    monkeypatch.setattr(type(registry), "excluded_tables", lambda _: excluded)
    if len(wanted) > len(TABLES):
        execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    old = Organization.objects.order_by("pk").first().pk
    Organization.objects.create(pk=NEWER, name="Newer", slug=NEWER)
    names = {"old": old, "newer": NEWER}
    for table, (definition, _) in wanted.items():
        execute(f"CREATE TABLE {table} {definition}")
        for row in ROWS.get(table, [(1, "old"), (2, "newer")]):
            marks = ", ".join(["%s"] * len(row))
            with connection.cursor() as cursor:
                cells = [names.get(cell, cell) for cell in row]
                cursor.execute(f"INSERT INTO {table} VALUES ({marks})", cells)
    return {t: [line.replace("old", old) for line in lines] for t, (_, lines) in wanted.items()}


def server_version() -> int:
    connection.ensure_connection()
    return connection.pg_version


def rows_of(names) -> dict[str, list[str]]:
    found = {head.split()[1].split(".")[1]: lines for head, lines in dump_data().tables.items()}
    return {name: [line.decode() for line in found.get(name, [])] for name in names}


def test_rows_follow_what_binds_them_and_no_others(studio, tables) -> None:
    plan = plan_as(studio.safe)
    restore_as(studio.safe, confirmed=plan)
    assert rows_of(tables) == tables
    follows = {t.table: (t.removed, t.set_null) for t in plan.tables if t.table.startswith("key_")}
    assert follows["key_plain"] == (1, 0) and follows["key_nulled"] == (0, 1)
    assert follows["key_parts"] == (1, 0)
    assert not {"key_heir", "key_lax"} & follows.keys()


def test_without_its_guard_rows_of_heirs_would_go(studio, tables, monkeypatch) -> None:
    monkeypatch.setattr(rules.End, "rows", rules.End.identifier)
    plan = plan_as(studio.safe)
    with pytest.raises(Exception, match="differ"):
        restore_as(studio.safe, confirmed=plan)


def test_a_table_of_another_schema_with_the_name_of_a_follower_is_told_and_left_alone(
    studio, tables
) -> None:
    """No backup reads it: its rows stay, and the key is put back for whatever is written from then on."""
    execute(
        "CREATE SCHEMA archive",
        f"CREATE TABLE archive.key_plain (org text CONSTRAINT to_org REFERENCES public.{TARGET}, z int)",
        f"INSERT INTO archive.key_plain VALUES ('{NEWER}', 1)",
        f"CREATE TABLE archive.{TARGET} (id text PRIMARY KEY)",
        f"INSERT INTO archive.{TARGET} VALUES ('elsewhere')",
        f"ALTER TABLE key_nulled ADD there text DEFAULT 'elsewhere' REFERENCES archive.{TARGET}",
    )
    plan = plan_as(studio.safe)
    assert codes(plan)["restore.reference"] == "warning"
    run = restore_as(studio.safe, confirmed=plan)
    assert run.report["rules_left_off"] == [["archive.key_plain", "to_org"]]
    assert b"CONSTRAINT to_org FOREIGN KEY (org) REFERENCES public." in dump_schema()
    with connection.cursor() as cursor:
        cursor.execute("SELECT org, (SELECT count(*) FROM key_nulled) FROM archive.key_plain")
        assert cursor.fetchall() == [(NEWER, 2)]
