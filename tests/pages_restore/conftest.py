"""A cast of accounts, files of every kind, and the steps up to a plan."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connections
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from backups.models import AuditEvent, BackupRun
from backups.registry import COMPLETE, SAFE
from backups.services import recovery_kit
from backupsvc.studio.models import Client as Customer
from backupsvc.studio.models import Organization, PasswordResetToken, User
from restore.models import OutgoingHold, PlanRun, Receipt, RestoreRun, Upload
from restore.services.planning import plan_runs
from tests import audit_door
from tests.roundtrip.engine import back_up, document, stored

FILLED = (
    Customer,
    User,
    Organization,
    BackupRun,
    RestoreRun,
    PlanRun,
    Upload,
    Receipt,
    OutgoingHold,
    AuditEvent,
    Session,
    LogEntry,
)
PASSWORD = "correct horse battery staple"
RAW = "application/octet-stream"


@dataclass(frozen=True)
class Files:
    """Backups of a small studio as they are downloaded. ``foreign`` is another installation's, of which
    ``foreign_kit`` is the recovery kit, as it is printed."""

    complete: bytes
    complete_plain: bytes
    safe: bytes
    foreign: bytes
    foreign_kit: str


@pytest.fixture(scope="package")
def files(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[Files]:
    """Made once, of rows that are gone again afterwards."""
    folder = tmp_path_factory.mktemp("keys")
    with django_db_blocker.unblock():
        fill_studio()
        complete = back_up(COMPLETE)
        made = Files(
            complete=stored(complete).read_bytes(),
            complete_plain=document(complete),
            safe=stored(back_up(SAFE)).read_bytes(),
            foreign=_foreign(folder / "other.key"),
            foreign_kit=_kit(folder / "other.key"),
        )
        _empty()
    yield made


def _foreign(key: Path) -> bytes:
    """With a link for a new password, whose maker may know it."""
    link = PasswordResetToken.objects.create(
        email="owner@studio.example", token="known to its maker", expires=timezone.now()
    )
    try:
        with override_settings(BACKUPS_KEY_FILE=key):
            return stored(back_up(COMPLETE)).read_bytes()
    finally:
        link.delete()


def _kit(key: Path) -> str:
    with override_settings(BACKUPS_KEY_FILE=key):
        return recovery_kit.current().text


def fill_studio() -> None:
    """An organisation, one account of each of three roles, and two customers."""
    studio = Organization.objects.create(id="org", name="Studio", slug="studio")
    for role in (User.Role.OWNER, User.Role.ADMIN, User.Role.DESIGNER):
        make_account(role, id=role.lower(), org=studio)
    for name in ("first", "second"):
        Customer.objects.create(id=name, name=name, email=f"{name}@client.example", org=studio)


def make_account(role: str, **fields) -> User:
    fields.setdefault("email", f"{role.lower()}@studio.example")
    return User.objects.create_user(
        password=PASSWORD, role=role, approval_status=User.ApprovalStatus.APPROVED, **fields
    )


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.fixture(autouse=True)
def clean_folders() -> Iterator[None]:
    yield
    cache.clear()
    for path in Path(settings.BACKUPS_ROOT).iterdir():
        if path.is_file():
            path.unlink()


@pytest.fixture
def owner(db) -> Client:
    return browser_of(make_account(User.Role.OWNER))


@pytest.fixture
def transactional_db(django_db_setup, django_db_blocker) -> Iterator[None]:
    """In place of pytest-django's, whose name makes it create the database: real commits, and only the
    few tables that these tests fill are emptied. Its flush of all takes longer than a restore."""
    with django_db_blocker.unblock():
        _empty()
        yield
        _empty()
        connections.close_all()


@pytest.fixture
def live_studio(files, transactional_db) -> Client:
    """The same studio that the files are of, with one customer more; the owner's browser."""
    fill_studio()
    Customer.objects.create(
        id="new", name="new", email="new@client.example", org=Organization.objects.get()
    )
    return browser_of(User.objects.get(role=User.Role.OWNER))


def _empty() -> None:
    with audit_door.opened():
        for model in FILLED:
            model._default_manager.all().delete()
    audit_door.forget_the_head()


def begin(browser: Client, size: int, name: str = "backup.json.zst"):
    """The answer to beginning an upload, once the password was given."""
    give_password(browser)
    return browser.post(reverse("admin:restore_begin"), {"name": name, "size": size})


def give_password(browser: Client) -> None:
    """Whoever may import says the password again first."""
    browser.post(reverse("admin:restore_import"), {"password": PASSWORD})


def send(browser: Client, upload_id: str, piece: bytes, offset: int, **more):
    """The answer to one piece."""
    return browser.post(
        reverse("admin:restore_piece", args=[upload_id]),
        data=piece,
        content_type=RAW,
        headers={"Upload-Offset": str(offset)},
        **more,
    )


def bring(browser: Client, content: bytes, name: str = "backup.json.zst") -> Upload:
    """Upload a whole small file in one piece."""
    upload_id = begin(browser, len(content), name).json()["id"]
    answer = send(browser, upload_id, content, 0)
    assert answer.status_code == 200, answer.content
    return Upload.objects.get(pk=upload_id)


def planned(upload: Upload) -> PlanRun:
    """Make the plan that was asked for, as a worker would."""
    run = plan_runs.latest(upload)
    assert run is not None
    return plan_runs.carry_out(run)


def zip_archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("photo.jpg", b"\xff\xd8" * 50)
    return out.getvalue()


def of_newer_version(plain: bytes) -> bytes:
    return plain.replace(b'"backupsvc/1"', b'"backupsvc/9"', 1)


def as_json(content: bytes) -> dict:
    return json.loads(content)
