"""The live values of columns that hold secrets, read where the rows of a backup are read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.introspection import LiveColumn, LiveTable
from backups.database.unreadable import no_text

_AT_ONCE = 5_000


@dataclass(frozen=True)
class SecretColumn:
    """``name`` is what pages and markers call it, such as ``users.password``."""

    name: str
    table: LiveTable
    column: LiveColumn


def secret_values(
    connection: Connection, columns: Iterable[SecretColumn]
) -> Iterator[tuple[str, bytes]]:
    """Each distinct value as bytes, with the name of its column. Within a transaction.

    Elements of arrays and strings and numbers of JSON documents are values of their own; of ``bytea`` it is
    the bytes.
    """
    for wanted in columns:
        with connection.cursor(name="secret_values") as cursor:
            cursor.itersize = _AT_ONCE
            cursor.execute(_query(wanted))
            try:
                for (value,) in cursor:
                    yield wanted.name, bytes.fromhex(value) if _is_bytes(wanted) else value.encode()
            except UnicodeDecodeError as error:
                # The driver found what the server hands out unseen.
                raise no_text(wanted.table.name) from error


def _is_bytes(wanted: SecretColumn) -> bool:
    return wanted.column.made_of in ("bytea", "bytea[]")


def _query(wanted: SecretColumn) -> sql.Composed:
    cell = sql.SQL("t.{}").format(sql.Identifier(wanted.column.name))
    return sql.SQL("SELECT DISTINCT {value} FROM {table} AS t{each} WHERE {value} <> ''").format(
        value=_value(wanted, cell), table=wanted.table.own_rows, each=_each(wanted, cell)
    )


def _value(wanted: SecretColumn, cell: sql.Composable) -> sql.Composable:
    if wanted.column.made_of in ("json", "jsonb"):
        return sql.SQL("(e #>> '{{}}')")
    element = sql.SQL("e") if wanted.column.made_of.endswith("[]") else cell
    if _is_bytes(wanted):
        return sql.SQL("encode({}, 'hex')").format(element)
    return sql.SQL("{}::text").format(element)


def _each(wanted: SecretColumn, cell: sql.Composable) -> sql.Composable:
    if wanted.column.made_of in ("json", "jsonb"):
        return sql.SQL(
            " CROSS JOIN LATERAL (SELECT j FROM jsonb_path_query({}::jsonb, 'lax $.**') AS j"
            " WHERE jsonb_typeof(j) IN ('string', 'number')) AS u(e)"
        ).format(cell)
    if wanted.column.made_of.endswith("[]"):
        return sql.SQL(" CROSS JOIN LATERAL pg_catalog.unnest({}) AS u(e)").format(cell)
    return sql.SQL("")
