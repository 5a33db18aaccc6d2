"""Whether what was written is what the file says: by the digest of rows read back, comparable with a
section's in the file, and by comparing rows with those that waited, cell by cell as they are stored.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from backups.database import together
from backups.database.row_stream import stream_rows
from backups.database.table_reading import TableReading
from restore.database.waiting_tables import WaitingTable, names, plain_cells, same


@dataclass(frozen=True)
class RowsDigest:
    rows: int
    sha256: str


# What a file says of a section without rows.
NO_ROWS = RowsDigest(0, hashlib.sha256().hexdigest())


def without_rows(connection: Connection, tables: Sequence[WaitingTable]) -> set[str]:
    """Which of them have none, by name: of those the digest is ``NO_ROWS``."""
    found: set[str] = set()
    for some in together.some_at_once(tables):
        counts = [sql.SQL("SELECT count(*) FROM {}").format(one.relation) for one in some]
        rows = together.numbers(connection, counts)
        found |= {w.target.table.name for w, n in zip(some, rows, strict=True) if not n}
    return found


def read_digest(
    connection: Connection, reading: TableReading, *, as_they_lie: bool = False
) -> RowsDigest:
    """Read rows as a backup would, and keep only their digest. ``as_they_lie``: not put in order."""
    digest, rows = hashlib.sha256(), 0

    def take(block: bytes) -> None:
        nonlocal rows
        digest.update(block)
        rows += block.count(b"\n")

    stream_rows(connection, reading, take, as_they_lie=as_they_lie)
    return RowsDigest(rows, digest.hexdigest())


def rows_as_waiting(
    connection: Connection, waiting: WaitingTable, key: Sequence[str]
) -> int | None:
    """How many rows the live table has where they are the waiting ones and no others; None where they are
    not, or may be the same but stored in another form. ``key``: columns that no two live rows share.

    Cells of one image are one value, of whatever type, and are printed alike; so with waiting rows that are
    proven nothing is printed again: https://www.postgresql.org/docs/current/functions-comparisons.html
    """
    return many_as_waiting(connection, [(waiting, key)]).get(waiting.target.table.name)


def many_as_waiting(
    connection: Connection, asked: Sequence[tuple[WaitingTable, Sequence[str]]]
) -> dict[str, int]:
    """``rows_as_waiting`` of many tables in one statement, by name, without those of which it is None."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(" UNION ALL ").join(_counts(*one) for one in asked))
        return {
            name: int(live)
            for name, live, wanted, alike in cursor.fetchall()
            if live == wanted == alike
        }


def _counts(waiting: WaitingTable, key: Sequence[str]) -> sql.Composed:
    # Compared where they are joined: of wide tables both sides' columns would be too many for what is joined.
    return sql.SQL(
        "SELECT {name}, (SELECT count(*) FROM {live} AS t), count(*), pg_catalog.count(t.{there})"
        " FROM {waiting} AS s LEFT JOIN {live} AS t"
        " ON {key} AND record_image_eq(ROW({of_file}), ROW({of_table}))"
    ).format(
        there=sql.Identifier(key[0]),
        name=sql.Literal(waiting.target.table.name),
        live=waiting.target.table.own_rows,
        waiting=waiting.relation,
        key=same("s", "t", key),
        of_file=names(waiting.columns, "s"),
        of_table=plain_cells(waiting.target.table, waiting.columns, "t"),
    )
