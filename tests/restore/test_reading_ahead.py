"""What is read ahead of the locks is only used of tables that are what they were: the safety backup holds
every change that came in between."""

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from backups.database.snapshot import Snapshot, snapshot
from backups.errors import ArtifactError, BackupSystemError, StorageFailure
from backups.models import BackupRun, Purpose, State
from backups.registry import COMPLETE
from backups.services import composing, creating, vault
from backups.services.obstacles import LeavingOut
from backups.wording import _
from restore.database import marks
from restore.models import RestoreRun
from restore.services.applying import ahead, applying, parachute, superseded
from restore.services.applying.ahead import Ahead
from restore.services.planning.remembering import Answers
from tests.restore.steps import plan_as, refusal, restore_as
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


def read(made: Ahead) -> Ahead:
    made.read(parachute.wanted(RestoreRun()), LeavingOut(), _Nobody())  # type: ignore[arg-type]
    return made


def stands(made: Ahead, leaving_out: LeavingOut = LeavingOut()) -> bool:  # noqa: B008
    now = parachute.wanted(RestoreRun())
    return made.stands(now, leaving_out, _Nobody(), lambda: None)  # type: ignore[arg-type]


@pytest.fixture
def read_ahead(studio) -> Iterator[Ahead]:
    with Ahead() as made:
        yield read(made)


@pytest.fixture
def meanwhile(monkeypatch) -> Callable[[str], list[Ahead]]:
    """Do this when a restore has read all ahead. What it read is then in the list that is returned."""

    def arrange(statement: str) -> list[Ahead]:
        used: list[Ahead] = []
        finish = Ahead.finish

        def finish_and_change(self: Ahead, *args: object) -> None:
            finish(self, *args)  # type: ignore[arg-type]
            used.append(self)
            execute(statement)

        monkeypatch.setattr(Ahead, "finish", finish_and_change)
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
        tables = view.hold(composing.tables_read(), wait_seconds=1)
        for reading in LeavingOut().readings(COMPLETE, tables):
            blocks: list[bytes] = []
            if stream:
                stream(view, reading, blocks.append)
            else:
                view.stream_rows(reading, blocks.append)
            found[reading.section.key] = b"".join(blocks)
    return found


def test_what_nobody_touched_is_not_read_again(read_ahead) -> None:
    assert stands(read_ahead)
    assert everything(read_ahead.stream_rows) == everything()
    assert read_ahead.read_again == []


@pytest.mark.parametrize("kind", CHANGES)
def test_what_has_changed_is_read_again(kind, read_ahead) -> None:
    execute(CHANGES[kind].format(t="studio_tag"))
    assert not stands(read_ahead)
    assert everything(read_ahead.stream_rows) == everything()
    assert "tags" in read_ahead.read_again


def test_others_are_not_read_again(read_ahead) -> None:
    execute(CHANGES["update"].format(t="studio_tag"))
    everything(read_ahead.stream_rows)
    assert read_ahead.read_again == ["tags"]


# What the file says beside its rows.
BESIDE = {
    "a sequence": "SELECT nextval('django_content_type_id_seq')",
    "the last migration": "INSERT INTO django_migrations (app, name, applied)"
    " VALUES ('studio', '9999_later', now())",
    "a column": "ALTER TABLE studio_tag ADD COLUMN more text",
}


@pytest.mark.parametrize("kind", BESIDE)
def test_what_is_said_beside_the_rows_counts_too(kind, read_ahead) -> None:
    execute(BESIDE[kind])
    assert not stands(read_ahead)


def test_without_looking_at_sequences_one_would_be_missed(read_ahead, monkeypatch) -> None:
    execute(BESIDE["a sequence"])
    monkeypatch.setattr(
        composing, "_sequences", lambda *_: read_ahead._made.draft.beginning.sequences
    )
    assert stands(read_ahead)


def test_a_backup_that_leaves_out_something_else_is_another(read_ahead) -> None:
    assert not stands(read_ahead, LeavingOut(tables=frozenset({"studio_tag"})))


def test_without_the_comparison_a_change_is_missed(read_ahead, monkeypatch) -> None:
    execute(CHANGES["update"].format(t="studio_tag"))
    known = read_ahead._made.marks
    monkeypatch.setattr(ahead, "_marks", lambda *_: known)
    assert stands(read_ahead)
    assert everything(read_ahead.stream_rows)["tags"] != everything()["tags"]


def test_without_the_catalogue_a_change_is_missed(studio, monkeypatch) -> None:
    """A column that is exchanged leaves every row where it stands."""
    monkeypatch.setattr(ahead, "look_of_values", lambda connection: "same")
    plain = marks._KEEP_VERSIONS
    monkeypatch.setattr(
        marks,
        "_KEEP_VERSIONS",
        f"SELECT root, keeps, '' FROM ({plain}) AS known(root, keeps, form)",
    )
    with Ahead() as made:
        read(made)
        execute(CHANGES["column exchanged"].format(t="studio_tag"))
        assert everything(made.stream_rows)["tags"] != everything()["tags"]


def test_a_label_that_is_renamed_is_in_every_table_again(studio) -> None:
    execute("CREATE TYPE mood AS ENUM ('well', 'ill')")
    with Ahead() as made:
        read(made)
        execute("ALTER TYPE mood RENAME VALUE 'ill' TO 'unwell'")
        assert not stands(made)
        assert everything(made.stream_rows) == everything()
        assert len(made.read_again) == len(everything())


def test_vacuuming_and_freezing_change_nothing(read_ahead) -> None:
    execute("VACUUM (FREEZE, ANALYZE) studio_tag")
    assert stands(read_ahead)
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
    safety = BackupRun.objects.get(pk=run.safety_backup)
    assert data_part(document(safety)) == now
    assert used[0].read_again == []
    assert safety.state == State.SUCCEEDED and safety.purpose == Purpose.SAFETY
    assert safety.keep_until and safety.verified_at and safety.statistics["rows"]


def test_where_nothing_changed_nothing_is_written_under_the_locks(
    studio, meanwhile, monkeypatch
) -> None:
    meanwhile("SELECT 1")
    monkeypatch.setattr(creating, "carry_out", lambda *_, **__: pytest.fail("made again"))
    undo = restore_as(studio.complete).safety_backup
    assert parsed(BackupRun.objects.get(pk=undo))["type"] == "complete"


def test_a_restore_that_is_refused_leaves_nothing_of_it(studio, meanwhile) -> None:
    plan = plan_as(studio.complete)
    meanwhile("UPDATE studio_tag SET name = 'at the last moment ' || id")
    with pytest.raises(BackupSystemError) as refused:
        restore_as(studio.complete, confirmed=plan)
    assert refused.value.code == "restore.plan_changed"
    assert not BackupRun.objects.filter(purpose=Purpose.SAFETY).exists()
    assert not [*vault.folder().glob(".partial-*")]


def test_a_plan_that_believed_what_was_asked_ahead_would_miss_the_change(
    studio, meanwhile, monkeypatch
) -> None:
    plan = plan_as(studio.complete)
    meanwhile("UPDATE studio_tag SET name = 'at the last moment ' || id")
    monkeypatch.setattr(Answers, "that_stand", lambda self, *_: self)
    restore_as(studio.complete, confirmed=plan)


def damage(path: Path) -> None:
    """In the middle, where rows are."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_what_was_damaged_on_the_disk_is_not_kept_and_nothing_is_changed(
    studio, meanwhile, monkeypatch
) -> None:
    meanwhile("SELECT 1")
    keep = Ahead.keep

    def damaged(self, run):
        damage(self._made.draft.path)
        return keep(self, run)

    monkeypatch.setattr(Ahead, "keep", damaged)
    before = rows_of_database()
    assert refusal(studio.complete) == "artifact.damaged"
    assert changed_tables(before, rows_of_database()) == {}


def test_what_was_damaged_on_the_disk_is_noticed_when_it_is_read_again(studio, read_ahead) -> None:
    damage(read_ahead._made.draft.path)
    with pytest.raises(StorageFailure) as refused:
        everything(read_ahead.stream_rows)
    assert refused.value.code == "storage.failed"


def test_what_cannot_be_opened_is_read_again(read_ahead) -> None:
    path = read_ahead._made.draft.path
    path.write_bytes(b"age-encryption.org/v1" + path.read_bytes())
    assert everything(read_ahead.stream_rows) == everything()


def test_whatever_is_in_the_way_of_reading_ahead_the_restore_goes_on(studio, monkeypatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageFailure("storage.full", "full", hint="")  # type: ignore[arg-type]

    monkeypatch.setattr(creating, "drafted", full)
    restore_as(studio.complete)
    assert changed_tables(studio.rows, rows_of_database()) == {}


def test_the_safety_backup_s_room_is_left_to_it(read_ahead, monkeypatch) -> None:
    usage = shutil.disk_usage("/")
    room = usage._replace(free=ahead._SPARE_BYTES)
    monkeypatch.setattr(ahead.shutil, "disk_usage", lambda path: room)
    read_ahead.make_room()
    assert not [*vault.folder().glob(".partial-*")] and not stands(read_ahead)
    assert everything(read_ahead.stream_rows) == everything()


def test_with_few_rows_nothing_is_done_ahead(studio, monkeypatch) -> None:
    monkeypatch.setattr(ahead, "ROWS_WORTH_READING_AHEAD", 10**9)
    monkeypatch.setattr(Ahead, "_read", lambda *_: pytest.fail("read ahead"))
    restore_as(studio.complete)


@pytest.mark.parametrize(("most", "worth"), [("ROWS", 1000), ("BYTES", 100_000)])
def test_of_many_rows_that_come_into_an_empty_database_is_asked_ahead(
    empty_studio, monkeypatch, most: str, worth: int
) -> None:
    """Nobody waits on a new server either while the rules are asked of the file's rows; few may be long."""
    monkeypatch.setattr(ahead, f"{most}_WORTH_READING_AHEAD", worth)
    asked: list[bool] = []
    ask = applying._Restore._ask_ahead

    def noted(self, *args):
        asked.append(True)
        return ask(self, *args)

    monkeypatch.setattr(applying._Restore, "_ask_ahead", noted)
    restore_as(empty_studio.complete, acting="")
    assert asked == [True]
    assert changed_tables(empty_studio.rows, rows_of_database()) == {}


def test_which_files_rows_point_to_is_listed_ahead_and_again_where_something_changed(
    studio, meanwhile, monkeypatch
) -> None:
    asked, lists = [], []
    list_files, note = superseded.list_files, superseded.note

    def noted(connection, path, *args, **but) -> None:
        asked.append(path.name)
        list_files(connection, path, *args, **but)

    def read(run_id: str, before: Path, *args) -> int:
        lists.append(before.read_bytes())
        return note(run_id, before, *args)

    monkeypatch.setattr(superseded, "list_files", noted)
    monkeypatch.setattr(superseded, "note", read)
    meanwhile("SELECT 1")
    restore_as(studio.complete)
    assert asked == ["after"]
    asked.clear()
    meanwhile("UPDATE studio_tag SET name = name || '!'")
    restore_as(studio.complete)
    assert asked == ["before", "after"]
    assert lists[0] and lists[0] == lists[1]


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "ahead" in thread.name]


def test_of_a_file_that_is_refused_nothing_is_left_that_was_begun_beside(
    studio, monkeypatch
) -> None:
    begun = threading.Event()
    hold = Snapshot.hold

    def held(self: Snapshot, *args: Any, **kwargs: Any) -> Any:
        if threads() and threading.current_thread() is not threading.main_thread():
            begun.set()
            with self.connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(600)")
        return hold(self, *args, **kwargs)

    def refused(*args: object, **kwargs: object) -> None:
        assert begun.wait(60)
        raise ArtifactError("artifact.damaged", _("damaged"), hint=_("none"))

    monkeypatch.setattr(Snapshot, "hold", held)
    monkeypatch.setattr(applying, "prepare", refused)
    assert refusal(studio.complete) == "artifact.damaged"
    assert not threads() and not [*vault.folder().glob(".partial-*")]
    deadline = time.monotonic() + 20
    # The server's side of a connection that was closed ends a moment after it.
    while sessions() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not sessions()


def sessions() -> int:
    """Of others, in this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return int(cursor.fetchone()[0])


def test_what_was_begun_is_read_again_where_something_must_be_left_out(studio) -> None:
    without = LeavingOut(tables=frozenset({"studio_tag"}))
    with Ahead() as made:
        wanted = parachute.wanted(RestoreRun())
        made.begin(wanted, _Nobody())  # type: ignore[arg-type]
        made.finish(wanted, without, _Nobody())  # type: ignore[arg-type]
        assert stands(made, without) and not stands(made)


def test_what_fails_beside_is_not_lost(studio, monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(creating, "drafted", broken)
    with Ahead() as made, pytest.raises(ZeroDivisionError):
        made.begin(parachute.wanted(RestoreRun()), _Nobody())  # type: ignore[arg-type]
        made.finish(parachute.wanted(RestoreRun()), LeavingOut(), _Nobody())  # type: ignore[arg-type]


def test_where_nothing_could_be_asked_ahead_nothing_that_was_begun_is_used(
    studio, monkeypatch
) -> None:
    def failing(*args: object, **kwargs: object) -> None:
        raise BackupSystemError("database.cancelled", _("cancelled"), hint=_("none"))

    monkeypatch.setattr(applying._Restore, "_ask_ahead", failing)
    monkeypatch.setattr(Ahead, "keep", lambda *_: pytest.fail("kept"))
    restore_as(studio.complete)
    assert not threads()
