"""Damage to live data as disks and crashes leave it behind: each a value or a table that cannot be read."""

from contextlib import closing

from django.db import connection

from tests.databases import superuser


def as_administrator(*statements: str, vacuum: str = "") -> None:
    """Statements that only the server's superuser may make; then what they deleted goes for good."""
    connection.close()
    with closing(superuser()) as session, session, session.cursor() as cursor:
        cursor.execute("SET allow_system_table_mods = on")
        for statement in statements:
            cursor.execute(statement)
    if vacuum:
        with closing(superuser()) as session, session.cursor() as cursor:
            session.autocommit = True
            cursor.execute(f"VACUUM {vacuum}")


def lose_a_piece(table: str, column: str, key: str, *, named: str = "id") -> None:
    """A value loses the pieces that are stored apart: reading it raises XX001."""
    as_administrator(
        f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL",
        f"UPDATE {table} SET {column} = repeat('lost', 3000) WHERE {named} = '{key}'",
        _as_plain_table(table, "r"),
        f"""
        DO $$ DECLARE toast regclass; BEGIN
          SELECT reltoastrelid::regclass INTO toast FROM pg_class WHERE oid = '{table}'::regclass;
          EXECUTE format('DELETE FROM %s WHERE chunk_id = (SELECT max(chunk_id) FROM %s)', toast, toast);
        END $$
        """,
        _as_plain_table(table, "t"),
        vacuum=table,
    )


def _as_plain_table(table: str, kind: str) -> str:
    """The server lets nobody delete from what it keeps pieces in, but for what it takes for a table."""
    return (
        f"UPDATE pg_class SET relkind = '{kind}' WHERE oid ="
        f" (SELECT reltoastrelid FROM pg_class WHERE oid = '{table}'::regclass)"
    )


def write_no_text(table: str, column: str, key: str) -> None:
    """Bytes that are no UTF-8, as an import without a conversion leaves them."""
    as_administrator(
        "CREATE CAST (bytea AS text) WITHOUT FUNCTION",
        f"UPDATE {table} SET {column} = '\\x61ff62'::bytea::text WHERE id = '{key}'",
        "DROP CAST (bytea AS text)",
    )


def break_page(relation: str, page: int) -> None:
    """A page of a table or an index is torn: reading it raises XX001 or XX002."""
    as_administrator(
        "CHECKPOINT",
        f"""
        DO $$ DECLARE old text := pg_relation_filepath('{relation}'::regclass); new text; BEGIN
          new := regexp_replace(old, '[0-9]+$', '99' || {page} || '{relation}'::regclass::oid::int8 % 100000);
          EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', format('cp %s %s && dd if=/dev/urandom'
            ' of=%s bs=8192 seek={page} count=1 conv=notrunc 2>/dev/null', old, new, new));
          UPDATE pg_class SET relfilenode = regexp_replace(new, '^.*/', '')::bigint::oid
            WHERE oid = '{relation}'::regclass;
        END $$
        """,
    )


def only_by_index() -> None:
    """Small tables are read by their indexes too, as large ones are."""
    as_administrator(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET enable_seqscan = off', current_database());"
        " EXECUTE format('ALTER DATABASE %I SET enable_sort = off', current_database()); END $$",
    )
