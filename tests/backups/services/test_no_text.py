"""Bytes that are no text: no backup has them, and it says where they stand."""

import psycopg2
import pytest

from backups.database import unreadable
from backups.database.connection import connected
from backups.database.introspection import live_tables
from backups.database.table_reading import reading
from backups.errors import DatabaseFailure
from backups.models import BackupRun, State
from backups.registry import COMPLETE, SAFE, registry
from backups.services import composing
from backupsvc.studio.models import Organization, User, VerificationToken
from tests.restore.breaking import as_administrator, write_no_text
from tests.roundtrip.engine import back_up, stored

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folders")]


def _refused(scope) -> DatabaseFailure:
    with pytest.raises(DatabaseFailure) as refused:
        back_up(scope)
    assert BackupRun.objects.get().state == State.FAILED
    BackupRun.objects.all().delete()
    assert refused.value.code == "database.no_text"
    return refused.value


@pytest.fixture
def organizations() -> None:
    """More than the first rows of a section, which are looked at in any case."""
    Organization.objects.bulk_create(
        Organization(id=f"{n:04}", slug=f"{n}", name="שלום") for n in range(2_000)
    )


def test_a_backup_of_either_scope_names_section_and_key(organizations) -> None:
    write_no_text("studio_organization", "name", "1987")
    for scope in (SAFE, COMPLETE):
        assert "section organizations has the key 1987." in _refused(scope).message


def test_nobody_who_does_not_look_would_notice(organizations, monkeypatch) -> None:
    """The twin: the file is verified by its digests, and no restore takes it."""
    write_no_text("studio_organization", "name", "1987")
    monkeypatch.setattr(composing, "require_text", lambda *_: None)
    assert stored(back_up(COMPLETE)).stat().st_size


def test_a_secret_that_is_none_is_told_in_words_and_a_key_that_is_one_not_at_all() -> None:
    User.objects.create(id="u", email="u@studio.example", password="x")
    write_no_text("studio_user", "password", "u")
    assert "studio_user" in _refused(SAFE).message
    assert "key u." in _refused(COMPLETE).message
    User.objects.update(password=None)
    VerificationToken.objects.create(token="t0ken", identifier="i", expires="2030-01-01T00:00Z")
    as_administrator(
        "CREATE CAST (bytea AS text) WITHOUT FUNCTION",
        "UPDATE studio_verificationtoken SET identifier = '\\xff'::bytea::text",
        "DROP CAST (bytea AS text)",
    )
    assert "t0ken" not in _refused(COMPLETE).message


def test_the_search_for_the_row_is_bounded_in_all(monkeypatch) -> None:
    """Each of its statements ends in time; together they would not."""
    asked = []

    def search(connection, *_) -> None:
        with connection.cursor() as cursor:
            for _each in range(200):
                asked.append(1)
                cursor.execute("SELECT pg_sleep(0.1)")

    monkeypatch.setattr(unreadable, "damage_of", search)
    monkeypatch.setattr(unreadable, "SEARCH_SECONDS", 0.5)
    Organization.objects.create(id="0", slug="0", name="x")
    with connected(purpose="test") as connection:
        table = live_tables(connection)["studio_organization"]
    item = reading(registry.by_table()["studio_organization"], COMPLETE, {table.name: table})
    failure = unreadable.unreadable_rows("default", item, psycopg2.DataError("22012"))
    assert failure.code == "database.lost" and 1 < len(asked) < 50
