"""What is read ahead of the locks is only used of tables that are what they were: the safety backup holds
every change that came in between."""

import contextlib
import shutil
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from backups.database.snapshot import snapshot
from backups.errors import StorageFailure
from backups.models import BackupRun
from backups.registry import COMPLETE
from backups.services import creating, vault
from backups.services.obstacles import LeavingOut
from restore.database import marks
from restore.services.applying import ahead
from restore.services.applying.ahead import Ahead
from tests.restore.steps import refusal, restore_as
from tests.restore.tables import changed_tables, rows_of_database
from tests.roundtrip.engine import back_up, data_part, document, parsed

pytestmark = pytest.mark.usefixtures("changing_schema")

# {t} is the table of tags.
CHANGES = {
    "insert": 'INSERT INTO {t} SELECT (jsonb_populate_record(t, \'{{"id": "new", "name": "new"}}\')).*'
    " FROM {t} AS t LIMIT 1",
    "update": "UPDATE {t} SET name = name || '!' WHERE id = (SELECT min(id) FROM {t})",
    "there and back": "UPDATE {t} SET name = name || '!'; UPDATE {t} SET name = rtrim(name, '!')",
    "delete": "DELETE FROM studio_assettag; DELETE FROM studio_commenttag;"
    " DELETE FROM {t} WHERE id = (SELECT max(id) FROM {t})",
    "rewrite": "ALTER TABLE {t} ALTER COLUMN name TYPE text USING name || '!'",
    "column exchanged": "ALTER TABLE {t} DROP COLUMN name;"
    " ALTER TABLE {t} ADD COLUMN name text NOT NULL DEFAULT 'all alike';"
    " ALTER TABLE {t} ALTER COLUMN name DROP DEFAULT",
    "truncate": "TRUNCATE {t} CASCADE",
    "table exchanged": "CREATE TABLE other_ (LIKE {t} INCLUDING ALL); INSERT INTO other_ SELECT * FROM {t};"
    " DROP TABLE {t} CASCADE; ALTER TABLE other_ RENAME TO {t}",
}


class _Nobody:
    def check(self) -> None: ...

    def interruptible(self, work: object) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


@pytest.fixture(autouse=True)
def of_few_rows(monkeypatch) -> None:
    monkeypatch.setattr(ahead, "ROWS_WORTH_READING_AHEAD", 0)


@pytest.fixture
def read_ahead(studio) -> Iterator[Ahead]:
    with vault.spool("test") as spool:
        made = Ahead(spool)
        made.read([], _Nobody())  # type: ignore[arg-type]
        yield made


@pytest.fixture
def meanwhile(monkeypatch) -> Callable[[str], list[Ahead]]:
    """Do this when a restore has read all ahead. What it read is then in the list that is returned."""

    def arrange(statement: str) -> list[Ahead]:
        used: list[Ahead] = []
        read = Ahead.read

        def read_and_change(self: Ahead, *args: object) -> None:
            read(self, *args)  # type: ignore[arg-type]
            used.append(self)
            execute(statement)

        monkeypatch.setattr(Ahead, "read", read_and_change)
        return used

    return arrange


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


Stream = Callable[..., None]


def everything(stream: Stream | None = None) -> dict[str, bytes]:
    """The rows of each section, as ``stream`` or the snapshot itself hands them on."""
    found: dict[str, bytes] = {}
    with snapshot() as view:
        tables = view.hold(creating.tables_read(), wait_seconds=1)
        for reading in LeavingOut().readings(COMPLETE, tables):
            blocks: list[bytes] = []
            if stream:
                stream(view, reading, blocks.append)
            else:
                view.stream_rows(reading, blocks.append)
            found[reading.section.key] = b"".join(blocks)
    return found


def test_what_nobody_touched_is_not_read_again(read_ahead) -> None:
    assert everything(read_ahead.stream_rows) == everything()
    assert read_ahead.read_again == []


@pytest.mark.parametrize("kind", CHANGES)
def test_what_has_changed_is_read_again(kind, read_ahead) -> None:
    execute(CHANGES[kind].format(t="studio_tag"))
    assert everything(read_ahead.stream_rows) == everything()
    assert "tags" in read_ahead.read_again


def test_others_are_not_read_again(read_ahead) -> None:
    execute(CHANGES["update"].format(t="studio_tag"))
    everything(read_ahead.stream_rows)
    assert read_ahead.read_again == ["tags"]


def test_without_the_comparison_a_change_is_missed(read_ahead, monkeypatch) -> None:
    execute(CHANGES["update"].format(t="studio_tag"))
    monkeypatch.setattr(Ahead, "_is_as_it_was", lambda *_: True)
    assert everything(read_ahead.stream_rows)["tags"] != everything()["tags"]


def test_without_the_catalogue_a_change_is_missed(studio, monkeypatch) -> None:
    """A column that is exchanged leaves every row where it stands."""
    monkeypatch.setattr(ahead, "look_of_values", lambda connection: "")
    plain = marks._KEEPS_VERSIONS
    monkeypatch.setattr(
        marks, "_KEEPS_VERSIONS", f"SELECT keeps, '' FROM ({plain}) AS known(keeps, form)"
    )
    with vault.spool("test") as spool:
        made = Ahead(spool)
        made.read([], _Nobody())  # type: ignore[arg-type]
        execute(CHANGES["column exchanged"].format(t="studio_tag"))
        assert everything(made.stream_rows)["tags"] != everything()["tags"]


def test_a_label_that_is_renamed_is_in_every_table_again(studio) -> None:
    execute("CREATE TYPE mood AS ENUM ('well', 'ill')")
    with vault.spool("test") as spool:
        made = Ahead(spool)
        made.read([], _Nobody())  # type: ignore[arg-type]
        execute("ALTER TYPE mood RENAME VALUE 'ill' TO 'unwell'")
        assert everything(made.stream_rows) == everything()
        assert len(made.read_again) == len(everything())


def test_vacuuming_and_freezing_change_nothing(read_ahead) -> None:
    execute("VACUUM (FREEZE, ANALYZE) studio_tag")
    everything(read_ahead.stream_rows)
    assert read_ahead.read_again == []


def test_a_change_between_reading_and_lock_is_in_the_undo(studio, meanwhile) -> None:
    used = meanwhile("UPDATE studio_tag SET name = 'at the last moment ' || id")
    run = restore_as(studio.complete)
    rows = parsed(BackupRun.objects.get(pk=run.safety_backup))["data"]["tags"]
    assert rows and all(row["name"] == f"at the last moment {row['id']}" for row in rows)
    assert used[0].read_again == ["tags"]
    assert changed_tables(studio.rows, rows_of_database()) == {}


def test_the_safety_backup_is_what_it_would_be(studio, meanwhile) -> None:
    used, now = meanwhile("SELECT 1"), data_part(document(back_up()))
    run = restore_as(studio.complete)
    assert data_part(document(BackupRun.objects.get(pk=run.safety_backup))) == now
    assert used[0].read_again == []


def test_what_was_damaged_on_the_disk_is_noticed_and_nothing_is_changed(
    studio, meanwhile, monkeypatch
) -> None:
    meanwhile("SELECT 1")
    is_as_it_was = Ahead._is_as_it_was

    def damaged(self, kept, *args):
        content = kept.path.read_bytes()
        kept.path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        return is_as_it_was(self, kept, *args)

    monkeypatch.setattr(Ahead, "_is_as_it_was", damaged)
    assert refusal(studio.complete) == "storage.failed"
    assert changed_tables(studio.rows, rows_of_database()) == {}


def test_whatever_is_in_the_way_of_reading_ahead_the_restore_goes_on(studio, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise StorageFailure("storage.full", "full", hint="")  # type: ignore[arg-type]

    monkeypatch.setattr(ahead, "_write", full)
    restore_as(studio.complete)
    assert changed_tables(studio.rows, rows_of_database()) == {}


def test_the_safety_backup_s_room_is_left_to_it(studio, monkeypatch) -> None:
    usage = shutil.disk_usage("/")
    room = usage._replace(free=ahead._SPARE_BYTES)
    monkeypatch.setattr(ahead.shutil, "disk_usage", lambda path: room)
    with vault.spool("test") as spool:
        made = Ahead(spool)
        made.read([], _Nobody())  # type: ignore[arg-type]
        assert not list(spool.path("").iterdir())
        assert everything(made.stream_rows) == everything()


def test_of_few_rows_nothing_is_read_ahead(studio, monkeypatch) -> None:
    monkeypatch.setattr(ahead, "ROWS_WORTH_READING_AHEAD", 10**9)
    with vault.spool("test") as spool:
        made = Ahead(spool)
        made.read([], _Nobody())  # type: ignore[arg-type]
        assert not list(spool.path("").iterdir())
        assert len(everything(made.stream_rows)) == len(made.read_again)
