"""Backup and Complete restore of every PostgreSQL type and of the oddest tables, as pg_dump sees it."""

from collections.abc import Callable

import pytest
from psycopg2.extensions import cursor as Cursor

from backups.database import connection as database_connection
from backups.database.introspection import LiveTable
from backups.errors import RestoreError
from restore.database import detaching
from restore.database.transaction import RestoreTransaction
from tests.roundtrip import independent
from tests.roundtrip.disturbance import empty_everything, rotate_everything
from tests.roundtrip.dump import Dump, differences, dump_data, dump_schema
from tests.roundtrip.engine import back_up, data_part, document, restore, stored, writing
from tests.zoo import rows, types


@pytest.fixture
def zoo() -> Dump:
    """The zoo with all its animals."""
    with writing() as cursor:
        rows.fill(cursor)
    return dump_data()


def test_every_type_has_a_value_and_a_null(zoo: Dump) -> None:
    with writing() as cursor:
        for sql_type in rows.types_of_this_server(cursor):
            name = types.column_name(sql_type)
            cursor.execute(f'SELECT count("{name}"), count(*) FROM zoo_everytype')
            filled, every = cursor.fetchone() or (0, 0)
            assert 0 < filled < every, sql_type


@pytest.mark.parametrize("disturb", [empty_everything, rotate_everything])
def test_a_restore_gives_back_every_row_and_number(
    zoo: Dump, disturb: Callable[[Cursor], None]
) -> None:
    backup = back_up()
    with writing() as cursor:
        disturb(cursor)
    assert differences(zoo, dump_data()), "the tables should hold something else now"
    restore(stored(backup))
    assert differences(zoo, dump_data()) == []


def test_a_restore_leaves_the_schema_as_it_was(zoo: Dump) -> None:
    before = dump_schema()
    restore(stored(back_up()))
    assert dump_schema() == before


def test_a_backup_after_the_restore_has_the_same_data(zoo: Dump) -> None:
    first = back_up()
    restore(stored(first))
    assert data_part(document(back_up())) == data_part(document(first))


def test_the_file_is_what_its_description_says(zoo: Dump) -> None:
    independent.read(document(back_up()))


def test_restoring_twice_equals_once(zoo: Dump) -> None:
    backup = back_up()
    restore(stored(backup))
    restore(stored(backup))
    assert differences(zoo, dump_data()) == []


def test_the_comparison_sees_a_single_blank(zoo: Dump) -> None:
    with writing() as cursor:
        cursor.execute("UPDATE zoo_everytype SET a_json = '[1, 2]' WHERE a_json::text = ' [1 , 2]'")
        assert cursor.rowcount
    (found,) = differences(zoo, dump_data())
    assert "zoo_everytype" in found


def test_a_session_that_rounds_is_noticed(zoo: Dump, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(database_connection.SESSION, "extra_float_digits", "0")
    with pytest.raises(RestoreError) as refusal:
        restore(stored(back_up()))
    assert refusal.value.code == "restore.out_of_range"


def test_the_comparison_sees_forgotten_sequences(
    zoo: Dump, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = back_up()
    with writing() as cursor:
        empty_everything(cursor)
    monkeypatch.setattr(RestoreTransaction, "set_sequence", lambda *_: None)
    restore(stored(backup))
    (found,) = differences(zoo, dump_data())
    assert found.startswith("sequences")


def test_a_trigger_that_is_not_silenced_is_noticed(
    zoo: Dump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detaching, "switches", lambda *_: [])
    with pytest.raises(RestoreError) as refusal:
        restore(stored(back_up()))
    assert refusal.value.code == "restore.differs"
    assert differences(zoo, dump_data()) == []


def test_rows_of_an_inheriting_table_would_be_doubled(
    zoo: Dump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LiveTable, "own_rows", LiveTable.identifier)
    with pytest.raises(RestoreError) as refusal:
        restore(stored(back_up()))
    assert refusal.value.code == "restore.duplicate"
