"""Rows as JSON, made by the server and streamed by COPY.

One document a line: CSV with a quote and a delimiter that JSON never holds raw prints it as it is.
"""

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.data_addresses import without_content
from backups.database.introspection import LiveColumn
from backups.database.table_reading import TableReading

# Blocks have between this and twice as much.
BLOCK_BYTES = 128 * 1024
JOINED_AT_ONCE = 8
_INTEGERS = {"smallint", "integer", "bigint"}
# Printed in digits, letters and signs that mean nothing inside a string of JSON.
_NOTHING_TO_ESCAPE = {
    *("uuid", "numeric", "date"),
    *("timestamp with time zone", "timestamp without time zone", "time without time zone"),
}
_MODIFIER = re.compile(r"\(-?\d+(,-?\d+)?\)")
_AS_LINES = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')")


def rows_query(reading: TableReading) -> sql.Composed:
    """One text column: each row as a JSON object, in primary-key order.

    Rows are put in order before they are printed, or the server would sort what it printed, which is
    wider than what it stores.
    """
    read = dict.fromkeys([c.name for c in (*reading.columns, *reading.primary_key)])
    return sql.SQL("SELECT {} FROM (SELECT {} FROM {} AS t ORDER BY {} OFFSET 0) AS t").format(
        _document(reading),
        sql.SQL(", ").join(map(sql.Identifier, read)),
        reading.table.own_rows,
        sql.SQL(", ").join(_in_order(column) for column in reading.primary_key),
    )


def stream_rows(
    connection: Connection,
    reading: TableReading,
    write: Callable[[bytes], None],
    *,
    as_they_lie: bool = False,
) -> None:
    """Hand the rows to ``write`` in blocks of whole lines, in primary-key order, else ``as_they_lie``. An
    exception of ``write`` comes through."""
    query = _rows_as_they_lie(reading) if as_they_lie else rows_query(reading)
    copy_lines(connection, query, write)


def _rows_as_they_lie(reading: TableReading) -> sql.Composed:
    """As ``rows_query``, in whichever order the server comes upon them."""
    query = sql.SQL("SELECT {} FROM {} AS t")
    return query.format(_document(reading), reading.table.own_rows)


def copy_lines(
    connection: Connection, query: sql.Composable, write: Callable[[bytes], None]
) -> None:
    """Run ``query``, which yields one text without line feeds a row, and stream it in blocks."""
    blocks = _Blocks(write)
    # Filled by C, a row at a time; a row is never divided between two blocks.
    buffer = io.BufferedWriter(blocks, 2 * BLOCK_BYTES - 1)
    try:
        with connection.cursor() as cursor:
            cursor.copy_expert(_AS_LINES.format(query), buffer)
        buffer.flush()
    except psycopg2.Error:
        raise
    except BaseException:
        # Otherwise the rollback reads the whole rest of the stream first: half a minute was seen.
        connection.cancel()
        raise
    finally:
        blocks.end()


class _Blocks(io.RawIOBase):
    """What a buffer is emptied into. Nothing reaches ``write`` after an exception or the end: a buffer that
    goes empties itself once more."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write: Callable[[bytes], None] | None = write

    def writable(self) -> bool:
        return True

    def write(self, rows: Any, /) -> int:
        write, self._write = self._write, None
        if write:
            write(bytes(rows))
            self._write = write
        return len(rows)

    def end(self) -> None:
        self._write = None


def _document(reading: TableReading) -> sql.Composable:
    """What row_to_json would print, put together from its members, which is cheaper for the server."""
    left_out = reading.content_left_out
    plain = [c for c in reading.columns if c.encoding != "json"]
    embedded = [c for c in reading.columns if c.encoding == "json"]
    parts: list[sql.Composable] = []
    for column in plain:
        parts += [sql.Literal(_member(column.name)), _value(column, left_out)]
    # An absent key is SQL NULL, so that the JSON value null can be told from it.
    parts += [
        sql.SQL("coalesce({} || {}::text, '')").format(
            sql.Literal(_member(c.name)), _content(c, left_out)
        )
        for c in embedded
    ]
    if plain:
        parts[0] = sql.Literal("{" + _member(plain[0].name)[1:])
        return sql.SQL("{} || '}}'").format(_joined(parts))
    return sql.SQL("'{{' || substr({}, 2) || '}}'").format(_joined(parts))


def _joined(parts: Sequence[sql.Composable]) -> sql.Composable:
    """In halves: one after the other, each would copy all that stands before it, and the server's own stack
    would hold as many calls as a table has columns."""
    if len(parts) <= JOINED_AT_ONCE:
        return sql.SQL(" || ").join(parts)
    middle = len(parts) // 2
    return sql.SQL("({}) || ({})").format(_joined(parts[:middle]), _joined(parts[middle:]))


def _value(column: LiveColumn, left_out: Mapping[str, bool]) -> sql.Composable:
    """The cell as JSON. Where a printed form holds nothing that JSON must escape, that form."""
    kind = _MODIFIER.sub("", column.type)
    if column.name not in left_out and not column.is_array:
        if kind in _INTEGERS:
            return sql.SQL("coalesce({}, 'null')").format(column.printed(_cell(column)))
        if kind in _NOTHING_TO_ESCAPE:
            return sql.SQL("coalesce('\"' || {} || '\"', 'null')").format(
                column.printed(_cell(column))
            )
        if kind == "boolean":
            return sql.SQL(
                "CASE WHEN {c} THEN 'true' WHEN NOT {c} THEN 'false' ELSE 'null' END"
            ).format(c=_cell(column))
    return sql.SQL("coalesce(pg_catalog.to_json({})::text, 'null')").format(
        _printed(column, left_out)
    )


def _member(name: str) -> str:
    return f",{json.dumps(name, ensure_ascii=False)}:"


def _cell(column: LiveColumn) -> sql.Composable:
    return sql.SQL("t.{}").format(sql.Identifier(column.name))


def _content(column: LiveColumn, left_out: Mapping[str, bool]) -> sql.Composable:
    """The cell; of a Safe reading, without the content of files that it holds itself."""
    cell = _cell(column)
    if column.name not in left_out:
        return cell
    return without_content(column, cell, is_document=left_out[column.name])


def _printed(column: LiveColumn, left_out: Mapping[str, bool]) -> sql.Composable:
    """The cell as to_json shall see it."""
    cell = _content(column, left_out)
    if column.encoding == "native":
        return _native_array(column, cell) if column.is_array else cell
    return column.printed(cell)


def _native_array(column: LiveColumn, cell: sql.Composable) -> sql.Composable:
    """A JSON array where it is plain; other bounds, dimensions or a NULL are printed as text."""
    return sql.SQL(
        "CASE WHEN {c} IS NULL THEN NULL"
        " WHEN pg_catalog.cardinality({c}) = 0"
        " OR pg_catalog.array_ndims({c}) = 1 AND array_lower({c}, 1) = 1"
        " AND array_position({c}, NULL) IS NULL"
        " THEN pg_catalog.to_json({c}) ELSE pg_catalog.to_json({text}) END"
    ).format(c=cell, text=column.printed(cell))


def _in_order(column: LiveColumn) -> sql.Composable:
    collation = sql.SQL(' COLLATE "C"') if column.collatable else sql.SQL("")
    return sql.SQL("{}{}").format(_cell(column), collation)
