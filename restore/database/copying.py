"""Rows of a file into a table by COPY, with the place of a failure."""

from collections.abc import Iterator

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.errors import BackupSystemError
from restore.database.failures import copy_failure
from restore.database.targets import Loaded, Target

READ_BYTES = 512 * 1024


def load(connection: Connection, target: Target, blocks: Iterator[bytes]) -> Loaded:
    """COPY one section. Raises RestoreError, or whatever ``blocks`` raises."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        target.table.identifier,
        sql.SQL(", ").join(sql.Identifier(c.name) for c in target.head.columns),
    )
    feed = _Feed(target, blocks)
    with connection.cursor() as cursor:
        try:
            cursor.copy_expert(statement, feed, READ_BYTES)
        except psycopg2.Error as error:
            # An exception of the feed reaches us as the server's "COPY failed".
            if feed.error is not None:
                raise feed.error from None
            raise copy_failure(error, target.head.key) from error
    return Loaded(feed.rows)


class _Feed:
    """What psycopg2 reads from: COPY's text format, a block of rows at a time."""

    def __init__(self, target: Target, blocks: Iterator[bytes]) -> None:
        self._codec = target.codec
        self._key = target.head.key
        self._blocks = blocks
        self._buffer = b""
        self.rows = 0
        self.error: BaseException | None = None

    def read(self, size: int) -> bytes:
        try:
            while not self._buffer:
                block = next(self._blocks, None)
                if block is None:
                    return b""
                self._buffer = self._converted(block)
        except BaseException as error:
            self.error = error
            raise
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _converted(self, block: bytes) -> bytes:
        rows = block[:-1].split(b"\n")
        convert = self._codec.copy_line
        try:
            lines = [convert(row) for row in rows]
        except BackupSystemError as error:
            error.message = f"{error.message} (section {self._key})"
            raise
        self.rows += len(rows)
        lines.append("")
        return "\n".join(lines).encode()
