"""A rehearsal tries what production has: its schema, its rules, its way of sorting."""

import stat
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connections
from psycopg2 import sql

from backups.database.complaints import database_failure
from backups.database.connection import connected
from backups.errors import BackupSystemError
from backups.registry import SAFE, registry
from restore.database import bystanders, live_schema, programs, throwaway
from restore.services.applying import isolation, rehearsing
from tests.battery.rehearsals import refused, rehearse, throwaways
from tests.databases import dropping, on_server, superuser
from tests.roundtrip.dump import differences, dump_data
from tests.roundtrip.engine import back_up, writing

# Found in databases that migrations alone did not make.
UNKNOWN_TO_MIGRATIONS = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS hstore;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE SCHEMA house;
CREATE TYPE house.mood AS ENUM ('calm', 'it''s "odd"');
CREATE DOMAIN house.short AS text CHECK (length(VALUE) < 9);
CREATE SEQUENCE house.numbers INCREMENT BY 7;
CREATE TABLE house.ledger (
    id integer GENERATED ALWAYS AS IDENTITY, owner text REFERENCES studio_user (id),
    mood house.mood DEFAULT 'calm', tags hstore, name citext, code house.short,
    twice integer GENERATED ALWAYS AS (id * 2) STORED, PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE TABLE house.ledger_few PARTITION OF house.ledger FOR VALUES FROM (0) TO (100);
CREATE TABLE "unmanaged; --" ("it's" text, n integer CHECK (n > 0) NOT NULL);
CREATE FUNCTION house.touch() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    -- Name: x; Type: TABLE; Schema: -; Owner: nobody
    RETURN NEW;
END $body$;
CREATE FUNCTION house.one() RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;
CREATE TRIGGER touched BEFORE UPDATE ON studio_tag FOR EACH ROW EXECUTE FUNCTION house.touch();
CREATE VIEW house.seen AS SELECT id, count(*) FROM studio_tag GROUP BY id, name;
CREATE MATERIALIZED VIEW house.known AS SELECT * FROM house.seen;
CREATE RULE quiet AS ON DELETE TO "unmanaged; --" DO INSTEAD NOTHING;
CREATE INDEX words ON studio_tag USING gin (name gin_trgm_ops);
CREATE STATISTICS house.together ON id, name FROM studio_tag;
ALTER TABLE house.ledger ENABLE ROW LEVEL SECURITY;
CREATE POLICY everyone ON house.ledger USING (true);
COMMENT ON TABLE "unmanaged; --" IS 'by hand';
"""


def by_hand(statements: str) -> None:
    with writing() as cursor:
        cursor.execute(statements)


def test_the_schema_is_the_live_one_to_the_letter(studio, tmp_path, monkeypatch) -> None:
    backup = back_up()
    by_hand(UNKNOWN_TO_MIGRATIONS)
    found: list[list[bytes]] = []
    tried = isolation.carry_out

    def look(order: isolation.Order, progress: Any) -> Any:
        found.append(_dumped(order.database["NAME"]))
        return tried(order, progress)

    monkeypatch.setattr(isolation, "carry_out", look)
    rehearsal = rehearse(backup)
    assert rehearsal.report["findings"] == []
    live = _dumped(connections["default"].settings_dict["NAME"])
    assert len(live) > 1000 and found == [live]


def _dumped(database: str) -> list[bytes]:
    found = programs.find_programs(throwaway.server_major("default"))
    address = dict(connections["default"].get_connection_params(), dbname=database)
    text = subprocess.run(
        [
            found.path("pg_dump"),
            *("--restrict-key=fixed", "--schema-only", "--no-owner", "--no-privileges"),
            f"--dbname={psycopg2.extensions.make_dsn(**_known(address))}",
        ],
        check=True,
        capture_output=True,
    ).stdout
    return [line for line in text.split(b"\n") if b"EXTENSION" not in line]


def _known(address: dict[str, Any]) -> dict[str, Any]:
    return {k: address[k] for k in ("dbname", "user", "password", "host", "port")}


RULES = {
    "check": "ALTER TABLE studio_tag ADD CONSTRAINT house_rule CHECK (name = 'only this')",
    "unique": "CREATE UNIQUE INDEX house_rule ON studio_tag (type)",
    "reference": "CREATE TABLE house_names (name text PRIMARY KEY);"
    " ALTER TABLE studio_tag ADD CONSTRAINT house_rule FOREIGN KEY (name) REFERENCES house_names",
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_only_the_live_database_has_is_asked_of_the_file(studio, rule) -> None:
    backup = back_up()
    by_hand("TRUNCATE studio_tag CASCADE")
    by_hand(RULES[rule])
    if rule == "unique":
        assert refused(backup).error_code == "restore.duplicate"
    else:
        # Rows of a backup that was made here come back; the rule then cannot be validated.
        assert rehearse(backup).report["rules_left_off"] == [["studio_tag", "house_rule"]]
    assert throwaways() == []


def test_the_migrations_alone_would_not_have_known_the_rule(studio, monkeypatch) -> None:
    backup = back_up()
    by_hand("TRUNCATE studio_tag CASCADE")
    by_hand(RULES["check"])
    monkeypatch.setattr(rehearsing, "find_programs", lambda major: None)
    assert rehearse(backup).report["rules_left_off"] == []


LEANING = """
CREATE SCHEMA house;
CREATE TABLE house.names (
    name text PRIMARY KEY, keeper text NOT NULL REFERENCES studio_user (id) ON DELETE CASCADE
);
INSERT INTO house.names
    SELECT DISTINCT name, (SELECT min(id) FROM studio_user) FROM studio_tag;
ALTER TABLE studio_tag ADD CONSTRAINT known FOREIGN KEY (name) REFERENCES house.names;
CREATE TABLE house.colors (color text);
INSERT INTO house.colors SELECT DISTINCT color FROM studio_tag;
CREATE FUNCTION house.is_known(text) RETURNS boolean LANGUAGE sql
    AS 'SELECT $1 IS NULL OR EXISTS (SELECT FROM house.colors WHERE color = $1)';
ALTER TABLE studio_tag ADD CONSTRAINT looked_up CHECK (house.is_known(color))
"""


@pytest.fixture
def the_house_is_excluded(monkeypatch) -> None:
    """As an owner says who keeps tables of their own beside the project's."""
    excluded = registry.excluded_tables() | {"house.*"}
    monkeypatch.setattr(type(registry), "excluded_tables", lambda _: excluded)


@pytest.mark.usefixtures("the_house_is_excluded")
def test_rows_that_the_files_rows_lean_on_are_there(studio) -> None:
    by_hand(LEANING)
    backup, before = back_up(), dump_data()
    rehearsal = rehearse(backup)
    assert rehearsal.report["findings"] == []
    assert differences(before, dump_data()) == []


@pytest.mark.usefixtures("the_house_is_excluded")
def test_without_them_the_file_would_be_refused(studio, monkeypatch) -> None:
    by_hand(LEANING)
    monkeypatch.setattr(live_schema, "bystanders", lambda *_: [])
    left_off = rehearse(back_up()).report["rules_left_off"]
    assert {rule for _table, rule in left_off} == {"known", "looked_up"}


def test_rows_that_lean_on_what_stays_behind_stay_behind_too(studio, monkeypatch) -> None:
    by_hand("CREATE SCHEMA house; CREATE TABLE house.archive (n integer PRIMARY KEY)")
    by_hand("CREATE TABLE house.labels (n integer REFERENCES house.archive)")
    by_hand("INSERT INTO house.archive VALUES (1); INSERT INTO house.labels VALUES (1)")
    by_hand("ANALYZE house.archive")

    def names() -> set[str]:
        with connected(purpose="test") as connection:
            return {t.name for t in bystanders.bystanders(connection, ["studio_tag"], [])}

    assert {"archive", "labels"} <= names()
    monkeypatch.setattr(bystanders, "LOOKUP_BYTES", 0)
    assert not {"archive", "labels"} & names()


def test_what_only_a_superuser_may_make_is_said_to_be_untried(studio) -> None:
    backup = back_up(SAFE)
    with closing(superuser()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE EXTENSION pageinspect;"
            "CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
            "CREATE EVENT TRIGGER watching ON sql_drop EXECUTE FUNCTION watch();"
            "CREATE TABLE theirs (n integer)"
        )
    left_out = {f["code"]: f["message"] for f in rehearse(backup).report["findings"]}
    assert left_out.keys() == {"rehearsal.left_out", "rehearsal.unreadable"}
    assert "event trigger watching (42501)" in left_out["rehearsal.left_out"]
    assert "extension pageinspect (42501)" in left_out["rehearsal.left_out"]
    assert "public.theirs" in left_out["rehearsal.unreadable"]


def test_a_type_of_an_extension_that_the_account_may_not_make_is_named(studio) -> None:
    backup = back_up()
    with closing(superuser()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION cube; CREATE EXTENSION earthdistance")
    by_hand("ALTER TABLE studio_tag ADD COLUMN place earth")
    rehearsal = refused(backup)
    assert rehearsal.error_code == "rehearsal.extension"
    assert "earthdistance" in rehearsal.error_message


SORTING = {
    "libc": "LC_COLLATE 'C' LC_CTYPE 'C'",
    "icu": "LOCALE_PROVIDER icu ICU_LOCALE 'de' LC_COLLATE 'C' LC_CTYPE 'C'",
    "builtin": "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'",
}


@pytest.mark.parametrize("how", SORTING)
def test_it_stores_compares_and_sorts_as_the_live_one_does(studio, how) -> None:
    name = f"{connections['default'].settings_dict['NAME']}_sorting"
    create = sql.SQL(f"CREATE DATABASE {{}} TEMPLATE template0 ENCODING 'UTF8' {SORTING[how]}")
    try:
        on_server(*dropping(name), create.format(sql.Identifier(name)))
    except (psycopg2.errors.FeatureNotSupported, psycopg2.errors.SyntaxError):
        assert how != "libc"  # a server that knows no other has no such database
        return
    live = dict(connections["default"].settings_dict, NAME=name)
    connections.settings["sorting"] = live
    try:
        with connected("sorting", purpose="test") as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(f'ALTER DATABASE "{name}" SET search_path = house, "odd \'path"')
        with throwaway.throwaway_database("sorting") as alias:
            assert _facts(alias) == _facts("sorting")
    finally:
        connections["sorting"].close()
        connections.settings.pop("sorting")
        on_server(*dropping(name))


def _facts(alias: str) -> tuple[Any, ...]:
    with connected(alias, purpose="test") as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_jsonb(d) - 'oid' - 'datname' - 'datfrozenxid' - 'datminmxid' - 'datacl'"
            " - 'dattablespace', current_setting('search_path'),"
            " ARRAY(SELECT w FROM unnest(ARRAY['a', 'B', 'ä', 'Z', 'b']) w ORDER BY w)"
            " FROM pg_database d WHERE datname = current_database()"
        )
        return tuple(cursor.fetchone())


def program(place: Path, text: str) -> Path:
    place.write_text(f"#!/bin/sh\n{text}\n")
    place.chmod(place.stat().st_mode | stat.S_IXUSR)
    return place


@pytest.fixture
def impostor(tmp_path, settings) -> Any:
    """A folder of programs of which pg_dump is somebody else's."""

    def make(text: str) -> None:
        for name in ("pg_restore", "psql"):
            program(tmp_path / name, "exit 1")
        settings.BACKUPS_PG_DUMP = str(program(tmp_path / "pg_dump", text))

    return make


VERSION = '[ "$1" = --version ] && echo "pg_dump (PostgreSQL) %s" && exit'


@pytest.mark.parametrize("text", [VERSION % "13.4", VERSION % "", "exit 1"])
def test_a_pg_dump_that_cannot_read_the_server_is_refused_by_name(impostor, text) -> None:
    impostor(text)
    with pytest.raises(BackupSystemError) as refusal:
        programs.find_programs(14)
    assert refusal.value.code == "rehearsal.pg_dump" and "14" in refusal.value.hint


def test_a_pg_dump_that_fails_ends_the_rehearsal_with_words(studio, impostor) -> None:
    backup = back_up()
    impostor(f"{VERSION % 99}\necho 'somewhere is no entry' >&2; exit 1")
    rehearsal = refused(backup)
    assert rehearsal.error_code == "rehearsal.schema_unread"
    assert "somewhere" not in rehearsal.error_message + rehearsal.error_hint
    assert throwaways() == []


def test_a_psql_that_fails_ends_the_rehearsal_with_words(studio, settings, tmp_path) -> None:
    backup = back_up()
    real = programs.find_programs(throwaway.server_major("default"))
    for name in ("pg_dump", "pg_restore"):
        program(tmp_path / name, f"exec '{real.path(name)}' \"$@\"")
    program(tmp_path / "psql", "exit 2")
    settings.BACKUPS_PG_DUMP = str(tmp_path / "pg_dump")
    assert refused(backup).error_code == "rehearsal.schema_unmade"
    assert throwaways() == []


def test_a_database_that_nobody_can_connect_to_is_dropped_again(studio, monkeypatch) -> None:
    reached = throwaway.connected

    def by_a_pooler(alias: str = "default", **purpose: Any) -> Any:
        if alias.startswith(throwaway.PREFIX):
            raise database_failure(psycopg2.OperationalError())
        return reached(alias, **purpose)

    monkeypatch.setattr(throwaway, "connected", by_a_pooler)
    rehearsal = refused(back_up())
    assert rehearsal.error_code == "rehearsal.unreachable"
    assert "PgBouncer" in rehearsal.error_hint
    assert throwaways() == []


def test_an_owner_who_cannot_be_made_up_is_told(studio) -> None:
    backup = back_up(SAFE)
    by_hand("ALTER TABLE studio_user ADD COLUMN by_hand text; UPDATE studio_user SET by_hand = ''")
    by_hand("ALTER TABLE studio_user ALTER COLUMN by_hand SET NOT NULL")
    assert refused(backup).error_code == "rehearsal.no_owner"


def test_the_password_is_no_argument_of_any_program(studio, impostor, tmp_path) -> None:
    backup = back_up()
    real = programs.find_programs(throwaway.server_major("default"))
    seen = tmp_path / "seen"
    impostor(f"{VERSION % 99}\necho \"$@\" >> '{seen}'\nexec '{real.path('pg_dump')}' \"$@\"")
    for name in ("pg_restore", "psql"):
        program(tmp_path / name, f"echo \"$@\" >> '{seen}'\nexec '{real.path(name)}' \"$@\"")
    assert rehearse(backup).report["schema"] == "live"
    said = seen.read_text()
    secret = connections["default"].settings_dict["PASSWORD"]
    assert said.count("--dbname=") == 3 and secret and secret not in said


def test_where_there_is_no_pg_dump_none_is_found(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(programs, "_candidates", lambda: iter([tmp_path]))
    assert programs.find_programs(14) is None
    for name in ("pg_restore", "psql"):
        program(tmp_path / name, "exit 1")
    program(tmp_path / "pg_dump", VERSION % "16.1 (Debian 16.1-1)")
    assert programs.find_programs(16).major == 16
    assert programs.find_programs(17) is None
