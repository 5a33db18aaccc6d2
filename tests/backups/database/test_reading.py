"""Which columns of a declared table are read, in which order, and how the rows are streamed."""

import json

import pytest
from django.db import connection
from psycopg2 import sql

from backups.database import introspection, row_stream
from backups.database.connection import connected
from backups.database.row_stream import copy_lines, stream_rows
from backups.database.table_reading import TableReading, column_of, fingerprint, reading
from backups.errors import ConfigurationError
from backups.registry import COMPLETE, SAFE, registry
from backupsvc.studio.models import Client, Organization, ProjectUpdateMessage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session():
    with connected(purpose="test") as made:
        yield made


def of(key: str, session, scope=COMPLETE) -> TableReading:
    return reading(registry.by_key()[key], scope, introspection.live_tables(session))


def rows(session, item: TableReading) -> list[dict[str, object]]:
    blocks: list[bytes] = []
    stream_rows(session, item, blocks.append)
    assert all(block.endswith(b"\n") for block in blocks)
    return [json.loads(line) for line in b"".join(blocks).splitlines()]


def test_a_field_s_column_is_its_name_in_the_database():
    assert column_of(Client, "org") == "org_id"


def test_a_safe_reading_leaves_the_redacted_columns_out(session):
    complete, safe = of("users", session), of("users", session, SAFE)
    assert {c.name for c in complete.columns} - {c.name for c in safe.columns} == {"password"}
    assert (complete.redacted, safe.redacted) == ((), ("password",))


def test_columns_with_embedded_json_come_last(session):
    item = of("projectUpdateMessages", session)
    encodings = [column.encoding for column in item.columns]
    assert encodings.count("json") > 1
    assert encodings == sorted(encodings, key=lambda encoding: encoding == "json")
    fields = [str(f.column) for f in ProjectUpdateMessage._meta.local_concrete_fields]
    assert [c.name for c in item.columns if c.encoding != "json"] == [
        name for name in fields if item.table.columns[name].encoding != "json"
    ]


def test_a_table_that_the_database_lacks_is_a_migration_that_was_not_made(session):
    with pytest.raises(ConfigurationError) as refused:
        reading(registry.by_key()["users"], COMPLETE, {})
    assert refused.value.code == "schema.behind"


def test_a_column_that_the_database_lacks_too(session):
    tables = introspection.live_tables(session)
    del tables["studio_user"].columns["email"]
    with pytest.raises(ConfigurationError) as refused:
        reading(registry.by_key()["users"], COMPLETE, tables)
    assert refused.value.code == "schema.behind"


def test_rows_come_in_the_order_of_their_keys_by_code_point(session):
    for key in ("b", "a", "B", "ä", "A", "é", "Z"):
        Organization.objects.create(id=key, slug=key)
    keys = [row["id"] for row in rows(session, of("organizations", session))]
    assert keys == sorted(["b", "a", "B", "ä", "A", "é", "Z"])


def test_blocks_are_whole_lines_of_about_the_same_size(session, monkeypatch):
    monkeypatch.setattr(row_stream, "BLOCK_BYTES", 500)
    Organization.objects.bulk_create(Organization(id=f"{n:04}", slug=f"{n}") for n in range(100))
    blocks: list[bytes] = []
    stream_rows(session, of("organizations", session), blocks.append)
    assert all(block.endswith(b"}\n") for block in blocks)
    assert all(500 <= len(block) < 1000 for block in blocks[:-1])


def test_an_error_of_who_takes_the_rows_comes_through_at_once(session):
    def refuse(_: bytes) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        copy_lines(
            session, _query("SELECT repeat('x', 1000) FROM generate_series(1, 3000000)"), refuse
        )
    session.rollback()
    with session.cursor() as cursor:
        cursor.execute("SELECT 1")


def _query(text: str):
    return sql.SQL(text)


def test_a_table_without_rows_gives_no_block(session):
    assert rows(session, of("organizations", session)) == []


def test_equal_schemas_have_equal_fingerprints_and_another_column_another(session):
    former = fingerprint([of("organizations", session), of("users", session)])
    assert fingerprint([of("users", session), of("organizations", session)]) == former
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE studio_organization ALTER COLUMN name DROP NOT NULL")
    try:
        assert fingerprint([of("organizations", session), of("users", session)]) != former
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE studio_organization ALTER COLUMN name SET NOT NULL")
