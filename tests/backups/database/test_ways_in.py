"""The ways in which a project may tell of its database: each is followed by a connection of ours."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection as django_connection

from backups.database.connection import connected, parameters_of
from backups.errors import DatabaseFailure
from restore.database import programs, throwaway

pytestmark = pytest.mark.django_db(transaction=True)
Place = dict[str, Any]


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """Where the database is, as libpq calls it; the settings say nothing of that any more."""
    known = django_connection.settings_dict
    names = {
        "dbname": "NAME",
        "user": "USER",
        "password": "PASSWORD",
        "host": "HOST",
        "port": "PORT",
    }
    found = {name: str(known[setting]) for name, setting in names.items() if known.get(setting)}
    for setting in ("USER", "PASSWORD", "HOST", "PORT"):
        monkeypatch.setitem(known, setting, "")
    monkeypatch.setitem(known, "OPTIONS", {})
    return found


def reached() -> str:
    with connected(purpose="test") as link, link.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        return str(cursor.fetchone()[0])  # type: ignore[index]


def _by_environment(place: Place, monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    for name in ("user", "password", "host", "port"):
        if name in place:
            monkeypatch.setenv(f"PG{name.upper()}", place[name])


def _by_service(place: Place, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """The service names the database too, and a file has the password."""
    lines = [f"{name}={value}" for name, value in place.items() if name != "password"]
    (folder / "services").write_text("\n".join(["[studio]", *lines, ""]))
    (folder / "passwords").write_text(f"*:*:*:*:{place.get('password', '')}\n")
    (folder / "passwords").chmod(0o600)
    monkeypatch.setenv("PGSERVICEFILE", str(folder / "services"))
    known = django_connection.settings_dict
    monkeypatch.setitem(known, "NAME", "")
    options = {"service": "studio", "passfile": str(folder / "passwords")}
    monkeypatch.setitem(known, "OPTIONS", options)


def _by_options(place: Place, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """What libpq knows and Django has no setting for."""
    more = {
        **{"sslmode": "prefer", "sslrootcert": str(folder / "root.crt"), "connect_timeout": 5},
        **{"keepalives_idle": 30, "target_session_attrs": "read-write"},
        **{"options": "-c geqo=off", "application_name": "of the project"},
    }
    known = django_connection.settings_dict
    for name in ("user", "password", "host", "port"):
        monkeypatch.setitem(known, name.upper(), place.get(name, ""))
    monkeypatch.setitem(known, "OPTIONS", more)


def _by_connections_that_stay(place: Place, monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    """What concerns Django's own connections alone."""
    known = django_connection.settings_dict
    for name in ("user", "password", "host", "port"):
        monkeypatch.setitem(known, name.upper(), place.get(name, ""))
    for name, value in (
        *(("CONN_MAX_AGE", 600), ("CONN_HEALTH_CHECKS", True), ("ATOMIC_REQUESTS", True)),
        *(("AUTOCOMMIT", False), ("TIME_ZONE", "Asia/Tokyo")),
        ("DISABLE_SERVER_SIDE_CURSORS", True),
    ):
        monkeypatch.setitem(known, name, value)
    monkeypatch.setitem(known, "OPTIONS", {"isolation_level": 2, "server_side_binding": False})


WAYS = [_by_environment, _by_service, _by_options, _by_connections_that_stay]


@pytest.mark.parametrize("way", WAYS)
def test_each_way_leads_to_the_database(
    place: Place,
    way: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    way(place, monkeypatch, tmp_path)
    assert reached() == place["dbname"]
    # A program of PostgreSQL's is told of it in the same way, and never of the password.
    address = programs.address_of("default")
    assert "password=" not in address
    assert throwaway.prefix_of("default") == throwaway.prefix_for(place["dbname"])


def test_without_the_settings_no_way_leads_there(place: Place) -> None:
    """The twin: nothing of the tests' own leads there by itself."""
    with pytest.raises(DatabaseFailure):
        reached()


def test_a_socket_s_folder_and_a_host_both_count_as_hosts(place: Place) -> None:
    for host in ("/var/run/postgresql", "db.example"):
        django_connection.settings_dict["HOST"] = host
        assert parameters_of("default")["host"] == host


def test_a_pool_is_django_s_own_affair(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Django takes it out of the parameters where psycopg 3 is there; without, it says so itself."""
    monkeypatch.setitem(django_connection.settings_dict, "OPTIONS", {"pool": {"max_size": 3}})
    try:
        assert "pool" not in parameters_of("default")
    except DatabaseFailure as refused:
        assert refused.code == "database.settings"
        assert isinstance(refused.__cause__, ImproperlyConfigured)
