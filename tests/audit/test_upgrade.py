"""Installations that have a trail already: what it holds is chained as it stands, and said to be so."""

from importlib import import_module
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from backups.database import audit_chain
from backups.models import AuditEvent
from backups.services import audit_proof, auditing
from tests import audit_door

migration = import_module("backups.migrations.0007_audit")
pytestmark = pytest.mark.django_db(transaction=True)


def upgrade(events: int) -> None:
    """The table as it was before, then what the migration does."""
    with connection.schema_editor() as editor:
        migration.end(apps, editor)
    AuditEvent.objects.bulk_create(
        AuditEvent(action="old", outcome="done", subject=str(n), details={"n": n})
        for n in range(events)
    )
    with connection.schema_editor() as editor:
        migration.begin(apps, editor)
    audit_door.forget_the_head()


def test_what_was_there_is_chained_and_said_to_be_older_than_the_chain():
    upgrade(5)
    auditing.audit(auditing.COMMAND_LINE, "new", "done")
    proof = audit_proof.verify()
    assert (proof.events, proof.before_chain, proof.findings) == (7, 5, ())
    numbers = AuditEvent.objects.order_by("id").values_list("action", "number")
    assert list(numbers) == [*(("old", n) for n in range(1, 6)), ("audit.chain", 6), ("new", 7)]
    out = StringIO()
    call_command("audit_verify", stdout=out)
    assert "Whole: 7 events" in out.getvalue() and "Of the first 5" in out.getvalue()


def test_what_is_changed_from_then_on_shows():
    upgrade(5)
    with audit_door.opened():
        AuditEvent.objects.filter(number=2).update(outcome="x")
    assert [finding.code for finding in audit_proof.verify().findings] == [
        "audit.changed",
        "audit.unnoted",
    ]


def test_where_there_was_nothing_nothing_is_said():
    upgrade(0)
    assert not AuditEvent.objects.exists()
    assert audit_proof.verify().findings == ()


def test_it_can_be_taken_back():
    auditing.audit(auditing.COMMAND_LINE, "new", "done")
    with connection.schema_editor() as editor:
        migration.end(apps, editor)
    with connection.cursor() as cursor:
        cursor.execute("SELECT proname FROM pg_proc WHERE proname LIKE 'backups\\_audit%'")
        assert cursor.fetchall() == []
        AuditEvent.objects.all().delete()
    with connection.schema_editor() as editor:
        audit_chain.install(editor.connection.cursor())
