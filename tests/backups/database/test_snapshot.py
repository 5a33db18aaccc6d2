"""One instant, read-only by the server's own rule."""

import psycopg2
import pytest
from django.db import connection
from psycopg2 import sql

from backups.database import damage, row_stream
from backups.database.connection import connected
from backups.database.snapshot import snapshot
from backups.database.table_reading import reading
from backups.errors import DatabaseFailure
from backups.registry import COMPLETE, registry
from backupsvc.studio.models import Organization

pytestmark = pytest.mark.django_db(transaction=True)


def organizations(cursor) -> list[str]:
    cursor.execute("SELECT id FROM studio_organization ORDER BY id")
    return [row[0] for row in cursor.fetchall()]


def test_what_is_committed_later_is_not_seen():
    Organization.objects.create(id="a", slug="a")
    with snapshot() as view, view.connection.cursor() as cursor:
        assert organizations(cursor) == ["a"]
        Organization.objects.create(id="b", slug="b")
        Organization.objects.filter(pk="a").delete()
        assert organizations(cursor) == ["a"]
    with connection.cursor() as cursor:
        assert organizations(cursor) == ["b"]


def test_an_ordinary_transaction_would_see_it():
    with connected(purpose="test") as ordinary, ordinary.cursor() as cursor:
        assert organizations(cursor) == []
        Organization.objects.create(id="b", slug="b")
        assert organizations(cursor) == ["b"]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO studio_organization (id) VALUES ('x')",
        "DELETE FROM studio_organization",
        "TRUNCATE studio_organization",
        "DROP TABLE studio_organization",
        "CREATE TABLE x ()",
        "SELECT setval('backups_auditevent_id_seq', 7)",
    ],
)
def test_the_database_itself_refuses_any_write(statement: str):
    with (
        snapshot() as view,
        view.connection.cursor() as cursor,
        pytest.raises(psycopg2.errors.ReadOnlySqlTransaction),
    ):
        cursor.execute(statement)


def test_what_the_database_refuses_is_a_failure_in_our_words():
    with pytest.raises(DatabaseFailure) as refused, snapshot() as view:
        view.connection.cursor().execute("SELECT 1 / 0")
    assert (refused.value.code, "22012" in refused.value.message) == ("database.error", True)


def test_another_session_can_see_the_same_instant():
    with snapshot() as view:
        name = view.export()
        Organization.objects.create(id="b", slug="b")
        with connected(purpose="test") as reader, reader.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SET TRANSACTION SNAPSHOT %s", [name])
            assert organizations(cursor) == []


def test_the_session_is_gone_afterwards():
    with snapshot() as view:
        pass
    assert view.connection.closed


def test_a_session_that_was_cut_off_is_called_lost():
    with pytest.raises(DatabaseFailure) as refused, snapshot() as view:
        pid = view.connection.info.backend_pid
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        view.tables()
    assert refused.value.code == "database.lost"


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ("(length(t.slug) / (length(t.slug) - 1))::text", "database.error", "(SQLSTATE 22012)"),
        (
            "convert_from(CASE t.slug WHEN 'b' THEN '\\xff' ELSE '\\x61' END::bytea, 'UTF8')",
            "database.no_text",
            "no text",
        ),
    ],
    ids=["a function fails", "bytes are no text"],
)
def test_what_it_refuses_while_rows_are_read_names_table_and_row(monkeypatch, fault, code, said):
    query = sql.SQL("SELECT " + fault + " FROM {} AS t")
    for module in (row_stream, damage):
        monkeypatch.setattr(
            module, "rows_query", lambda reading: query.format(reading.table.own_rows)
        )
    Organization.objects.create(id="a", slug="aaa")
    Organization.objects.create(id="b", slug="b")
    table = Organization._meta.db_table
    with pytest.raises(DatabaseFailure) as refused, snapshot() as view:
        tables = view.hold([table], wait_seconds=1)
        item = reading(registry.by_table()[table], COMPLETE, tables)
        view.stream_rows(item, lambda _: None)
    assert refused.value.code == code
    assert table in refused.value.message
    assert said in refused.value.message
    assert "section organizations: 1; the first has the key b." in refused.value.message
