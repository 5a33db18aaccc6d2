"""Locks before the instant: taken together, for a limited time, with a name for who is in the way."""

import threading
from contextlib import closing, contextmanager

import psycopg2
import pytest
from django.db import connection as django_connection

from backups.database import holding, introspection, row_stream, standing
from backups.database.connection import connect, connected
from backups.database.snapshot import READINGS_A_LOOK, TRIES, Snapshot, snapshot
from backups.errors import BackupSystemError, BusyError, CancelledError, DatabaseFailure
from backups.services import composing, coverage
from backups.services.progress import cancelled
from backupsvc.studio.models import Organization
from tests.faults.workers import wait_until
from tests.roundtrip.engine import back_up

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = "studio_organization"


@contextmanager
def another(*statements: str, purpose: str = "migration"):
    """A session that has made these statements and not yet committed."""
    with closing(connect(purpose=purpose)) as link:
        with link.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        yield link


def at_once(*statements: str) -> None:
    """What another session does and commits."""
    with another("SET LOCAL lock_timeout = '20s'", *statements) as link:
        link.commit()


def count(view: Snapshot, table: str = TABLE) -> int:
    with view.connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


@pytest.fixture
def organization() -> None:
    Organization.objects.create(id="a", slug="a")


# The instant


def test_a_lock_takes_no_snapshot(organization) -> None:
    """What is committed between the lock and the first query is seen."""
    with snapshot() as view:
        tables = introspection.live_tables(view.connection)
        view.connection.rollback()
        holding.take(view.connection, ([tables[TABLE]], holding.ACCESS_SHARE), wait_seconds=1)
        Organization.objects.create(id="b", slug="b")
        assert count(view) == 2
        Organization.objects.create(id="c", slug="c")
        assert count(view) == 2


def test_a_query_before_the_lock_would_take_it(organization) -> None:
    with snapshot() as view:
        introspection.live_tables(view.connection)
        Organization.objects.create(id="b", slug="b")
        assert count(view) == 1


def test_a_table_that_is_rewritten_while_the_lock_waits_has_its_rows(organization) -> None:
    rewrite = f"ALTER TABLE {TABLE} ALTER COLUMN slug TYPE text USING slug || ''"
    with another(rewrite) as other, snapshot() as view:
        threading.Timer(0.2, other.commit).start()
        view.hold([TABLE], wait_seconds=30)
        assert count(view) == 1


def test_without_the_lock_it_would_have_none(organization) -> None:
    rewrite = f"ALTER TABLE {TABLE} ALTER COLUMN slug TYPE text USING slug || ''"
    with another(rewrite) as other, snapshot() as view:
        introspection.live_tables(view.connection)
        threading.Timer(0.2, other.commit).start()
        assert count(view) == 0


def test_who_wants_to_rewrite_it_waits_until_the_end(organization) -> None:
    with snapshot() as view, connected(purpose="migration") as other, other.cursor() as cursor:
        view.hold([TABLE], wait_seconds=1)
        cursor.execute("SET lock_timeout = '100ms'")
        with pytest.raises(psycopg2.errors.LockNotAvailable):
            cursor.execute(f"TRUNCATE {TABLE} CASCADE")


def test_partitions_and_heirs_are_locked_too() -> None:
    with snapshot() as view:
        tables = view.hold(["zoo_reading", "zoo_vessel"], wait_seconds=1)
        locked = holding.taken(view.connection)
        assert {tables[name].oid for name in ("zoo_vessel", "zoo_boat")} <= locked
        assert set(standing.storage(view.connection, [tables["zoo_reading"]])) <= locked
        assert len(standing.storage(view.connection, [tables["zoo_reading"]])) == 3


def test_two_sessions_that_both_lock_first_read_the_same_instant(organization) -> None:
    with snapshot() as one, snapshot() as other:
        one.hold([TABLE], wait_seconds=1)
        name = one.export()
        Organization.objects.create(id="b", slug="b")
        other.hold([TABLE], wait_seconds=1, instant=name)
        assert (count(one), count(other)) == (1, 1)


# Waiting


def test_who_is_in_the_way_is_named(organization) -> None:
    with (
        another(f"LOCK TABLE {TABLE}", purpose="night work") as other,
        pytest.raises(BusyError) as refused,
        snapshot() as view,
    ):
        pid = other.info.backend_pid
        view.hold([TABLE], wait_seconds=0.1)
    error = refused.value
    assert (error.code, error.permanent) == ("lock.tables", False)
    user = django_connection.settings_dict["USER"]
    for part in (TABLE, "backups night work", user, str(pid)):
        assert part in error.message
    assert "LOCK TABLE" not in error.message, "no text of a query"


def test_who_waits_in_front_of_us_is_named(organization) -> None:
    with another(f"SELECT FROM {TABLE}"), another(purpose="waits") as waiting:
        thread = threading.Thread(target=run_quietly, args=[waiting, f"LOCK TABLE {TABLE}"])
        thread.start()
        wait_until(lambda: is_waiting(waiting.info.backend_pid), seconds=30)
        with pytest.raises(BusyError) as refused, snapshot() as view:
            view.hold([TABLE], wait_seconds=0.1)
        waiting.cancel()
        thread.join()
    assert "backups waits" in refused.value.message


def run_quietly(link, statement: str) -> None:
    with pytest.raises(psycopg2.Error), link.cursor() as cursor:
        cursor.execute(statement)


def is_waiting(pid: int) -> bool:
    with connected(purpose="look") as link, link.cursor() as cursor:
        cursor.execute("SELECT FROM pg_locks WHERE pid = %s AND NOT granted", [pid])
        return bool(cursor.rowcount)


def test_waiting_ends_when_it_is_told_to(organization) -> None:
    def check() -> None:
        raise cancelled()

    with another(f"LOCK TABLE {TABLE}"), snapshot() as view, pytest.raises(CancelledError):
        view.hold([TABLE], wait_seconds=600, check=check)


def test_others_get_on_between_two_attempts(organization) -> None:
    """Who holds one table and wants another, which we have already, is not ended for a deadlock."""
    with another("LOCK TABLE studio_user") as other, snapshot() as view:
        crosswise = threading.Timer(0.1, lambda: finish(other, f"LOCK TABLE {TABLE}"))
        crosswise.start()
        view.hold([TABLE, "studio_user"], wait_seconds=30)
        crosswise.join()
        assert other.get_transaction_status() == psycopg2.extensions.TRANSACTION_STATUS_IDLE


def finish(link, statement: str) -> None:
    with link.cursor() as cursor:
        cursor.execute(statement)
    link.commit()


# What is not there any more, or not yet


def renamed(name: str, to: str) -> str:
    return f"ALTER TABLE {name} RENAME TO {to}"


def test_it_starts_over_when_a_table_is_replaced_before_the_lock(organization, monkeypatch) -> None:
    """The new table has the name; it is the one that is locked and read."""
    take, turns = holding.take, []

    def replaced(link, *wanted, **options) -> None:
        if not turns:
            at_once(renamed(TABLE, "gone_"), f"CREATE TABLE {TABLE} AS SELECT * FROM gone_")
        turns.append(wanted)
        take(link, *wanted, **options)

    monkeypatch.setattr(holding, "take", replaced)
    try:
        with snapshot() as view:
            tables = view.hold([TABLE], wait_seconds=1)
            assert tables[TABLE].oid in holding.taken(view.connection)
            assert count(view) == 1
    finally:
        at_once(f"DROP TABLE {TABLE}", renamed("gone_", TABLE))


def test_it_starts_over_when_a_table_comes_after_the_lock(monkeypatch) -> None:
    take, turns = holding.take, []

    def grown(link, *wanted, **options) -> None:
        take(link, *wanted, **options)
        if not turns:
            at_once("CREATE TABLE grown_ (id int)")
        turns.append(wanted)

    monkeypatch.setattr(holding, "take", grown)
    try:
        with snapshot() as view:
            tables = view.hold([TABLE, "grown_"], wait_seconds=1)
            assert tables["grown_"].oid in holding.taken(view.connection)
        assert len(turns) == 2
    finally:
        at_once("DROP TABLE grown_")


def test_it_gives_up_when_tables_change_again_and_again(monkeypatch) -> None:
    turns = []

    def gone(*_, **__) -> None:
        turns.append(1)
        raise psycopg2.errors.UndefinedTable

    monkeypatch.setattr(holding, "take", gone)
    with pytest.raises(DatabaseFailure) as refused, snapshot() as view:
        view.hold([TABLE], wait_seconds=1)
    assert (refused.value.code, refused.value.permanent) == ("schema.changing", False)
    assert len(turns) == TRIES


# What needs no lock that ours would stop


def code_of_a_backup_amid(statements: list[str], undo: list[str]) -> str:
    """The code with which a backup ends when others commit these while it reads."""
    totals = composing._totals

    def and_others(readings):
        at_once(*statements)
        return totals(readings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(composing, "_totals", and_others)
        try:
            back_up()
        except BackupSystemError as error:
            return error.code
        finally:
            at_once(*undo)
    return ""


def test_a_partition_that_is_attached_meanwhile_ends_the_backup(monkeypatch) -> None:
    """Where there is no default partition, attaching asks for no lock that ours would stop."""
    to = "ALTER TABLE zoo_reading ATTACH PARTITION {} FOR VALUES FROM (MINVALUE) TO (2000)"
    at_once(
        "CREATE TABLE late_ (LIKE zoo_reading INCLUDING ALL)",
        "INSERT INTO late_ (year, number) VALUES (1, 1)",
        "ALTER TABLE zoo_reading DETACH PARTITION zoo_reading_old",
        "ALTER TABLE zoo_reading DETACH PARTITION zoo_reading_new",
    )
    back = [
        "DROP TABLE late_",
        to.format("zoo_reading_old"),
        "ALTER TABLE zoo_reading ATTACH PARTITION zoo_reading_new DEFAULT",
    ]
    monkeypatch.setattr(coverage, "require_covered", lambda *_: None)
    assert code_of_a_backup_amid([to.format("late_")], back) == "schema.changing"


def exchanged() -> tuple[list[str], list[str]]:
    """Statements that put other tables in the place of all, and those that undo it."""
    copies = (f'CREATE TABLE public."{name}" (LIKE former_."{name}")' for name in names_of_tables())
    begin = ["ALTER SCHEMA public RENAME TO former_", "CREATE SCHEMA public"]
    undo = ["DROP SCHEMA public CASCADE", "ALTER SCHEMA former_ RENAME TO public"]
    return [*begin, *copies], undo


def test_a_schema_that_is_exchanged_meanwhile_ends_the_backup(organization) -> None:
    assert code_of_a_backup_amid(*exchanged()) == "schema.changing"


@pytest.mark.parametrize("is_exchanged", [True, False])
def test_whatever_the_database_says_of_tables_that_were_exchanged(
    organization, monkeypatch, is_exchanged
) -> None:
    """A type that went with its schema, a relation that is just being dropped: it depends on the moment."""

    def refused(connection, *_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 'calm'::a_type_that_went")

    monkeypatch.setattr(row_stream, "stream_rows", refused)
    code = code_of_a_backup_amid(*(exchanged() if is_exchanged else ([], [])))
    assert code == ("schema.changing" if is_exchanged else "database.error")


def names_of_tables() -> list[str]:
    with connected(purpose="test") as link:
        tables = introspection.live_tables(link)
    return [table.name.replace('"', '""') for table in tables.values()]


def test_a_label_that_is_renamed_meanwhile_ends_the_backup() -> None:
    name = '"Zoo ""Mood"""'
    code = code_of_a_backup_amid(
        [f"ALTER TYPE {name} RENAME VALUE 'calm' TO 'still'"],
        [f"ALTER TYPE {name} RENAME VALUE 'still' TO 'calm'"],
    )
    assert code == "schema.changing"


def test_a_new_index_and_a_new_label_of_others_do_no_harm() -> None:
    code = code_of_a_backup_amid(
        [
            f"CREATE INDEX late_ ON {TABLE} (slug)",
            "CREATE TYPE late_type AS ENUM ('a')",
            f"GRANT SELECT ON {TABLE} TO CURRENT_USER",
            f"ANALYZE {TABLE}",
        ],
        ["DROP INDEX late_", "DROP TYPE late_type"],
    )
    assert code == ""


# Room for locks


def test_a_server_without_room_is_told_what_to_set() -> None:
    with connected(purpose="test") as link:
        failure = holding.no_room(link, 100_000)
        with link.cursor() as cursor:
            cursor.execute("SHOW max_locks_per_transaction")
            setting = int(cursor.fetchone()[0])
            cursor.execute("SHOW max_connections")
            sessions = int(cursor.fetchone()[0])
    assert failure.code == "database.locks"
    needed = int(failure.hint.split(" to ")[1].split()[0])
    assert str(setting) in failure.message and needed > setting
    assert needed * sessions >= 100_000


def test_out_of_room_is_said_so(monkeypatch) -> None:
    def full(*_, **__) -> None:
        raise psycopg2.errors.OutOfMemory

    with pytest.raises(DatabaseFailure) as refused, snapshot() as view:
        execute = holding._execute
        monkeypatch.setattr(
            holding,
            "_execute",
            lambda link, statement: (
                full() if "LOCK TABLE" in statement.as_string(link) else execute(link, statement)
            ),
        )
        view.hold([TABLE], wait_seconds=1)
    assert refused.value.code == "database.locks"


def test_a_reading_keeps_no_locks_on_indexes() -> None:
    """Of thousands of tables the server has room for the tables' locks, and not for all indexes'."""
    with snapshot() as view:
        tables = view.hold([TABLE], wait_seconds=1)
        with view._as_held():
            count(view)
            assert indexes_locked(view)
        view.look_again()
        assert not indexes_locked(view)
        assert tables[TABLE].oid in holding.taken(view.connection)


def test_some_readings_share_a_look_and_none_goes_without(organization, monkeypatch) -> None:
    looks = []

    def look(*_) -> bool:
        looks.append(1)
        return False

    monkeypatch.setattr(standing, "has_moved", look)
    with snapshot() as view:
        view.hold([TABLE], wait_seconds=1)
        for _reading in range(READINGS_A_LOOK + 1):
            with view._as_held():
                count(view)
        assert len(looks) == 1
    assert len(looks) == 2


def test_rows_of_a_table_that_nobody_held_are_not_believed(organization) -> None:
    with pytest.raises(DatabaseFailure) as refused, snapshot() as view:
        view.hold(["studio_user"], wait_seconds=1)
        with view._as_held():
            count(view)
    assert refused.value.code == "schema.changing"


def indexes_locked(view: Snapshot) -> bool:
    with view.connection.cursor() as cursor:
        cursor.execute("SELECT indexrelid FROM pg_index WHERE indrelid = %s::regclass", [TABLE])
        return bool({oid for (oid,) in cursor.fetchall()} & holding.taken(view.connection))


@pytest.fixture
def prepared():
    """A transaction that was prepared and holds a table, though no session does."""
    at_once(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE", "PREPARE TRANSACTION 'half done'")
    yield
    with closing(connect(purpose="end")) as link:
        link.autocommit = True
        with link.cursor() as cursor:
            cursor.execute("ROLLBACK PREPARED 'half done'")


def test_who_prepared_a_transaction_that_holds_a_table_is_named(prepared) -> None:
    with snapshot() as view, pytest.raises(BusyError) as refused:
        view.hold([TABLE], wait_seconds=0)
    assert refused.value.code == "lock.tables"
    assert "the prepared transaction 'half done' of " in str(refused.value)
