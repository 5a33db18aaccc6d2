"""What counts as a table, a sequence and a migration of the live database."""

import pytest
from django.db import connection

from backups.database import introspection
from backups.database.connection import connected
from backupsvc.studio.models import Organization

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session():
    with connected(purpose="test") as made:
        yield made


@pytest.fixture
def made():
    """Relations of every kind, in a schema that is searched and in one that is not."""
    statements = """
        CREATE TABLE drill_plain (id serial PRIMARY KEY, b numeric(65,30) DEFAULT 1, c text[]);
        CREATE TABLE drill_parts (id int) PARTITION BY RANGE (id);
        CREATE TABLE drill_part_1 PARTITION OF drill_parts FOR VALUES FROM (1) TO (9);
        CREATE VIEW drill_view AS SELECT 1;
        CREATE MATERIALIZED VIEW drill_stored AS SELECT 1;
        CREATE SEQUENCE drill_loose START 5;
        CREATE SCHEMA drill_elsewhere;
        CREATE TABLE drill_elsewhere.drill_hidden (id int);
        CREATE TABLE drill_elsewhere.drill_plain (id int, other int);
        ALTER TABLE drill_plain ADD COLUMN dropped int;
        ALTER TABLE drill_plain DROP COLUMN dropped;
    """
    with connection.cursor() as cursor:
        cursor.execute(statements)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA drill_elsewhere CASCADE")
        cursor.execute("DROP MATERIALIZED VIEW drill_stored; DROP VIEW drill_view")
        cursor.execute("DROP TABLE drill_plain, drill_parts; DROP SEQUENCE drill_loose")


@pytest.mark.usefixtures("made")
def test_tables_and_partitioned_tables_count_and_their_parts_and_views_do_not(session):
    found = {name for name in introspection.live_tables(session) if name.startswith("drill")}
    assert found == {"drill_plain", "drill_parts"}


@pytest.mark.usefixtures("made")
def test_a_temporary_table_is_nobody_s(session):
    with session.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE drill_temporary (id int)")
    assert "drill_temporary" not in introspection.live_tables(session)


@pytest.mark.usefixtures("made")
def test_columns_have_the_database_s_own_names_for_their_types(session):
    table = introspection.live_tables(session)["drill_plain"]
    assert {c.name: (c.type, c.encoding) for c in table.columns.values()} == {
        "id": ("integer", "native"),
        "b": ("numeric(65,30)", "text"),
        "c": ("text[]", "native"),
    }
    assert [c.has_default for c in table.columns.values()] == [True, True, False]
    assert [c.nullable for c in table.columns.values()] == [False, True, True]


@pytest.mark.usefixtures("made")
def test_of_equal_names_the_one_first_in_the_search_path_counts(session):
    with session.cursor() as cursor:
        cursor.execute("SET search_path TO drill_elsewhere, public")
    table = introspection.live_tables(session)["drill_plain"]
    assert (table.schema, list(table.columns)) == ("drill_elsewhere", ["id", "other"])


def test_what_an_extension_owns_is_not_the_application_s(session):
    with session.cursor() as cursor:
        # One that a role may add which is no superuser; which there are is the server's build.
        cursor.execute(
            "SELECT quote_ident(name) FROM pg_available_extension_versions WHERE trusted"
            " AND name NOT IN (SELECT extname FROM pg_extension) ORDER BY name"
        )
        if (found := cursor.fetchone()) is None:  # seen only by `make compat`, which says so
            pytest.skip("this build of PostgreSQL has no extension that an ordinary role may add")
        (extension,) = found
        cursor.execute(f"CREATE EXTENSION {extension}")
        cursor.execute("CREATE TABLE drill_owned (id serial)")
        cursor.execute(f"ALTER EXTENSION {extension} ADD TABLE drill_owned")
    assert "drill_owned" not in introspection.live_tables(session)


@pytest.mark.usefixtures("made")
def test_sequences_are_there_with_who_owns_them(session):
    found = {s.name: s for s in introspection.live_sequences(session)}
    assert (found["drill_plain_id_seq"].table, found["drill_plain_id_seq"].column) == (
        *("drill_plain", "id"),
    )
    assert found["drill_loose"].table == ""
    assert introspection.sequence_state(session, found["drill_loose"]) == (5, False)
    with session.cursor() as cursor:
        cursor.execute("SELECT nextval('drill_loose')")
    assert introspection.sequence_state(session, found["drill_loose"]) == (5, True)


def test_rows_are_counted_exactly(session):
    Organization.objects.create(id="a", slug="a")
    tables = introspection.live_tables(session)
    wanted = [tables["studio_organization"], tables["studio_user"]]
    assert introspection.count_rows(session, wanted) == {
        "studio_organization": 1,
        "studio_user": 0,
    }
    assert introspection.count_rows(session, []) == {}


def test_the_last_migration_of_each_app_is_known(session):
    found = introspection.last_migrations(session)
    assert found["sessions"] == "0001_initial"
    assert found["admin"] == "0003_logentry_add_action_flag_choices"


def test_a_database_without_django_s_table_has_no_migrations(session):
    with session.cursor() as cursor:
        cursor.execute("ALTER TABLE django_migrations RENAME TO other")
    assert introspection.last_migrations(session) == {}


def test_the_server_s_version_is_a_number(session):
    assert introspection.server_version(session)[:2].isdigit()
