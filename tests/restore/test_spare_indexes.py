"""Indexes that are taken off for the loading are back as they were; what could not be stays attached."""

from contextlib import closing

import pytest
from django.db import connection

from backups.database.connection import connected
from backups.database.introspection import live_tables
from restore.database import indexes, powers
from restore.database.indexes import SpareIndexes
from restore.services.applying import outcome, writing
from tests.databases import superuser
from tests.restore.steps import refusal, restore_as
from tests.restore.tables import changed_tables, rows_of_database
from tests.roundtrip.dump import dump_schema

pytestmark = pytest.mark.usefixtures("changing_schema")

GOES = """
CREATE INDEX i_plain ON studio_tag (name);
COMMENT ON INDEX i_plain IS 'it''s "plain"; 100 %';
CREATE INDEX "I Odd ""name"" %s" ON studio_tag (name DESC NULLS LAST, created_at);
CREATE INDEX i_partial ON studio_tag (created_at) WHERE name <> '' AND created_at > '2020-01-01';
CREATE INDEX i_expression ON studio_tag (lower(name), length(name));
CREATE UNIQUE INDEX i_unique ON studio_tag (id) INCLUDE (name) WITH (fillfactor = 70);
CREATE INDEX i_hash ON studio_tag USING hash (name);
CREATE INDEX i_brin ON studio_tag USING brin (created_at) WITH (pages_per_range = 8);
CREATE INDEX i_gin ON studio_tag USING gin (to_tsvector('english', name));
CREATE INDEX i_collated ON studio_tag (name COLLATE "C" text_pattern_ops);
ALTER TABLE studio_tag ADD CONSTRAINT u_later UNIQUE (id, name) DEFERRABLE INITIALLY DEFERRED;
COMMENT ON CONSTRAINT u_later ON studio_tag IS 'of the rule';
COMMENT ON INDEX u_later IS 'of its index';
ALTER TABLE studio_tag ADD CONSTRAINT u_plain UNIQUE (created_at, id);
CREATE STATISTICS s_kept (dependencies) ON name, created_at FROM studio_tag;
"""

STAYS = """
CREATE FUNCTION shouted(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper($1) $$;
CREATE INDEX x_function ON studio_tag (shouted(name));
CREATE INDEX x_predicate ON studio_tag (id) WHERE shouted(name) <> '';
CREATE INDEX x_statistics ON studio_tag (lower(name));
ALTER INDEX x_statistics ALTER COLUMN 1 SET STATISTICS 500;
CREATE INDEX x_clustered ON studio_tag (id, created_at);
ALTER TABLE studio_tag CLUSTER ON x_clustered;
CREATE UNIQUE INDEX x_identity ON studio_tag (id);
ALTER TABLE studio_tag REPLICA IDENTITY USING INDEX x_identity;
ALTER TABLE studio_tag ADD CONSTRAINT x_options UNIQUE (id, created_at, name) WITH (fillfactor = 60);
ALTER TABLE studio_tag ADD CONSTRAINT x_excluded EXCLUDE USING btree (id WITH =);
ALTER TABLE studio_tag ADD CONSTRAINT x_pointed UNIQUE (name, id);
CREATE TABLE counted (name text, n int, id text);
CREATE RULE x_rule AS ON INSERT TO counted DO ALSO INSERT INTO studio_tag
  VALUES (new.id, new.name) ON CONFLICT ON CONSTRAINT x_pointed DO NOTHING;
"""


@pytest.fixture(autouse=True)
def of_few_rows(monkeypatch) -> None:
    monkeypatch.setattr(writing, "ROWS_WORTH_AN_INDEX", 1)


@pytest.fixture
def taken_off(monkeypatch) -> list[str]:
    """The names of what restores take off."""
    names: list[str] = []
    take_off = SpareIndexes.take_off

    def noting(self: SpareIndexes, *tables: object) -> None:
        take_off(self, *tables)  # type: ignore[arg-type]
        names.extend(index.name for index in self._off)

    monkeypatch.setattr(SpareIndexes, "take_off", noting)
    return names


def execute(statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statements)


def test_every_index_is_back_as_it_was(studio, taken_off) -> None:
    execute(GOES)
    before, rows = dump_schema(), rows_of_database()
    restore_as(studio.complete)
    assert dump_schema() == before
    assert changed_tables(rows, rows_of_database()) == {}
    wanted = {"i_plain", 'I Odd "name" %s', "i_partial", "i_expression", "i_unique", "i_hash"}
    wanted |= {"i_brin", "i_gin", "i_collated", "u_later", "u_plain"}
    assert wanted <= set(taken_off)


def test_what_could_not_be_put_back_as_it_was_stays(studio, taken_off) -> None:
    execute(STAYS)
    before = dump_schema()
    restore_as(studio.complete)
    assert dump_schema() == before
    assert taken_off and not [name for name in taken_off if name.startswith("x_")]
    assert "studio_tag_pkey" not in taken_off


def test_where_comments_are_forgotten_it_is_seen(studio, monkeypatch) -> None:
    execute(GOES)
    before = dump_schema()
    query = indexes._SPARE.replace("obj_description(x.oid, 'pg_class')", "NULL")
    monkeypatch.setattr(indexes, "_SPARE", query)
    restore_as(studio.complete)
    assert dump_schema() != before


def test_where_marks_of_an_index_are_not_looked_at_it_is_seen(studio, monkeypatch) -> None:
    execute(STAYS)
    before = dump_schema()
    query = indexes._SPARE.replace("OR i.indisclustered OR i.indisreplident", "")
    monkeypatch.setattr(indexes, "_SPARE", query)
    restore_as(studio.complete)
    assert dump_schema() != before


def test_where_the_server_has_no_room_for_more_locks_all_stay(
    studio, taken_off, monkeypatch
) -> None:
    monkeypatch.setattr(powers.Locks, "fit_with", lambda self, more: more == 0)
    restore_as(studio.complete)
    assert taken_off == []


def test_where_the_account_may_make_no_index_all_stay(studio, taken_off) -> None:
    """Whoever owns a table may drop its indexes; to make one takes a right on the schema."""
    connection.close()
    with closing(superuser()) as session, session, session.cursor() as cursor:
        cursor.execute("ALTER SCHEMA public OWNER TO CURRENT_USER")
        cursor.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC, pg_database_owner")
    restore_as(studio.complete)
    assert taken_off == []


def test_a_refused_restore_leaves_every_index(studio, monkeypatch) -> None:
    execute(GOES)
    before, rows = dump_schema(), rows_of_database()
    monkeypatch.setattr(outcome, "differences", lambda *_: ["everything"])
    assert refusal(studio.complete) == "restore.not_as_planned"
    assert dump_schema() == before and changed_tables(rows, rows_of_database()) == {}


def test_indexes_of_partitions_stay(studio) -> None:
    with connected(purpose="test") as session:
        found = indexes.spare_indexes(session, live_tables(session).values())
    tables = {index.table for index in found}
    assert "studio_tag" in tables and not [name for name in tables if "zoo_reading" in name]


def test_indexes_stay_where_event_triggers_would_act(studio, monkeypatch) -> None:
    monkeypatch.setattr(powers, "event_triggers", lambda connection: ["somebody's"])
    with connected(purpose="test") as session:
        tables = list(live_tables(session).values())
        work = SpareIndexes(session)
        work.take_off(tables, tables)
    assert list(work._off) == []
