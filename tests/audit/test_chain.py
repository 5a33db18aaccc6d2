"""The chain: one, without forks or deadlocks however many write; and whatever is done to it shows."""

import json
import threading
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, connections, transaction

from backups import conf
from backups.database import audit_chain
from backups.database.audit_chain import TABLE
from backups.models import AuditEvent
from backups.services import audit_head, audit_proof, auditing
from tests import audit_door

pytestmark = pytest.mark.django_db(transaction=True)


def write(times: int, action: str = "test") -> None:
    for number in range(times):
        auditing.audit(auditing.Actor("Åsa", "a@b.example", id="7"), action, "done", n=number)


def verify(*options: str) -> tuple[int, str]:
    """Exit status, and what the command said."""
    out, status = StringIO(), 0
    try:
        call_command("audit_verify", *options, stdout=out, stderr=out)
    except SystemExit as end:
        status = int(end.code)
    return status, out.getvalue()


def codes() -> list[str]:
    return [finding.code for finding in audit_proof.verify().findings]


def tampered(*statements: str) -> None:
    with audit_door.opened(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


# Who owns the table writes everything behind a number anew, as the triggers would have.
REWRITE = f"""DO $all$
DECLARE one record; before text := '';
BEGIN
  UPDATE {TABLE} SET number = -number;
  FOR one IN SELECT id, row_number() OVER (ORDER BY -number) AS n FROM {TABLE} ORDER BY n LOOP
    UPDATE {TABLE} AS t SET number = one.n, hash = {
    audit_chain._HASH.replace("$1", "before").replace("$2", "one.n")
} WHERE t.id = one.id RETURNING t.hash INTO before;
  END LOOP;
END $all$"""

TAMPERING = {
    "a changed event": (["UPDATE TRAIL SET outcome = 'x' WHERE number = 3"], "audit.changed"),
    "a changed detail": (["UPDATE TRAIL SET details = '{}' WHERE number = 3"], "audit.changed"),
    "another person": (["UPDATE TRAIL SET person_id = '8' WHERE number = 3"], "audit.changed"),
    "another time": (["UPDATE TRAIL SET at = at - interval '1us' WHERE number = 3"], "audit.changed"),
    "another hash": (["UPDATE TRAIL SET hash = 'x' WHERE number = 3"], "audit.changed"),
    "two that changed places": (
        [
            "UPDATE TRAIL SET number = -3 WHERE number = 3",
            "UPDATE TRAIL SET number = 3 WHERE number = 4",
            "UPDATE TRAIL SET number = 4 WHERE number = -3",
        ],
        "audit.changed",
    ),
    "an event taken out": (["DELETE FROM TRAIL WHERE number = 3"], "audit.gap"),
    "the first ones": (["DELETE FROM TRAIL WHERE number < 3"], "audit.gap"),
    "the newest": (["DELETE FROM TRAIL WHERE number = 6"], "audit.cut"),
    "all": (["TRUNCATE TRAIL"], "audit.cut"),
    "all numbered anew": (["DELETE FROM TRAIL WHERE number = 3", REWRITE], "audit.cut"),
    "written anew": (["UPDATE TRAIL SET outcome = 'x' WHERE number = 3", REWRITE], "audit.rewritten"),
    "written outside": (
        ["INSERT INTO TRAIL (at, action, outcome, person_id, person_name, person_email, address,"
         " subject, details, hash) SELECT at, action, outcome, person_id, person_name, person_email,"
         " address, subject, details, '' FROM TRAIL LIMIT 1"],
        "audit.unchained",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", TAMPERING)
def test_whatever_is_done_to_it_shows(kind):
    write(6)
    assert verify()[0] == 0
    statements, code = TAMPERING[kind]
    tampered(*(statement.replace("TRAIL", TABLE) for statement in statements))
    status, said = verify()
    assert (status, code in said) == (2, True), said


def test_what_is_written_afterwards_blesses_nothing():
    """The note outside the database moves only where the chain leads on from it."""
    write(6)
    tampered(f"DELETE FROM {TABLE} WHERE number > 4")
    write(5)
    assert AuditEvent.objects.order_by("number").last().number == 9
    assert codes() == ["audit.rewritten"]


def test_without_the_note_a_cut_tail_would_not_show():
    """A twin."""
    write(6)
    tampered(f"DELETE FROM {TABLE} WHERE number = 6")
    audit_door.forget_the_head()
    status, said = verify()
    assert (status, "audit.unnoted" in said) == (3, True)
    write(1)
    assert verify()[0] == 0


def test_without_the_hash_a_change_would_not_show(monkeypatch):
    """A twin."""
    write(6)
    tampered(f"UPDATE {TABLE} SET outcome = 'x' WHERE number = 3")
    monkeypatch.setattr(audit_chain.Link, "hash_after", lambda link, before: link.hash)
    assert codes() == []


def test_many_places_are_named_within_bounds():
    write(60)
    tampered(f"DELETE FROM {TABLE} WHERE number % 2 = 0 AND number < 60")
    said = verify()[1]
    assert "2, 4, 6" in said and "40, and 9 more" in said


DISABLED = {
    "one switched off": f"ALTER TABLE {TABLE} DISABLE TRIGGER backups_audit_keep",
    "one dropped": f"DROP TRIGGER backups_audit_keep_all ON {TABLE}",
    "a function that does nothing": "CREATE OR REPLACE FUNCTION backups_audit_keep() RETURNS trigger"
    " LANGUAGE plpgsql AS $$ BEGIN RETURN coalesce(NEW, OLD); END $$",
    "one that is called for less": f"DROP TRIGGER backups_audit_keep ON {TABLE};"
    f"CREATE TRIGGER backups_audit_keep BEFORE INSERT OR UPDATE ON {TABLE} FOR EACH ROW"
    " EXECUTE FUNCTION backups_audit_keep()",
    "one with a condition": f"DROP TRIGGER backups_audit_keep ON {TABLE};"
    f"CREATE TRIGGER backups_audit_keep BEFORE INSERT OR UPDATE OR DELETE ON {TABLE} FOR EACH ROW"
    " WHEN (false) EXECUTE FUNCTION backups_audit_keep()",
    "one for replicas only": f"ALTER TABLE {TABLE} ENABLE REPLICA TRIGGER backups_audit_link",
}


@pytest.mark.parametrize("kind", DISABLED)
def test_a_missing_guard_shows_and_is_put_back(kind):
    write(2)
    with connection.cursor() as cursor:
        cursor.execute(DISABLED[kind])
    status, said = verify()
    assert (status, "audit.unguarded" in said) == (3, True)
    status, said = verify("--accept")
    assert (status, "audit.unguarded" in said) == (0, False)
    newest = AuditEvent.objects.order_by("number").last()
    assert (newest.action, newest.outcome, newest.number) == ("audit.chain", "accepted", 3)
    assert newest.details["code"] == "audit.unguarded"


def test_after_an_older_database_was_put_back_somebody_may_go_on_from_there():
    write(6)
    tampered(f"DELETE FROM {TABLE} WHERE number > 3")
    assert verify()[0] == 2
    assert verify("--accept")[0] == 0
    assert AuditEvent.objects.get(action="audit.chain").details == {"code": "audit.cut", "count": 3}
    write(1)
    assert verify()[0] == 0


def test_a_damaged_note_is_told_apart():
    write(2)
    conf.audit_head_file().write_text("{")
    status, said = verify("--json")
    found = [finding["code"] for finding in json.loads(said)["findings"]]
    assert (status, found) == (2, ["audit.head"])
    write(1)  # nobody is kept from working by that
    assert verify("--accept")[0] == 0


def test_an_empty_trail_is_whole():
    assert verify() == (0, "Whole: 0 events\n")


SESSION = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL {}"


def test_many_writers_make_one_chain():
    """Threads with connections of their own, some of whose transactions fail or stay open for a while; and
    some events are written in none, by a project that has chosen another isolation."""
    barrier = threading.Barrier(8)
    raised = []

    def work(who: int) -> None:
        try:
            barrier.wait()
            for n in range(12):
                with connection.cursor() as cursor:
                    cursor.execute(SESSION.format("REPEATABLE READ"))
                write(1, f"test.{who}")
                with connection.cursor() as cursor:
                    cursor.execute(SESSION.format("READ COMMITTED"))
                try:
                    with transaction.atomic():
                        write(2, f"test.{who}")
                        if n % 4 == who % 4:
                            raise LookupError
                except LookupError:
                    pass
        except Exception as error:
            raised.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raised == []
    assert AuditEvent.objects.count() == 8 * 9 * 2 + 8 * 12
    numbers = AuditEvent.objects.order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, 241))
    proof = audit_proof.verify()
    assert proof.findings == () and proof.newest == proof.noted == audit_head.newest()


def write_alone(action: str) -> None:
    """In a thread, which has a connection of its own."""
    write(1, action)
    connections.close_all()


def at_one_instant(action: str, *, before: str) -> None:
    """An event of a transaction whose instant lies before that of another one's."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute(f"SELECT count(*) FROM {TABLE}")
        thread = threading.Thread(target=write_alone, args=(before,))
        thread.start()
        thread.join()
        write(1, action)


def test_a_transaction_that_sees_an_instant_has_its_place_too():
    write(1)
    at_one_instant("late", before="early")
    write(1)
    found = AuditEvent.objects.order_by("number").values_list("action", flat=True)
    assert list(found) == ["test", "early", "late", "test"]
    assert codes() == []


def test_one_whose_process_died_behind_its_commit_is_given_it_later(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(audit_head, "note", lambda: None)
        at_one_instant("late", before="early")
        assert AuditEvent.objects.get(action="late").hash == audit_chain.WAITS
    assert codes() == ["audit.unnoted"] and AuditEvent.objects.get(action="late").number == 2


def test_without_waiting_such_a_transaction_would_fail():
    """A twin: the triggers as they were."""
    write(1)
    with connection.cursor() as cursor:
        text = audit_chain.FUNCTIONS["backups_audit_queue"].replace("'repeatable read', ", "")
        cursor.execute(
            "CREATE OR REPLACE FUNCTION backups_audit_queue() RETURNS trigger LANGUAGE plpgsql SET"
            f" search_path = pg_catalog, pg_temp AS $f${text}$f$"
        )
    try:
        with pytest.raises(IntegrityError, match="number"):
            at_one_instant("late", before="early")
    finally:
        audit_chain.put_back()


def test_nobody_waits_for_a_transaction_that_is_at_work():
    """Nor does a second lock after the first one make a deadlock: places are given at the end."""
    over = threading.Event()
    written = threading.Event()

    def slow() -> None:
        with transaction.atomic():
            write(1, "slow")
            written.set()
            over.wait(30)
        connections.close_all()

    thread = threading.Thread(target=slow)
    thread.start()
    assert written.wait(30)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '10s'")
        write(1, "quick")
    over.set()
    thread.join()
    found = AuditEvent.objects.order_by("number").values_list("action", flat=True)
    assert list(found) == ["quick", "slow"]
    assert codes() == []


def test_the_lock_comes_after_the_checks_that_others_put_off():
    """A key's check waits for whoever has locked its row, who may be about to write an event."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE said (id serial, what text);"
            "CREATE TEMP TABLE other (id int);"
            "CREATE FUNCTION pg_temp.look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " INSERT INTO pg_temp.said (what) SELECT count(*)::text FROM pg_locks"
            "  WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND classid = 195821569 AND objid = 1;"
            " RETURN NULL; END $$;"
            "CREATE CONSTRAINT TRIGGER look AFTER INSERT ON other DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION pg_temp.look()"
        )
        write(1)
        cursor.execute("INSERT INTO other VALUES (1)")
    with connection.cursor() as cursor:
        cursor.execute("SELECT what FROM pg_temp.said")
        assert cursor.fetchall() == [("0",)]
        cursor.execute("DROP TABLE pg_temp.said, pg_temp.other")
