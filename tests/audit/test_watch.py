"""Nobody need ask: a worker looks at the audit trail each day, and tells the owners what is wrong with it."""

import datetime
import logging
import time

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from backups import conf, jobs
from backups.database import audit_chain
from backups.database.audit_chain import TABLE
from backups.files import private
from backups.services import audit_proof, audit_watch, owners, vault
from backupsvc.studio.models import User
from tests.audit.test_chain import REWRITE, tampered, verify, write
from tests.pages_restore.conftest import browser_of, make_account

Role = User.Role
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_has_looked() -> None:
    audit_proof._look_file().unlink(missing_ok=True)


@pytest.fixture
def owner() -> User:
    return make_account(Role.OWNER)


def look() -> list[str]:
    """What a worker's look, by a process that has just begun, writes to whom."""
    before = len(mail.outbox)
    audit_watch.Daily()()
    return [message.to[0] for message in mail.outbox[before:]]


def a_day_later(monkeypatch: pytest.MonkeyPatch, days: int = 1) -> None:
    now = timezone.now() + datetime.timedelta(days=days)
    monkeypatch.setattr(timezone, "now", lambda: now)


def spoil() -> None:
    tampered(f"UPDATE {TABLE} SET outcome = 'x' WHERE number = 3")


def test_a_worker_looks_once_a_day_whichever_it_is(owner, monkeypatch):
    write(6)
    assert any(isinstance(one, audit_watch.Daily) for one in jobs.AFTER_A_DEATH)
    assert look() == []
    first = audit_proof.last_look()
    assert (first.by, first.outcome, first.codes) == ("worker", "whole", ())
    look()
    assert audit_proof.last_look() == first
    a_day_later(monkeypatch)
    with private.alone(vault.folder()):
        look()  # another worker is at it
        assert audit_proof.last_look() == first
    look()
    assert audit_proof.last_look().at == timezone.now()


def test_what_is_wrong_is_told_to_owners_logged_and_shown(owner, monkeypatch, caplog):
    make_account(Role.ADMIN)
    make_account(Role.OWNER, email="second@studio.example")
    waiting = make_account(Role.OWNER, email="waiting@studio.example")
    User.objects.filter(pk=waiting.pk).update(approval_status=User.ApprovalStatus.PENDING)
    write(6)
    spoil()
    with caplog.at_level(logging.ERROR, "backups"):
        assert look() == ["owner@studio.example", "second@studio.example"]
    assert "audit.changed" in caplog.text
    assert "audit.changed" in mail.outbox[-1].body and "1 event differs" in mail.outbox[-1].body
    browser = browser_of(owner)
    for name in ("admin:backups_backuprun_changelist", "admin:backups_audit"):
        assert "audit.changed" in browser.get(reverse(name)).content.decode()


def test_it_is_told_again_after_a_week_or_where_more_is_wrong(owner, monkeypatch):
    write(6)
    spoil()
    assert len(look()) == 1
    assert verify()[0] == 2  # whoever looks meanwhile keeps nobody from being told
    a_day_later(monkeypatch)
    assert look() == []
    a_day_later(monkeypatch)
    tampered(f"DELETE FROM {TABLE} WHERE number = 5")
    assert len(look()) == 1
    for days, told in ((6, 0), (1, 1)):
        a_day_later(monkeypatch, days)
        assert len(look()) == told, days


def test_where_no_worker_is_cron_may_tell(owner):
    write(6)
    assert verify("--alarm")[0] == 0 and mail.outbox == []
    spoil()
    assert verify("--alarm")[0] == 2
    assert [message.to for message in mail.outbox] == [["owner@studio.example"]]


def test_a_trail_that_cannot_be_read_now_is_tried_again_within_hours(owner, monkeypatch, caplog):
    daily = audit_watch.Daily()
    with monkeypatch.context() as patched:
        patched.setattr(conf, "root", lambda: conf.audit_head_file() / "no folder")
        write(1)
        daily()
        daily()
    assert caplog.text.count("could not be verified") == 1 and audit_proof.last_look() is None
    passed = time.monotonic() + 3601
    monkeypatch.setattr(time, "monotonic", lambda: passed)
    daily()
    assert audit_proof.last_look().outcome == "whole"


@pytest.fixture
def in_parts(monkeypatch) -> None:
    """Each look has time for two events."""
    monkeypatch.setattr(audit_proof, "_BETWEEN_CLOCKS", 2)
    monkeypatch.setattr(audit_watch, "SECONDS", 0)


def parts(monkeypatch, looks: int) -> list[tuple[int, str, tuple[str, ...]]]:
    found = []
    for _look in range(looks):
        look()
        said = audit_proof.last_look()
        found.append((said.number, said.outcome, said.codes))
        a_day_later(monkeypatch)
    return found


def test_a_long_trail_is_read_in_parts_and_then_from_the_first_event_again(in_parts, monkeypatch):
    write(5)
    whole = ("whole", ())
    assert parts(monkeypatch, 4) == [(2, *whole), (4, *whole), (5, *whole), (2, *whole)]


def test_each_part_finds_what_is_in_it_and_the_cut_end_at_once(in_parts, monkeypatch):
    write(6)
    spoil()
    assert [codes for _n, _o, codes in parts(monkeypatch, 2)] == [(), ("audit.changed",)]
    tampered(f"DELETE FROM {TABLE} WHERE number = 6")
    assert "audit.cut" in parts(monkeypatch, 1)[0][2]


def test_what_a_part_has_shown_stays_said_until_all_is_read_at_once(in_parts, monkeypatch):
    """No part without a fault makes the trail whole again, nor does the first one of the next reading."""
    write(6)
    spoil()
    broken = ("not whole", ("audit.changed",))
    said = [(outcome, codes) for _number, outcome, codes in parts(monkeypatch, 5)]
    assert said == [("whole", ()), *[broken] * 4]
    mended = f"UPDATE {TABLE} SET outcome = (SELECT outcome FROM {TABLE} WHERE number = 2) WHERE number = 3"
    tampered(mended)
    assert verify()[0] == 0
    assert parts(monkeypatch, 1)[0][1:] == ("whole", ())


def test_a_clock_that_was_put_back_keeps_nobody_from_looking(owner, monkeypatch):
    write(6)
    a_day_later(monkeypatch, 30)
    look()
    a_day_later(monkeypatch, -29)
    spoil()
    assert len(look()) == 1
    assert audit_proof.last_look().at == timezone.now()


def test_a_chain_written_anew_behind_a_part_is_read_from_the_first_event(in_parts, monkeypatch):
    write(6)
    assert parts(monkeypatch, 1)[0][0] == 2
    tampered(f"UPDATE {TABLE} SET outcome = 'x' WHERE number = 1", REWRITE)
    assert parts(monkeypatch, 1)[0] == (2, "not whole", ("audit.rewritten",))


def test_going_on_without_looking_at_what_was_read_would_not_show_that(in_parts, monkeypatch):
    """The twin: reading on from a hash that is taken for granted."""
    write(6)
    parts(monkeypatch, 1)
    tampered(f"UPDATE {TABLE} SET outcome = 'x' WHERE number = 1", REWRITE)
    kept = audit_proof.last_look().rest
    monkeypatch.setattr(audit_chain, "hash_at", lambda connection, number: kept.hash)
    assert "audit.changed" in parts(monkeypatch, 1)[0][2]


def test_owners_are_those_who_can_sign_in_and_restore(owner):
    assert owners.addresses() == ["owner@studio.example"]
    User.objects.update(approval_status=User.ApprovalStatus.REJECTED)
    assert owners.addresses() == []
