"""The digest of rows read back, comparable with a section's in the file."""

import hashlib
from dataclasses import dataclass

from psycopg2.extensions import connection as Connection

from backups.database.row_stream import stream_rows
from backups.database.table_reading import TableReading


@dataclass(frozen=True)
class RowsDigest:
    rows: int
    sha256: str


def read_digest(connection: Connection, reading: TableReading) -> RowsDigest:
    """Read rows as a backup would, and keep only their digest."""
    digest, rows = hashlib.sha256(), 0

    def take(block: bytes) -> None:
        nonlocal rows
        digest.update(block)
        rows += block.count(b"\n")

    stream_rows(connection, reading, take)
    return RowsDigest(rows, digest.hexdigest())
