"""Encrypted backups: nothing plain on the disk, proven from the disk, opened by the owner's key alone."""

import hashlib
import json
import shutil
import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import zstandard

from backups.artifact import age, age_beginnings, age_keys
from backups.artifact.age_keys import Identity
from backups.errors import ArtifactError, BackupSystemError
from backups.models import AuditEvent, BackupRun, Encryption, Purpose, Recipient, State
from backups.registry import COMPLETE, SAFE, Scope
from backups.services import (
    auditing,
    composing,
    creating,
    delivering,
    encrypting,
    keeping,
    keyring,
    recipients,
    vault,
)
from backups.services.verifying import verify
from backupsvc.studio.models import Organization
from tests.backups.studio import PICTURE, small_studio
from tests.roundtrip.engine import document, stored

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folders", "studio")]

MINE, YOURS, OTHER = (age_keys.new_identity() for _ in range(3))
MARK = "a-marker-that-stands-in-a-row"


@pytest.fixture
def studio(folders) -> None:
    small_studio()
    Organization.objects.filter(id="atelier").update(name=MARK)


@pytest.fixture
def keys(studio) -> None:
    for name, identity in {"safe": MINE, "bank": YOURS}.items():
        recipients.add(identity.recipient, name, auditing.COMMAND_LINE, proven=True)


def made(scope: Scope = COMPLETE, **how: Any) -> BackupRun:
    run = creating.request(scope, auditing.COMMAND_LINE, **how)
    creating.carry_out(run)
    run.refresh_from_db()
    return run


def code_of(action: Any) -> str:
    with pytest.raises(BackupSystemError) as raised:
        action()
    return raised.value.code


def test_a_complete_backup_is_encrypted_as_soon_as_there_are_keys(keys):
    run = made()
    assert (run.state, run.encryption) == (State.SUCCEEDED, Encryption.RECIPIENTS)
    assert [key["name"] for key in run.encrypted_to] == ["safe", "bank"]
    content = stored(run).read_bytes()
    assert content.startswith(age_beginnings.MARK) and stored(run).name.endswith(".json.zst.age")
    assert run.stored_sha256 == hashlib.sha256(content).hexdigest()
    assert run.stored_bytes == len(content)
    assert not [t.name for t in threading.enumerate() if t.name.startswith("behind ")]
    for identity in (MINE, YOURS):
        with keyring.held([identity]):
            assert json.loads(document(run))["integrity"]["digest"] == run.digest


def test_who_makes_a_backup_may_say_otherwise(keys):
    def chosen(scope: Scope, encrypt: bool | None) -> str:
        return encrypting.columns_for(scope, Purpose.ORDINARY, encrypt)["encryption"]

    assert chosen(COMPLETE, None) == chosen(SAFE, True) == Encryption.RECIPIENTS
    assert chosen(SAFE, None) == chosen(COMPLETE, False) == ""


def test_nobody_else_opens_it_this_server_included(keys):
    run = made()
    assert code_of(lambda: document(run)) == "key.needed"
    with keyring.held([OTHER]):
        assert code_of(lambda: document(run)) == "key.wrong"
    keyring.safety_key()
    assert code_of(lambda: document(run)) == "key.needed"
    assert code_of(lambda: delivering.delivery(run, "plain")) == "backup.encrypted"
    wanted = delivering.delivery(run, "stored")
    assert wanted.name.endswith("Z.json.zst.age")
    assert b"".join(wanted.blocks(0, wanted.size_bytes - 1)) == stored(run).read_bytes()


def test_the_program_age_opens_it_and_its_digest_is_that_of_the_run(keys, tmp_path):
    if not (program := shutil.which("age")):
        pytest.skip("the program age is not installed")
    run = made()
    (tmp_path / "key.txt").write_text(MINE.told())
    opened = subprocess.run(
        [program, "-d", "-i", tmp_path / "key.txt", stored(run)], capture_output=True, check=True
    )
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(opened.stdout)
    assert len(plain) == run.plain_bytes
    until = plain.rindex(b'"integrity": ')
    assert hashlib.sha256(plain[:until]).hexdigest() == run.digest


def lying(folder: Path) -> bytes:
    """All that lies in the folder of the backups."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def found_on_the_way(folder: Path, monkeypatch: pytest.MonkeyPatch, **how: Any) -> set[bytes]:
    """Which of the markers lie on the disk at some moment while a backup is made."""
    found: set[bytes] = set()

    def look() -> None:
        content = lying(folder)
        # Compressed rows are as readable as plain ones: whatever opens without a key is opened.
        for at in [m for m in range(len(content)) if content.startswith(b"\x28\xb5\x2f\xfd", m)]:
            with pytest.MonkeyPatch.context():
                try:
                    content += zstandard.ZstdDecompressor().decompressobj().decompress(content[at:])
                except zstandard.ZstdError:
                    continue
        found.update(mark for mark in (MARK.encode(), PICTURE) if mark in content)

    entries = composing.Collector.entries

    def looked(self):
        for entry in entries(self):
            look()
            yield entry

    monkeypatch.setattr(composing.Collector, "entries", looked)
    made(**how)
    look()
    return found


def test_nothing_plain_lies_on_the_disk_at_any_moment(keys, folders, monkeypatch):
    assert found_on_the_way(folders.backups, monkeypatch) == set()


def test_without_the_encryption_it_would(keys, folders, monkeypatch):
    """The twin."""
    assert found_on_the_way(folders.backups, monkeypatch, encrypt=False) == {MARK.encode(), PICTURE}


def test_it_is_read_back_from_the_disk_and_damage_there_is_noticed(keys, monkeypatch):
    """The library seals something else than what it was given."""

    class Wrong(age.Encrypting):
        def write(self, data, /):
            return super().write(data[:-1] + bytes([data[-1] ^ 1]))

    monkeypatch.setattr(encrypting.age, "Encrypting", Wrong)
    run = creating.request(COMPLETE, auditing.COMMAND_LINE)
    assert code_of(lambda: creating.carry_out(run)).startswith("artifact.")
    assert list(vault.folder().iterdir()) == []


def test_bytes_that_change_on_the_disk_after_they_were_read_are_noticed(keys, monkeypatch):
    sync = vault.drafts.private.sync

    def spoiled(file):
        sync(file)
        file.seek(-20, 2)
        last = file.read(1)
        file.seek(-20, 2)
        file.write(bytes([last[0] ^ 1]))
        file.flush()

    # Of drafts alone: a key may be made with the first backup of all.
    spoiling = SimpleNamespace(**vars(vault.drafts.private) | {"sync": spoiled})
    monkeypatch.setattr(vault.drafts, "private", spoiling)
    run = creating.request(COMPLETE, auditing.COMMAND_LINE)
    # Who reads behind the writer may not have come so far yet, and meets it itself.
    assert code_of(lambda: creating.carry_out(run)) in ("artifact.damaged", "artifact.truncated")


def test_the_key_of_the_run_is_forgotten_with_it(keys, monkeypatch):
    kept: list[Identity] = []
    new = age_keys.new_identity

    def remembered() -> Identity:
        kept.append(new())
        return kept[-1]

    monkeypatch.setattr(age_keys, "new_identity", remembered)
    run = made()
    assert keyring.given() == ()
    row = json.dumps(BackupRun.objects.filter(pk=run.pk).values().get(), default=str)
    for identity in kept:
        assert identity.recipient not in row
        assert identity.told().encode() not in lying(vault.folder())


# Verifying


def test_without_the_key_its_bytes_are_compared_and_with_it_all_is_read(keys):
    run = made()
    assert verify(run) is None
    with keyring.held([YOURS]):
        assert verify(run)
    with keyring.held([OTHER]):
        assert code_of(lambda: keeping.verify_again(run, auditing.COMMAND_LINE)) == "key.wrong"
    run.refresh_from_db()
    assert run.verified_at and not run.error_code  # of the file that says nothing
    path = stored(run)
    content = path.read_bytes()
    path.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    assert code_of(lambda: verify(run)) == "artifact.damaged"
    with keyring.held([YOURS]):
        assert code_of(lambda: verify(run)) in ("artifact.damaged", "artifact.truncated")


# The rule


def test_where_encryption_is_obligatory_no_complete_backup_is_plain(settings):
    settings.BACKUPS_ENCRYPT_COMPLETE = True
    ask = creating.request
    assert code_of(lambda: ask(COMPLETE, auditing.COMMAND_LINE)) == "encryption.no_keys"
    recipients.add(MINE.recipient, "safe", auditing.COMMAND_LINE, proven=True)
    plain = code_of(lambda: ask(COMPLETE, auditing.COMMAND_LINE, encrypt=False))
    assert plain == "encryption.obligatory"
    assert ask(COMPLETE, auditing.COMMAND_LINE).encryption == Encryption.RECIPIENTS
    assert ask(SAFE, auditing.COMMAND_LINE).encryption == ""
    assert BackupRun.objects.count() == 2


def test_a_safety_backup_goes_to_the_installation_s_own_key(keys):
    run = made(purpose=Purpose.SAFETY)
    assert run.encryption == Encryption.INSTALLATION
    assert MARK.encode() in document(run)
    assert verify(run)
    Recipient.objects.all().delete()
    assert encrypting.columns_for(COMPLETE, Purpose.SAFETY, None)["encryption"] == ""


# The keys


def test_a_key_of_which_nothing_is_shown_is_not_taken(studio):
    def add(text: str = MINE.recipient, name: str = "safe", **how: Any) -> Recipient:
        return recipients.add(text, name, auditing.COMMAND_LINE, **({"proven": False} | how))

    assert code_of(add) == "key.unproven"
    assert code_of(lambda: add(name=" ", promised=True)) == "key.name"
    assert code_of(lambda: add(MINE.told(), proven=True)) == "key.private"
    key = add(promised=True)
    assert code_of(lambda: add(proven=True)) == "key.known"
    recipients.remove(key, auditing.COMMAND_LINE)
    events = AuditEvent.objects.filter(action__startswith="keys.").order_by("id")
    assert [e.action for e in events] == ["keys.add", "keys.remove"]
    assert events[0].details["fingerprint"] == age_keys.fingerprint(MINE.recipient)


def test_only_who_opens_the_challenge_knows_the_answer():
    message = recipients.challenge(MINE.recipient)
    answer = age_keys.unsealed(message, MINE).decode()
    assert recipients.is_answer(MINE.recipient, answer)
    assert recipients.is_answer(MINE.recipient, answer.split(": ")[1].strip().lower())
    assert not recipients.is_answer(YOURS.recipient, answer)
    assert not recipients.is_answer(MINE.recipient, "")
    with pytest.raises(ArtifactError):
        age_keys.unsealed(message, OTHER)
