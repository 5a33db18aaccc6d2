"""Damage to live data as disks and crashes leave it behind: each a value or a table that cannot be read."""

from contextlib import closing

from django.db import connection

from tests.databases import superuser


def as_administrator(*statements: str) -> None:
    """Statements that only the server's superuser may make."""
    connection.close()
    with closing(superuser()) as session, session, session.cursor() as cursor:
        cursor.execute("SET allow_system_table_mods = on")
        for statement in statements:
            cursor.execute(statement)


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
