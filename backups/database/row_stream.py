"""Rows as JSON, made by the server and streamed by COPY.

One document a line: CSV with a quote and a delimiter that JSON never holds raw prints it as it is.
"""

import json
from collections.abc import Callable, Mapping

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database.data_addresses import without_content
from backups.database.introspection import LiveColumn
from backups.database.table_reading import TableReading

BLOCK_BYTES = 256 * 1024
_AS_LINES = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')")


def rows_query(reading: TableReading) -> sql.Composed:
    """One text column: each row as a JSON object, in primary-key order."""
    plain = [c for c in reading.columns if c.encoding != "json"]
    embedded = [c for c in reading.columns if c.encoding == "json"]
    return sql.SQL("SELECT {} FROM {} AS t ORDER BY {}").format(
        _document(plain, embedded, reading.content_left_out),
        reading.table.own_rows,
        sql.SQL(", ").join(_in_order(column) for column in reading.primary_key),
    )


def stream_rows(
    connection: Connection, reading: TableReading, write: Callable[[bytes], None]
) -> None:
    """Hand the rows to ``write`` in blocks of whole lines. An exception of ``write`` comes through."""
    copy_lines(connection, rows_query(reading), write)


def copy_lines(
    connection: Connection, query: sql.Composable, write: Callable[[bytes], None]
) -> None:
    """Run ``query``, which yields one text without line feeds a row, and stream it in blocks."""
    blocks = _Blocks(write)
    try:
        with connection.cursor() as cursor:
            cursor.copy_expert(_AS_LINES.format(query), blocks)
    except psycopg2.Error:
        raise
    except BaseException:
        # Otherwise the rollback reads the whole rest of the stream first: half a minute was seen.
        connection.cancel()
        raise
    blocks.flush()


class _Blocks:
    """What psycopg2 writes to: one call a row, gathered into blocks."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._lines: list[bytes] = []
        self._size = 0

    def write(self, line: bytes) -> None:
        self._lines.append(line)
        self._size += len(line)
        if self._size >= BLOCK_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._lines:
            block, self._lines, self._size = b"".join(self._lines), [], 0
            self._write(block)


def _document(
    plain: list[LiveColumn], embedded: list[LiveColumn], left_out: Mapping[str, bool]
) -> sql.Composable:
    # r.* is the row whatever its columns are called; r alone would be a column of that name.
    record = sql.SQL("(SELECT row_to_json(r.*) FROM (SELECT {}) AS r)::text").format(
        sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(_printed(c, left_out), sql.Identifier(c.name)) for c in plain
        )
    )
    if not embedded:
        return record
    # An absent key is SQL NULL, so that the JSON value null can be told from it.
    members = sql.SQL(" || ").join(
        sql.SQL("coalesce({} || {}::text, '')").format(
            sql.Literal(_member(c.name)), _content(c, left_out)
        )
        for c in embedded
    )
    if not plain:
        return sql.SQL("'{{' || substr({}, 2) || '}}'").format(members)
    return sql.SQL("left({}, -1) || {} || '}}'").format(record, members)


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
    """The cell as row_to_json shall see it."""
    cell = _content(column, left_out)
    if column.encoding == "native":
        return _native_array(column, cell) if column.is_array else cell
    return _as_text(column, cell)


def _as_text(column: LiveColumn, cell: sql.Composable) -> sql.Composable:
    """PostgreSQL's own printed form. A cast would not do: char(n) loses its blanks, inet gains a
    mask, and row_to_json would take json and hstore apart."""
    return sql.SQL("textin({}({}))").format(sql.Identifier(*column.output), cell)


def _native_array(column: LiveColumn, cell: sql.Composable) -> sql.Composable:
    """A JSON array where it is plain; other bounds, dimensions or a NULL are printed as text."""
    return sql.SQL(
        "CASE WHEN {c} IS NULL THEN NULL"
        " WHEN cardinality({c}) = 0"
        " OR array_ndims({c}) = 1 AND array_lower({c}, 1) = 1"
        " AND array_position({c}, NULL) IS NULL"
        " THEN to_json({c}) ELSE to_json({text}) END"
    ).format(c=cell, text=_as_text(column, cell))


def _in_order(column: LiveColumn) -> sql.Composable:
    collation = sql.SQL(' COLLATE "C"') if column.collatable else sql.SQL("")
    return sql.SQL("{}{}").format(_cell(column), collation)
