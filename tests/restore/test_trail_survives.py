"""No restore touches the audit trail, nor takes its guard away; nor does the file bring another one."""

import pytest
from django.db import IntegrityError, transaction

from backups.models import AuditEvent
from backups.services import audit_proof, auditing
from backupsvc.studio.models import EmailLog
from restore.services.applying import applying
from restore.services.asking import requests, undoing
from tests.restore.steps import restore_as


def test_it_is_whole_and_guarded_after_a_restore_and_its_undo(studio):
    auditing.audit(auditing.COMMAND_LINE, "before", "done")
    before = list(AuditEvent.objects.order_by("number").values())
    EmailLog.objects.order_by("pk").first().delete()
    run = restore_as(studio.complete)
    undo = undoing.request(run, auditing.COMMAND_LINE)
    applying.carry_out(undo, requests.stored_file(undo))
    assert list(AuditEvent.objects.order_by("number").values())[: len(before)] == before
    ended = AuditEvent.objects.filter(action="restore", outcome="succeeded").order_by("number")
    assert list(ended.values_list("subject", flat=True)) == [run.pk, undo.pk]
    assert audit_proof.verify().findings == ()
    with pytest.raises(IntegrityError, match="only added to"), transaction.atomic():
        AuditEvent.objects.all().delete()
