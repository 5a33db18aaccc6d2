"""Another key of the installation: what was made before stays authentic, and the kit follows."""

import io
import json
import stat
from io import StringIO
from pathlib import Path

import pyrage
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from backups import conf
from backups.artifact import codecs
from backups.errors import StorageFailure
from backups.models import AuditEvent
from backups.services import auditing, installation, keyring, recovery_kit, rotating
from backups.services.recovery_kit import parsed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folders")]
DIGEST = "ab" * 32


def test_what_was_signed_before_is_ours_and_the_name_is_another():
    before, name = installation.seal(DIGEST), installation.name()
    assert rotating.rotate(auditing.COMMAND_LINE) == (name, installation.name())
    after = installation.seal(DIGEST)
    assert after.key_id == installation.name() != before.key_id == name
    assert installation.is_ours(before) and installation.is_ours(after)
    assert installation.names() == [after.key_id, before.key_id]
    rotating.rotate(auditing.COMMAND_LINE)
    assert installation.is_ours(before) and installation.is_ours(after)


def test_without_the_former_keys_it_would_be_a_stranger_s(monkeypatch):
    """The twin."""
    before = installation.seal(DIGEST)
    rotating.rotate(auditing.COMMAND_LINE)
    monkeypatch.setattr(installation, "former_keys", lambda: [])
    assert not installation.is_ours(before)


def test_the_files_are_private_and_nothing_of_the_keys_is_written_down(folders):
    former = installation.key().hex()
    rotating.rotate(auditing.COMMAND_LINE)
    files = list(folders.key.parent.glob("installation.key*"))
    assert len(files) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    event = AuditEvent.objects.get(action="key.rotate")
    told = f"{event.subject} {event.details}"
    assert former not in told and installation.key().hex() not in told


def test_the_kit_is_wanted_anew_and_proves_both(folders):
    before = installation.seal(DIGEST)
    old_kit = recovery_kit.current()
    recovery_kit.note_saved(auditing.COMMAND_LINE, how="file")
    keyring.safety_key()
    rotating.rotate(auditing.COMMAND_LINE)
    assert recovery_kit.last_saved() is None and recovery_kit.was_changed()
    kit = parsed(recovery_kit.as_file(recovery_kit.current()))
    assert kit.signed(before) and kit.signed(installation.seal(DIGEST))
    assert kit.names == installation.names()
    assert [k.recipient for k in kit.identities] == [k.recipient for k in keyring.safety_keys()]
    assert old_kit.signed(before) and not old_kit.signed(installation.seal(DIGEST))
    recovery_kit.require_of(kit, before.key_id)
    typed = parsed(kit.text.encode())
    assert typed.key == kit.key and typed.former == ()


def test_whoever_has_the_old_kit_opens_no_safety_backup_that_is_made_afterwards(tmp_path):
    def made() -> Path:
        path = tmp_path / f"{keyring.safety_key().recipient}.age"
        plain = codecs.compress_to(sink := io.BytesIO())
        with plain:
            plain.write(b"{}")
        path.write_bytes(pyrage.encrypt(sink.getvalue(), [keyring.safety_key().key.to_public()]))
        return path

    before, thief = made(), recovery_kit.current().identities
    rotating.rotate(auditing.COMMAND_LINE)
    after = made()
    assert before != after and keyring.opens(before) and keyring.opens(after)
    kit = parsed(recovery_kit.as_file(recovery_kit.current())).identities
    conf.safety_key_file().unlink()
    for keys, opened in ((thief, [before]), (kit, [before, after])):
        with keyring.held(keys):
            assert [path for path in (before, after) if keyring.opens(path)] == opened


def test_a_kit_of_an_earlier_version_is_read(folders):
    said = json.loads(recovery_kit.as_file(recovery_kit.current()))
    for member in ("former_keys", "safety_keys", "private_keys", "public_keys"):
        del said[member]
    assert parsed(json.dumps(said).encode()).key == installation.key()


def test_former_keys_that_cannot_be_read_are_told_and_not_passed_over(folders):
    rotating.rotate(auditing.COMMAND_LINE)
    conf.key_file().with_name("installation.key.former").write_text("half a key")
    with pytest.raises(StorageFailure) as raised:
        installation.is_ours(installation.seal(DIGEST))
    assert raised.value.code == "installation.former_keys"


def test_the_command_does_nothing_without_the_confirmation():
    name = installation.name()
    with pytest.raises(CommandError, match=r"key\.unconfirmed"):
        call_command("rotate_key")
    assert installation.name() == name
    said = StringIO()
    call_command("rotate_key", "--confirm", stdout=said)
    assert name in said.getvalue() and installation.name() in said.getvalue()
