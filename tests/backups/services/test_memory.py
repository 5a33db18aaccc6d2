"""What a backup holds in memory does not grow with its rows."""

import io
import tracemalloc
from typing import Any

import pytest
from psycopg2 import sql

from backups.artifact import codecs
from backups.artifact.behind import MOST_WAITING_BYTES, Behind, Handing
from backups.artifact.writer import ArtifactWriter
from backups.database.connection import connected
from backups.database.row_stream import BLOCK_BYTES, copy_lines
from tests.backups.artifact.documents import head, manifest

pytestmark = pytest.mark.django_db(transaction=True)
MEBIBYTE = 1024 * 1024
ROW_BYTES = 2048


class _Nowhere(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, block: Any, /) -> int:
        return len(block)


def peak_of(rows: int) -> int:
    """The most bytes that Python held while so many rows went all the way into a file."""
    query = sql.SQL(
        "SELECT '{{\"id\":\"' || md5(n::text) || repeat('x', {}) || '\"}}' FROM generate_series(1, {}) AS n"
    ).format(sql.Literal(ROW_BYTES), sql.Literal(rows))
    tracemalloc.start()
    with (
        connected(purpose="test") as session,
        codecs.compress_to(_Nowhere()) as compressed,
        Behind(compressed.write, name="compression") as compression,
    ):
        writer = ArtifactWriter(Handing(compression))
        writer.start(manifest(head("people")))
        writer.begin_section("people")
        with Behind(writer.rows, name="digests") as lines:
            copy_lines(session, query, lines.put)
        assert writer.end_section().rows == rows
    try:
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_is_flat_at_forty_times_the_rows():
    few, many = peak_of(500), peak_of(20_000)
    assert many < few + 2 * MOST_WAITING_BYTES + 8 * BLOCK_BYTES
    assert many < 20_000 * ROW_BYTES / 4, "far less than the rows themselves"


def test_a_queue_without_bounds_would_be_seen(monkeypatch: pytest.MonkeyPatch):
    kept: list[bytes] = []
    put = Behind.put

    def keep(behind: "Behind[bytes]", item: bytes) -> None:
        kept.append(item)
        put(behind, item)

    monkeypatch.setattr(Behind, "put", keep)
    with pytest.raises(AssertionError):
        test_memory_is_flat_at_forty_times_the_rows()
