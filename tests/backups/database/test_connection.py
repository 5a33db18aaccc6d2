"""The engine's own sessions: the same whatever server, database and role say; errors without values."""

import psycopg2
import pytest
from django.db import connection as django_connection

from backups.database.connection import SESSION, connect, connected, database_failure
from backups.errors import DatabaseFailure

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
    assert shown("statement_timeout") == shown("lock_timeout") == "0"


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
    ],
)
def test_the_server_s_complaint_becomes_ours(state: str | None, code: str, permanent: bool):
    class Complaint(psycopg2.Error):
        pgcode = state  # type: ignore[assignment]

    failure = database_failure(Complaint("value of a row"))
    assert (failure.code, failure.permanent) == (code, permanent)
    assert "value of a row" not in failure.message + failure.hint
    assert failure.hint
