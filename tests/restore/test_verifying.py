"""What was written is compared with what waited, and what waits with the file."""

from unittest.mock import ANY

import pytest
from django.db import connection

from restore.database import waiting_tables
from restore.services.applying import verifying
from restore.services.applying.verifying import Verification
from restore.services.applying.writing import Writer
from restore.services.planning import proving, staging
from tests.restore.steps import refusal, restore_as
from tests.restore.tables import changed_tables, rows_of_database

WRITTEN = {
    "a cell": "UPDATE studio_tag SET name = name || '!' WHERE id = (SELECT min(id) FROM studio_tag)",
    "NULL": "UPDATE studio_tag SET color = NULL WHERE id = (SELECT max(id) FROM studio_tag)",
    "a row less": "DELETE FROM studio_tag WHERE id = (SELECT min(id) FROM studio_tag)",
    "a key": "UPDATE studio_tag SET id = id || '!' WHERE id = (SELECT min(id) FROM studio_tag)",
    "two rows exchanged": "UPDATE studio_tag AS t SET id = CASE t.id WHEN o.low THEN o.high ELSE o.low END"
    " FROM (SELECT min(id) AS low, max(id) AS high FROM studio_tag) AS o"
    " WHERE t.id IN (o.low, o.high)",
}


@pytest.fixture
def after_loading(monkeypatch):
    """Do this to what was written, in the restore's own transaction."""

    def arrange(statement: str) -> None:
        load = Writer._load

        def load_and_spoil(self: Writer) -> None:
            load(self)
            with self._work.connection.cursor() as cursor:
                cursor.execute("ALTER TABLE studio_tag DROP CONSTRAINT studio_tag_pkey")
                cursor.execute(statement)
                cursor.execute("ALTER TABLE studio_tag ADD PRIMARY KEY (id)")

        monkeypatch.setattr(Writer, "_load", load_and_spoil)

    return arrange


@pytest.mark.parametrize("kind", WRITTEN)
def test_rows_that_are_not_those_that_waited_are_noticed(studio, after_loading, kind) -> None:
    after_loading(WRITTEN[kind])
    assert refusal(studio.complete) == "restore.differs"
    assert changed_tables(studio.rows, rows_of_database()) == {}


def test_without_the_comparison_nobody_would_notice(studio, after_loading, monkeypatch) -> None:
    after_loading(WRITTEN["a cell"])
    monkeypatch.setattr(verifying, "rows_as_waiting", lambda *_: 1)
    assert refusal(studio.complete) == ""
    assert list(changed_tables(studio.rows, rows_of_database())) == ["studio_tag"]


def test_rows_that_wait_and_are_not_the_file_s_are_noticed(studio, monkeypatch) -> None:
    fill = waiting_tables.make_waiting

    def fill_and_spoil(session, waiting, blocks) -> None:
        fill(session, waiting, blocks)
        if waiting.target.table.name == "studio_tag":
            with session.cursor() as cursor:
                name = waiting.relation.as_string(session)
                cursor.execute(f"UPDATE {name} SET name = name || '!'")

    monkeypatch.setattr(waiting_tables, "make_waiting", fill_and_spoil)
    assert refusal(studio.complete) == "restore.differs"
    assert changed_tables(studio.rows, rows_of_database()) == {}
    # Without the proof what waited would be believed.
    monkeypatch.setattr(proving, "of_file", lambda *_: ANY)
    assert refusal(studio.complete) == ""


def test_nearly_every_table_is_compared_in_the_server(studio, monkeypatch) -> None:
    """What is printed once more is the exception."""
    printed: list[str] = []
    rows_as_printed = Verification._rows_as_printed

    def noting(self: Verification, target) -> int:
        printed.append(target.table.name)
        return rows_as_printed(self, target)

    monkeypatch.setattr(Verification, "_rows_as_printed", noting)
    restore_as(studio.complete)
    assert printed == []


def test_samples_of_waiting_tables_are_small_and_those_of_others_are_not(
    studio, monkeypatch
) -> None:
    targets: list[str] = []
    take = staging._Filling.take

    def noting(self, *args) -> None:
        targets.append(_target(self._connection))
        take(self, *args)

    monkeypatch.setattr(staging._Filling, "take", noting)
    prove = staging.rules_of

    def after(session, tables, **wanted):
        targets.append(_target(session))
        return prove(session, tables, **wanted)

    monkeypatch.setattr(staging, "rules_of", after)
    restore_as(studio.complete)
    with connection.cursor() as cursor:
        cursor.execute("SHOW default_statistics_target")
        (usual,) = cursor.fetchone()
    assert set(targets[:-1]) == {"10"} and targets[-1] == usual


def _target(session) -> str:
    with session.cursor() as cursor:
        cursor.execute("SHOW default_statistics_target")
        return str(cursor.fetchone()[0])
