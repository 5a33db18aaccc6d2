"""What may be in the tables before a restore: nothing, or rows that collide with those of the file."""

from django.db import connection
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from backups.database import introspection
from backups.database.introspection import LiveTable
from backups.registry import registry


def empty_everything(cursor: Cursor) -> None:
    """No rows in any section's table, and every sequence of theirs back at its start."""
    found = tables()
    cursor.execute(sql.SQL("TRUNCATE {}").format(_names(found)))
    _restart_sequences(cursor, found)


def rotate_everything(cursor: Cursor) -> None:
    """Each row keeps its key and gets all else of the next row, its unique values too."""
    # One of these leads nowhere, so it could not be written again.
    cursor.execute("DELETE FROM zoo_pointer")
    found = tables()
    for number, table in enumerate(found):
        cursor.execute(
            sql.SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT * FROM {}").format(
                sql.Identifier(f"former_{number}"), table.own_rows
            )
        )
    cursor.execute(sql.SQL("TRUNCATE {}").format(_names(found)))
    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    for number, table in enumerate(found):
        cursor.execute(_rotation(f"former_{number}", table))
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    _restart_sequences(cursor, found)


def tables() -> list[LiveTable]:
    """The live table of every section."""
    live = introspection.live_tables(connection.connection)
    return [live[section.table] for section in registry.of_project]


def _restart_sequences(cursor: Cursor, found: list[LiveTable]) -> None:
    """Not those of tables outside the file: a restore leaves them as they are."""
    for sequence in introspection.live_sequences(connection.connection):
        if not sequence.table or sequence.table in {table.name for table in found}:
            cursor.execute(sql.SQL("ALTER SEQUENCE {} RESTART").format(sequence.identifier))


def _rotation(former: str, table: LiveTable) -> sql.Composed:
    section = registry.by_table()[table.name]
    key = [str(field.column) for field in section.model._meta.pk_fields]
    others = [c.name for c in table.columns.values() if c.name not in key and not c.generated]
    numbered = sql.SQL(
        "(SELECT *, row_number() OVER (ORDER BY {}) AS place_, count(*) OVER () AS rows_ FROM {})"
    ).format(_list(key), sql.Identifier(former))
    return sql.SQL(
        "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {values} FROM {numbered} AS a"
        " JOIN {numbered} AS b ON b.place_ = a.place_ % a.rows_ + 1"
    ).format(
        table=table.identifier,
        columns=_list([*key, *others]),
        values=sql.SQL(", ").join(
            [*(sql.Identifier("a", c) for c in key), *(sql.Identifier("b", c) for c in others)]
        ),
        numbered=numbered,
    )


def _names(found: list[LiveTable]) -> sql.Composed:
    """For TRUNCATE, which wants the tables that point here named too."""
    names = [table.identifier for table in found]
    return sql.SQL(", ").join([*names, sql.Identifier("django_admin_log")])


def _list(columns: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
