"""The engine's own sessions: the same whatever server, database and role say; errors without values."""

from collections.abc import Iterator

import psycopg2
import pytest
from django.db import connection as django_connection
from psycopg2 import sql

from backups.database.complaints import database_failure
from backups.database.connection import (
    SESSION,
    connect,
    connected,
    database_errors,
)
from backups.errors import BackupSystemError, DatabaseFailure
from tests.databases import as_superuser
from tests.roundtrip.engine import back_up

pytestmark = pytest.mark.django_db(transaction=True)


def shown(name: str) -> str:
    with connected(purpose="test") as connection, connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        (value,) = cursor.fetchone()
    return str(value)


@pytest.fixture
def awkward_database():
    """The database has settings of its own, each of which would print other text or end the work."""
    awkward = {
        "datestyle": "'German, DMY'",
        "intervalstyle": "'iso_8601'",
        "timezone": "'Asia/Tokyo'",
        "bytea_output": "'escape'",
        "extra_float_digits": "'0'",
        "statement_timeout": "'1s'",
        "lock_timeout": "'1s'",
        "default_transaction_isolation": "'serializable'",
        "standard_conforming_strings": "'off'",
    }
    alter = f"ALTER DATABASE {django_connection.ops.quote_name(django_connection.settings_dict['NAME'])}"
    with django_connection.cursor() as cursor:
        for name, value in awkward.items():
            cursor.execute(f"{alter} SET {name} = {value}")
    yield
    with django_connection.cursor() as cursor:
        cursor.execute(f"{alter} RESET ALL")


@pytest.mark.usefixtures("awkward_database")
def test_the_session_is_fixed_whatever_the_database_is_set_to():
    assert shown("datestyle") == "ISO, MDY"
    assert shown("intervalstyle") == "postgres"
    assert shown("timezone") == "UTC"
    assert shown("bytea_output") == "hex"
    assert shown("extra_float_digits") == "1"
    assert shown("transaction_isolation") == "read committed"
    assert shown("statement_timeout") == shown("lock_timeout") == "0"


@pytest.mark.usefixtures("awkward_database")
def test_backslashes_reach_the_database_as_they_are_whatever_it_is_set_to():
    with connected(purpose="test") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT %s, '\\\\'", ['{"a\\"b":'])
        assert cursor.fetchone() == ('{"a\\"b":', "\\\\")


@pytest.mark.usefixtures("awkward_database")
def test_an_ordinary_session_would_be_as_the_database_is_set():
    parameters = django_connection.get_connection_params()
    parameters.pop("cursor_factory")
    ordinary = psycopg2.connect(**parameters)
    with ordinary.cursor() as cursor:
        cursor.execute("SHOW intervalstyle")
        assert cursor.fetchone() == ("iso_8601",)
    ordinary.close()


def test_row_security_refuses_and_never_hides():
    assert SESSION["row_security"] == shown("row_security") == "off"


def test_every_setting_that_this_server_has_is_set():
    with connected(purpose="test") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT lower(name), setting FROM pg_settings")
        settings = dict(cursor.fetchall())
    unset = {n: settings[n] for n, v in SESSION.items() if n in settings and settings[n] != v}
    assert unset == {}


def test_what_a_session_is_for_is_seen_from_outside():
    assert shown("application_name") == "backups test"


def test_the_server_notices_a_dead_client_within_a_second():
    assert shown("client_connection_check_interval") == "1s"


def test_a_server_that_is_not_there_is_a_failure(monkeypatch: pytest.MonkeyPatch):
    nowhere = {"host": "127.0.0.1", "port": 1, "dbname": "none", "password": "s3cret"}
    monkeypatch.setattr(django_connection, "get_connection_params", lambda: dict(nowhere))
    with pytest.raises(DatabaseFailure) as refused:
        connect(purpose="test")
    assert refused.value.code == "database.lost"
    assert "s3cret" not in str(refused.value) + refused.value.hint


@pytest.mark.parametrize(
    ("state", "code", "permanent"),
    [
        ("53100", "database.disk_full", False),
        ("42501", "database.permission", True),
        ("57014", "database.cancelled", False),
        ("57P01", "database.lost", False),
        ("08006", "database.lost", False),
        (None, "database.lost", False),
        ("22P02", "database.error", True),
        ("53400", "database.limit", True),
    ],
)
def test_the_server_s_complaint_becomes_ours(state: str | None, code: str, permanent: bool):
    class Complaint(psycopg2.Error):
        pgcode = state  # type: ignore[assignment]

    failure = database_failure(Complaint("value of a row"))
    assert (failure.code, failure.permanent) == (code, permanent)
    assert "value of a row" not in failure.message + failure.hint
    assert failure.hint


# The way in


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> dict:
    changed = dict(django_connection.settings_dict.get("OPTIONS", {}))
    monkeypatch.setitem(django_connection.settings_dict, "OPTIONS", changed)
    return changed


@pytest.fixture
def role() -> Iterator[str]:
    name = 'a role\'s "name" 100%'
    as_superuser(
        *gone(name),
        sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)),
        sql.SQL("GRANT {} TO {}").format(
            sql.Identifier(name), sql.Identifier(django_connection.settings_dict["USER"])
        ),
    )
    yield name
    as_superuser(*gone(name))


def gone(name: str) -> list[sql.Composable]:
    return [sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name))]


def test_the_role_that_the_settings_name_is_taken_on(options: dict, role: str) -> None:
    options["assume_role"] = role
    with connected(purpose="test") as link, link.cursor() as cursor:
        cursor.execute("SELECT current_user, session_user")
        assert cursor.fetchone() == (role, django_connection.settings_dict["USER"])
        link.rollback()
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (role,)


def test_a_role_that_cannot_be_taken_on_is_said_so(options: dict) -> None:
    options["assume_role"] = "nobody there"
    with pytest.raises(DatabaseFailure) as refused:
        connect(purpose="test")
    assert refused.value.code == "database.role"


def test_what_django_passes_to_psycopg_3_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    given = django_connection.get_connection_params()
    theirs = {
        **{"context": object(), "prepare_threshold": None, "server_side_binding": True},
        **{"pool": True, "row_factory": tuple, "cursor_factory": object, "isolation_level": 2},
        "autocommit": True,
    }
    monkeypatch.setattr(django_connection, "get_connection_params", lambda: given | theirs)
    with connected(purpose="test") as link, link.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_parameters_of_libpq_reach_it(options: dict) -> None:
    options |= {"options": "-c search_path=pg_catalog", "connect_timeout": 7, "sslmode": "prefer"}
    with connected(purpose="test") as link, link.cursor() as cursor:
        cursor.execute("SHOW search_path")
        assert cursor.fetchone() == ("pg_catalog",)
        assert link.get_dsn_parameters()["connect_timeout"] == "7"


def test_an_option_that_nobody_knows_is_called_a_setting(options: dict) -> None:
    options["no_such_option"] = "1"
    with pytest.raises(DatabaseFailure) as refused:
        connect(purpose="test")
    assert refused.value.code == "database.settings"


def test_a_database_that_takes_no_writes_is_said_so() -> None:
    with (
        pytest.raises(DatabaseFailure) as refused,
        connected(purpose="test") as link,
        database_errors(),
        link.cursor() as cursor,
    ):
        cursor.execute("SET default_transaction_read_only = on")
        link.commit()
        cursor.execute("CREATE TABLE x ()")
    assert refused.value.code == "database.read_only"
    assert "default_transaction_read_only" in refused.value.hint


def test_a_table_whose_rows_are_hidden_from_its_owner_is_named() -> None:
    table = "studio_organization"
    with django_connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    try:
        with pytest.raises(DatabaseFailure) as refused:
            back_up()
    finally:
        with django_connection.cursor() as cursor:
            cursor.execute(
                f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY"
            )
    assert refused.value.code == "database.permission"
    assert table in refused.value.message


def test_a_table_that_may_not_be_read_is_named() -> None:
    table, user = "studio_organization", django_connection.settings_dict["USER"]
    with django_connection.cursor() as cursor:
        cursor.execute(f"REVOKE SELECT ON {table} FROM {user}")
    try:
        with pytest.raises(BackupSystemError) as refused:
            back_up()
    finally:
        with django_connection.cursor() as cursor:
            cursor.execute(f"GRANT SELECT ON {table} TO {user}")
    assert table in refused.value.message
    if django_connection.pg_version < 160000:
        # Until then a lock for reading asks for the right to read, and the lock comes first.
        assert refused.value.code == "database.permission"
    else:
        assert refused.value.code == "coverage.uncovered"
        assert "backups.E108" in refused.value.message
