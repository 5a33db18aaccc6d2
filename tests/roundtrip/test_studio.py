"""Backup and Complete restore of every column of the studio, as pg_dump sees it."""

from collections.abc import Callable
from typing import Any

import pytest
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tests.roundtrip import hostile, independent
from tests.roundtrip.disturbance import empty_everything, rotate_everything
from tests.roundtrip.dump import Dump, differences, dump_data
from tests.roundtrip.engine import back_up, data_part, document, restore, stored, writing

LONG_BYTES = 30_000


@pytest.fixture
def studio(settings: Any) -> Dump:
    """Hostile values in every column of the studio."""
    # Its addresses lead nowhere; that nobody answers need not be found out three times.
    settings.BACKUPS_FETCH_ATTEMPTS = 1
    with writing() as cursor:
        hostile.fill_studio(cursor, long_bytes=LONG_BYTES)
    return dump_data()


def test_every_value_stands_in_every_column_that_can_hold_it(studio: Dump) -> None:
    assert sum(len(hostile.columns_of(model)) for model in hostile.models()) == 933
    with writing() as cursor:
        for model in hostile.models():
            for field in hostile.columns_of(model):
                cursor.execute(
                    sql.SQL(
                        "SELECT count(*), count({c}), count(DISTINCT {c}::text) FROM {t}"
                    ).format(c=sql.Identifier(field.column), t=sql.Identifier(model._meta.db_table))
                )
                rows, filled, distinct = cursor.fetchone() or (0, 0, 0)
                assert (filled < rows) == field.null, field
                assert distinct >= 2, field


@pytest.mark.parametrize("disturb", [empty_everything, rotate_everything])
def test_a_restore_gives_back_every_value(studio: Dump, disturb: Callable[[Cursor], None]) -> None:
    backup = back_up()
    with writing() as cursor:
        disturb(cursor)
    assert differences(studio, dump_data()), "the tables should hold something else now"
    restore(stored(backup))
    assert differences(studio, dump_data()) == []
    assert data_part(document(back_up())) == data_part(document(backup))


def test_the_file_is_json_for_any_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    # Python's own parser gives up at a depth that PostgreSQL does not mind.
    shallow = [text for text in hostile.DOCUMENTS if text.count("[") < 1000]
    monkeypatch.setitem(hostile.VALUES, "jsonb", shallow)
    with writing() as cursor:
        hostile.fill_studio(cursor, long_bytes=LONG_BYTES)
    independent.read(document(back_up()))


@pytest.mark.battery
def test_a_megabyte_of_text_in_every_column_comes_back() -> None:
    with writing() as cursor:
        hostile.fill_studio(cursor, long_bytes=1_000_000)
    before = dump_data()
    backup = back_up()
    with writing() as cursor:
        rotate_everything(cursor)
    restore(stored(backup))
    assert differences(before, dump_data()) == []
