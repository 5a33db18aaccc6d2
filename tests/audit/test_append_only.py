"""The database itself takes events only: no way of the application's account changes or removes one."""

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from backups.database import audit_chain
from backups.models import AuditEvent
from backups.services import auditing
from tests import audit_door

STATEMENTS = {
    "update": "UPDATE backups_auditevent SET outcome = 'done'",
    "update of the chain": "UPDATE backups_auditevent SET number = 7, hash = 'x'",
    "delete": "DELETE FROM backups_auditevent",
    "truncate": "TRUNCATE backups_auditevent",
    "truncate with others": "TRUNCATE backups_backuprun, backups_auditevent RESTART IDENTITY CASCADE",
    "upsert": "INSERT INTO backups_auditevent SELECT * FROM backups_auditevent"
    " ON CONFLICT (id) DO UPDATE SET outcome = 'done'",
    "merge": "MERGE INTO backups_auditevent a USING backups_auditevent b ON a.id = b.id"
    " WHEN MATCHED THEN DELETE",
}
THROUGH_THE_ORM = {
    "update": lambda: AuditEvent.objects.update(outcome="done"),
    "save": lambda: AuditEvent.objects.get().save(),
    "bulk_update": lambda: AuditEvent.objects.bulk_update(
        [AuditEvent(pk=AuditEvent.objects.get().pk, outcome="done")], ["outcome"]
    ),
    "delete": lambda: AuditEvent.objects.all().delete(),
    "raw delete": lambda: AuditEvent.objects.all()._raw_delete("default"),
    "delete of one": lambda: AuditEvent.objects.get().delete(),
}


def forget_all() -> None:
    """What tests of others have left."""
    with audit_door.opened():
        AuditEvent.objects.all().delete()


@pytest.fixture
def event(db) -> AuditEvent:
    forget_all()
    return auditing.audit(auditing.COMMAND_LINE, "backup.delete", "refused")


def execute(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # TRUNCATE does not wait for anything
        cursor.execute(statement)


@pytest.mark.parametrize("kind", STATEMENTS)
def test_no_statement_changes_or_removes_an_event(event, kind):
    with pytest.raises(IntegrityError, match="only added to"):
        execute(STATEMENTS[kind])
    assert AuditEvent.objects.get().outcome == "refused"


@pytest.mark.parametrize("kind", THROUGH_THE_ORM)
def test_nor_does_django(event, kind):
    with pytest.raises(IntegrityError, match="only added to"), transaction.atomic():
        THROUGH_THE_ORM[kind]()
    assert AuditEvent.objects.get().outcome == "refused"


def test_without_the_triggers_each_would(event):
    """A twin."""
    execute("SELECT")
    before = list(AuditEvent.objects.values())
    for statement in STATEMENTS.values():
        with audit_door.opened(), transaction.atomic():
            execute(statement)
            assert list(AuditEvent.objects.values()) != before
            transaction.set_rollback(True)


def test_what_is_refused_is_the_whole_statement(event):
    auditing.audit(auditing.COMMAND_LINE, "backup.pin", "done")
    with pytest.raises(IntegrityError):
        execute("DELETE FROM backups_auditevent WHERE action = 'backup.pin'")
    assert AuditEvent.objects.count() == 2


def test_an_event_chooses_neither_its_number_nor_its_hash(event):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    made = AuditEvent.objects.create(action="x", outcome="y", number=999, hash="a" * 64)
    made.refresh_from_db()
    event.refresh_from_db()
    assert made.number == event.number + 1
    assert made.hash not in ("", "a" * 64)


def test_a_trigger_of_somebody_else_s_opens_no_way(event):
    """Only what has no hash yet may be given one, and no trigger may change what an event says."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE way (x int);"
            "CREATE FUNCTION pg_temp.way() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " UPDATE public.backups_auditevent SET outcome = 'done'; RETURN NEW; END $$;"
            "CREATE TRIGGER way AFTER INSERT ON way FOR EACH ROW EXECUTE FUNCTION pg_temp.way()"
        )
    with pytest.raises(IntegrityError, match="only added to"):
        execute("INSERT INTO way VALUES (1)")


@pytest.mark.django_db(transaction=True)
def test_the_command_flush_leaves_it_and_says_why():
    forget_all()
    auditing.audit(auditing.COMMAND_LINE, "backup.delete", "refused")
    with pytest.raises(CommandError) as refused:
        call_command("flush", interactive=False, verbosity=0)
    assert "only added to" in str(refused.value.__cause__)
    assert AuditEvent.objects.count() == 1


def test_nothing_of_it_points_to_an_account():
    """Whom it names may be deleted, and nothing is set to NULL for that."""
    assert not [field for field in AuditEvent._meta.get_fields() if field.is_relation]


def test_functions_are_called_with_a_path_of_their_own(db):
    """Nobody slips a function of the same name in between."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc WHERE proname = ANY (%s) AND proconfig[1] = %s",
            [list(audit_chain.FUNCTIONS), "search_path=pg_catalog, pg_temp"],
        )
        assert {name for (name,) in cursor.fetchall()} == audit_chain.FUNCTIONS.keys()
