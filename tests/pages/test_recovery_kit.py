"""The recovery kit on the pages: after the password alone, written down, and asked for until it was saved."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse

from backups.models import AuditEvent
from backups.services import installation, recovery_kit
from backups.views import grants
from tests.pages.conftest import PAGES, PASSWORD

KIT, FILE, PRINTED = (
    reverse(f"admin:backups_{name}") for name in ("kit", "kit_file", "kit_printed")
)
WANTED = "Save the recovery kit"


@pytest.fixture(autouse=True)
def own_key(settings, tmp_path):
    settings.BACKUPS_KEY_FILE = tmp_path / "installation.key"


def outcomes() -> list[str]:
    found = AuditEvent.objects.filter(action__startswith="kit").order_by("at", "pk")
    return [f"{event.action} {event.outcome}" for event in found]


def test_the_dashboard_asks_until_it_was_saved_and_again_when_the_key_changed(
    owner, settings, tmp_path
):
    assert WANTED in owner.get(PAGES).content.decode()
    owner.post(KIT, {"password": PASSWORD})
    owner.get(FILE)
    assert WANTED not in owner.get(PAGES).content.decode()
    settings.BACKUPS_KEY_FILE = tmp_path / "another.key"
    assert "The key of this installation has changed" in owner.get(PAGES).content.decode()


def test_an_admin_is_not_asked_for_what_an_admin_may_not_do(admin):
    assert WANTED not in admin.get(PAGES).content.decode()


def test_nothing_of_the_key_is_shown_before_the_password(owner):
    kit = recovery_kit.current()
    for answer in (owner.get(KIT), owner.post(KIT, {"password": "not it"}), owner.get(FILE)):
        assert kit.lines[0] not in answer.content.decode()
        assert kit.text not in answer.content.decode()
    owner.post(PRINTED)
    assert recovery_kit.last_saved() is None
    assert outcomes() == ["kit password wanted"]


def test_after_the_password_it_is_there_as_text_image_and_file(owner):
    kit = recovery_kit.current()
    assert owner.post(KIT, {"password": PASSWORD})["Location"] == KIT
    shown = owner.get(KIT)
    assert all(line in shown.content.decode() for line in kit.lines)
    assert "<svg" in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    file = owner.get(FILE)
    assert "no-store" in file["Cache-Control"]
    assert recovery_kit.parsed(file.content).key == installation.key()
    assert outcomes() == ["kit shown", "kit.save done"]
    assert recovery_kit.last_saved().person_email == "owner@studio.example"


def test_who_printed_it_says_so(owner):
    owner.post(KIT, {"password": PASSWORD})
    owner.post(PRINTED)
    assert recovery_kit.last_saved().details == {"form": "paper"}


def test_looking_at_the_head_of_the_file_saves_nothing(owner):
    owner.post(KIT, {"password": PASSWORD})
    owner.head(FILE)
    assert recovery_kit.last_saved() is None


def test_the_cookie_of_one_session_opens_nothing_in_another(owner, sign_in, account):
    owner.post(KIT, {"password": PASSWORD})
    other = sign_in("OWNER")
    other.cookies["recovery-kit"] = owner.cookies["recovery-kit"].value
    assert recovery_kit.current().text not in other.get(FILE).content.decode()


def test_without_the_grant_anybody_signed_in_would_have_it(owner, monkeypatch):
    """The twin of the two tests of the grant."""
    monkeypatch.setattr(grants, "is_granted", lambda *_: True)
    assert recovery_kit.current().text in owner.get(FILE).content.decode()


def test_the_audit_trail_and_the_rows_hold_nothing_of_the_key(owner):
    owner.post(KIT, {"password": PASSWORD})
    owner.get(KIT)
    owner.get(FILE)
    kit = recovery_kit.current()
    told = json.dumps([*AuditEvent.objects.values("action", "subject", "details")])
    assert kit.text not in told and kit.key.hex() not in told


def test_the_command_saves_it_and_writes_nothing_over(db, tmp_path, capsys):
    path = tmp_path / "kit.json"
    call_command("recovery_kit", "--output", str(path))
    assert recovery_kit.read(path).key == installation.key()
    assert recovery_kit.last_saved().details == {"form": "command"}
    assert recovery_kit.current().text not in capsys.readouterr().out
    with pytest.raises(CommandError, match=r"kit\.exists"):
        call_command("recovery_kit", "--output", str(path))
