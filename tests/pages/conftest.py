"""A cast of accounts, and backups that need no engine: a row and a small file."""

import hashlib
import json
import secrets

import pytest
import zstandard
from django.test import Client
from django.utils import timezone

from backups.models import BackupRun, State
from backups.services import vault
from backupsvc.studio.models import User

PASSWORD = "correct horse battery staple"
PAGES = "/admin/backups/backuprun/"
PLAIN = json.dumps({"rows": [f"line {n}" for n in range(40_000)]}).encode()


@pytest.fixture
def account(db):
    """Makes an approved account of a role."""

    def make(role, **fields):
        fields.setdefault("email", f"{role.lower()}@studio.example")
        return User.objects.create_user(
            password=PASSWORD,
            role=role,
            approval_status=User.ApprovalStatus.APPROVED,
            **fields,
        )

    return make


@pytest.fixture
def sign_in(account):
    """A browser in which somebody of a role has signed in; None is nobody."""

    def make(role, **client):
        browser = Client(**client)
        if role is not None:
            known = User.objects.filter(role=role).first()
            browser.force_login(known or account(role))
        return browser

    return make


@pytest.fixture
def owner(sign_in):
    return sign_in("OWNER")


@pytest.fixture
def admin(sign_in):
    return sign_in("ADMIN")


@pytest.fixture
def backup(db):
    """Makes a finished backup whose file holds ``PLAIN``."""

    def make(scope="safe", *, plain=PLAIN, **fields):
        name = secrets.token_hex(16) + vault.SUFFIX
        stored = zstandard.compress(plain)
        (vault.folder() / name).write_bytes(stored)
        now = timezone.now()
        values = {
            "state": State.SUCCEEDED,
            "artifact": name,
            "stored_bytes": len(stored),
            "plain_bytes": len(plain),
            "digest": hashlib.sha256(plain).hexdigest(),
            "verified_at": now,
            "started_at": now,
            "finished_at": now,
            "statistics": statistics(),
            "requested_by_email": "owner@studio.example",
        }
        return BackupRun.objects.create(scope=scope, **(values | fields))

    return make


RULES = {
    "rules_broken": [
        {"kind": "duplicate", "table": "studio_tag", "rule": "names", "rows": 2},
        {"kind": "reference", "table": "studio_tag", "rule": "its_key", "rows": 4},
        {"kind": "check", "table": "studio_tag", "rule": "later", "rows": 1},
        {"kind": "not_null", "table": "studio_tag", "rule": "filled", "rows": 3},
        {"kind": "invalid_index", "table": "studio_tag", "rule": "half_built", "rows": 0},
    ],
    "rules_broken_more": 6,
    "rules_unasked": 7,
}


def statistics(**files):
    """As a run keeps them."""
    section = {"rows": 3, "bytes": 120, "sha256": "0" * 64}
    counts = {"embedded": 5, "embedded_bytes": 500, "gaps": 0, "skipped": 0, "not_included": 9}
    counts |= {"not_included_local": 7, "locators": 9} | files
    return {"rows": 3, "sections": {"users": section}, "files": counts, "not_embedded": []}
