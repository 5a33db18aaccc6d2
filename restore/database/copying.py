"""Rows of a file into a table by COPY, with the place of a failure."""

from collections.abc import Iterator, Sequence

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from restore.database.failures import copy_failure
from restore.database.targets import Target

READ_BYTES = 512 * 1024


def load(connection: Connection, target: Target, blocks: Iterator[bytes]) -> int:
    """COPY one section's rows. Returns how many. Raises RestoreError, or whatever ``blocks`` raises."""
    counted = _Converted(target, blocks)
    try:
        copy_in(connection, target.table.identifier, target.live_columns, iter(counted))
    except psycopg2.Error as error:
        raise copy_failure(error, target.head.key, target.table.identifier) from error
    return counted.rows


def copy_in(
    connection: Connection,
    relation: sql.Identifier,
    columns: Sequence[str],
    blocks: Iterator[bytes],
) -> None:
    """COPY blocks of text-format lines. Raises psycopg2.Error, or whatever ``blocks`` raises."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        relation, sql.SQL(", ").join(sql.Identifier(name) for name in columns)
    )
    feed = _Feed(blocks)
    with connection.cursor() as cursor:
        try:
            cursor.copy_expert(statement, feed, READ_BYTES)  # type: ignore[arg-type]
        except psycopg2.Error:
            # An exception of the feed reaches us as the server's "COPY failed".
            if feed.error is not None:
                raise feed.error from None
            raise


class _Converted:
    """Blocks of an artifact's rows as blocks of COPY lines; ``rows`` counts what went through."""

    def __init__(self, target: Target, blocks: Iterator[bytes]) -> None:
        self._target = target
        self._blocks = blocks
        self.rows = 0

    def __iter__(self) -> Iterator[bytes]:
        convert = self._target.codec.copy_line
        for block in self._blocks:
            lines = [convert(row) for row in block[:-1].split(b"\n")]
            self.rows += len(lines)
            lines.append("")
            yield "\n".join(lines).encode()


class _Feed:
    """What psycopg2 reads from. Keeps the exception that the server would hide."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._buffer = b""
        self.error: BaseException | None = None

    def read(self, size: int = -1, /) -> bytes:
        try:
            while not self._buffer:
                block = next(self._blocks, None)
                if block is None:
                    return b""
                self._buffer = block
        except BaseException as error:
            self.error = error
            raise
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data
