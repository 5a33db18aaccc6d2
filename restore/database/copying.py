"""Lines into a table by COPY."""

from collections.abc import Iterator, Sequence

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

READ_BYTES = 512 * 1024


def copy_in(
    connection: Connection,
    relation: sql.Identifier,
    columns: Sequence[str],
    blocks: Iterator[bytes],
    *,
    made_by: sql.Composable | None = None,
) -> None:
    """COPY blocks of text-format lines. ``made_by``: a statement that makes the table, sent along with it; in
    autocommit the two are one transaction.

    Raises psycopg2.Error, or whatever ``blocks`` raises."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        relation, sql.SQL(", ").join(sql.Identifier(name) for name in columns)
    )
    if made_by is not None:
        # libpq stops at the COPY, and goes on to the end behind it.
        statement = sql.SQL("{}; {}").format(made_by, statement)
    feed = _Feed(blocks)
    with connection.cursor() as cursor:
        try:
            cursor.copy_expert(statement, feed, READ_BYTES)  # type: ignore[arg-type]
        except psycopg2.Error:
            # An exception of the feed reaches us as the server's "COPY failed".
            if feed.error is not None:
                raise feed.error from None
            raise


class _Feed:
    """What psycopg2 reads from. Keeps the exception that the server would hide."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._buffer, self._at = b"", 0
        self.error: BaseException | None = None

    def read(self, size: int = -1, /) -> bytes:
        try:
            while self._at >= len(self._buffer):
                block = next(self._blocks, None)
                if block is None:
                    return b""
                self._buffer, self._at = block, 0
        except BaseException as error:
            self.error = error
            raise
        # Taken from where it lies: cutting off what was read would copy a long row over and over.
        data = self._buffer[self._at : self._at + size]
        self._at += len(data)
        return data
