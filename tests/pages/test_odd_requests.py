"""Requests that no page makes: other methods and content types, odd bytes in addresses and questions. Each is
answered in words, never by a fault of the server, and changes nothing."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from backups.models import AuditEvent, BackupRun
from tests.pages import test_every_door as doors
from tests.pages.conftest import PAGES, PASSWORD
from tests.pages.test_who_may import LISTED, address

Asked = tuple[str, str, dict[str, Any]]
OURS = [door for door in doors.EVERY if doors.rule_of(door) == "its own table"]
OTHERS = [
    door
    for door in doors.EVERY
    if doors.rule_of(door) in ("anybody", "owners") or door.name.startswith("admin:studio_user_")
]
# These take no password: a body of any kind begins them.
WITHOUT_PASSWORD = {"start_safe", "pin", "release", "name", "verify", "cancel", "audit_verify"}


def addresses(odd: str = "none") -> list[str]:
    """Of every door; ``odd`` in the place of what an address names."""
    found = []
    for door in [*OURS, *OTHERS]:
        given = {part: 1 if part == "content_type_id" else "none" for part in door.arguments}
        at = door.address if door.name.startswith("/") else reverse(door.name, kwargs=given)
        found.append(at.replace("none", odd))
    return found


def faults(browser: Client, asked: list[Asked]) -> list[tuple[str, str, int]]:
    """What is answered by a fault, or raised."""
    found = []
    browser.raise_request_exception = False
    for method, at, more in asked:
        answer = browser.generic(method, at, **more)
        if answer.status_code >= 500:
            found.append((method, at, answer.status_code))
    return found


def test_other_methods_are_no_fault(owner):
    methods = ("HEAD", "DELETE")
    asked: list[Asked] = [(method, at, {}) for at in addresses() for method in methods]
    assert len(asked) > 100 and faults(owner, asked) == []


def test_odd_bytes_in_addresses_are_no_fault(owner):
    ordinary = {*addresses()}
    asked: list[Asked] = [
        (method, at, {})
        for odd in ("%00", "a" * 5000 + "%ff", "..%2f..%2fetc")
        for at in addresses(odd)
        if at not in ordinary
        for method in ("GET", "POST")
    ]
    assert len(asked) > 150 and faults(owner, asked) == []


def test_odd_questions_are_no_fault(owner):
    pages = {
        PAGES: ("page",),
        reverse("admin:backups_history"): ("person", "scope", "state", "page"),
        reverse("admin:backups_audit"): ("person", "action", "since", "until", "page"),
        reverse("admin:backups_audit_csv"): ("person", "until"),
        reverse("admin:restore_restorerun_changelist"): ("page",),
        reverse("admin:studio_user_changelist"): ("q", "o", "role", "_to_field"),
        reverse("admin:login"): ("next",),
    }
    odd = ("%00", "9" * 400, "9999-12-31")
    asked: list[Asked] = [
        ("GET", f"{page}?{name}={text}", {})
        for page, names in pages.items()
        for name in names
        for text in odd
    ]
    assert faults(owner, asked) == []


def test_the_database_cannot_be_asked_by_each_of_them(db):
    """A twin: why addresses are looked at first."""
    with pytest.raises(ValueError, match="NUL"):
        BackupRun.objects.filter(pk="\0").exists()


def test_bodies_of_other_kinds_do_nothing(owner, backup):
    run = backup("complete")
    bodies: list[dict[str, Any]] = [
        {"data": json.dumps({"password": PASSWORD}), "content_type": "application/json"},
        {"data": b"\xff\x00" * 50, "content_type": "application/x-www-form-urlencoded"},
        {"data": b"--x\r\nbroken", "content_type": "multipart/form-data; boundary=x"},
        {"data": f"password={PASSWORD}", "content_type": "multipart/form-data"},
        {"data": f"password={PASSWORD}", "content_type": "text/plain"},
        {"data": "a=1&" * 2000, "content_type": "application/x-www-form-urlencoded"},
    ]
    names = [name for name in LISTED if name not in WITHOUT_PASSWORD]
    asked: list[Asked] = [
        ("POST", address(name, run.pk), body) for name in names for body in bodies
    ]
    assert faults(owner, asked) == []
    assert BackupRun.objects.get() == run
    assert not AuditEvent.objects.filter(outcome="done").exclude(action="sign-out").exists()
