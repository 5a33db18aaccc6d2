"""What a developer or an owner meets first."""

import os
import subprocess
import sys

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import ProgrammingError
from django.test import Client
from django.urls import reverse

from backups.models import AuditEvent, BackupRun
from backupsvc import environment
from backupsvc.studio.management.commands import seed_studio
from backupsvc.studio.models import User
from restore.models import RestoreRun
from tests.docs.pages import ROOT


@pytest.mark.parametrize(
    ("role", "first"),
    [
        ("OWNER", "admin:backups_backuprun_changelist"),
        ("ADMIN", "admin:backups_backuprun_changelist"),
        ("DESIGNER", "admin:index"),
    ],
)
def test_who_may_make_backups_begins_where_they_are_made(db, role, first):
    User.objects.create_user(
        email="a@studio.example",
        password="secret words",
        role=role,
        approval_status=User.ApprovalStatus.APPROVED,
    )
    given = {"username": "a@studio.example", "password": "secret words"}
    login = reverse("admin:login")
    assert Client().post(login, given)["Location"] == reverse(first)
    assert Client().post(f"{login}?next=/admin/", given)["Location"] == reverse(first)
    elsewhere = reverse("admin:password_change")
    assert Client().post(f"{login}?next={elsewhere}", given)["Location"] == elsewhere
    wrong = Client().post(login, given | {"password": "wrong"})
    assert wrong.status_code == 200


def test_a_database_without_tables_is_told_so(monkeypatch):
    def no_table():
        raise ProgrammingError('relation "x" does not exist')

    monkeypatch.setattr(seed_studio, "is_empty", no_table)
    with pytest.raises(CommandError, match=r"manage\.py migrate"):
        call_command("seed_studio")


@pytest.mark.parametrize(
    ("noted", "database", "allowed"),
    [
        ("127.0.0.1:8765", "", "127.0.0.1:8765"),
        ("127.0.0.1:8765", "postgresql://a/b", None),
        ("10.0.0.1:80", "", None),
        (None, "", None),
    ],
)
def test_a_command_beside_make_run_fetches_the_demos_files(
    tmp_path, monkeypatch, noted, database, allowed
):
    monkeypatch.setattr(environment, "var_dir", lambda: tmp_path)
    monkeypatch.setattr(os, "environ", {"DATABASE_URL": database})
    if noted:
        environment.note_demo_files(noted)
    environment.point_at_noted_demo_files()
    assert os.environ.get("BACKUPS_FETCH_INTERNAL_HOSTS") == allowed


def test_numbers_in_the_audit_trail_lead_to_what_they_name(db, django_assert_max_num_queries):
    owner = User.objects.create_user(
        email="a@studio.example",
        password="x",
        role="OWNER",
        approval_status=User.ApprovalStatus.APPROVED,
    )
    backup, restore = BackupRun.objects.create(scope="safe"), RestoreRun.objects.create(source="a")
    for subject in (backup.pk, restore.pk, "f" * 32):
        AuditEvent.objects.create(action="x", outcome="done", subject=subject)
    browser = Client()
    browser.force_login(owner)
    with django_assert_max_num_queries(20):
        page = browser.get(reverse("admin:backups_audit")).content.decode()
    assert f'href="{reverse("admin:backups_run", args=[backup.pk])}"' in page
    assert f'href="{reverse("admin:restore_report", args=[restore.pk])}"' in page
    assert "f" * 12 in page and f"/{'f' * 32}/" not in page


def test_a_script_without_an_address_is_told_what_is_missing(tmp_path):
    script = "import django; django.setup(); from backupsvc.studio.models import User; User.objects.count()"
    environment = {"DJANGO_SETTINGS_MODULE": "backupsvc.settings", "BACKUPSVC_VAR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={"PATH": os.environ["PATH"], **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    said = ended.stderr.strip().splitlines()[-1]
    assert "DATABASE_URL is not set" in said and "manage.py shell" in said
